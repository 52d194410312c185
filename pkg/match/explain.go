package match

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// Explanation is a node of a condition with what an event makes of it.
type Explanation struct {
	Text    string // "and", "or", "not", or the check as written
	Verdict bool
	Values  []OperandValue // of a check: what its fields and transformers yield
	Terms   []*Explanation
}

// OperandValue is what a field or transformer yields for an event.
type OperandValue struct {
	Operand string
	Absent  bool
	List    bool
	Items   []string
}

// Explain judges every clause of a rule's condition against an event, also
// those that an evaluation would not come to.
func Explain(r *rules.Rule, cat *field.Catalogue, strict bool, c *field.Context) (*Explanation, error) {
	c.Strict = strict
	b := builder{cat: cat, strict: strict}
	return b.explain(r.Condition, c)
}

func (b *builder) explain(e condition.Expr, c *field.Context) (*Explanation, error) {
	switch e := e.(type) {
	case *condition.And:
		return b.explainTerms("and", e.Terms, e, c)
	case *condition.Or:
		return b.explainTerms("or", e.Terms, e, c)
	case *condition.Not:
		return b.explainTerms("not", []condition.Expr{e.X}, e, c)
	case *condition.Check:
		return b.explainCheck(e, c)
	}
	return nil, fmt.Errorf("unresolved macro %q", e)
}

func (b *builder) explainTerms(text string, terms []condition.Expr, whole condition.Expr, c *field.Context) (*Explanation, error) {
	n, err := b.node(whole)
	if err != nil {
		return nil, err
	}
	x := &Explanation{Text: text, Verdict: n.eval(c)}
	for _, t := range terms {
		sub, err := b.explain(t, c)
		if err != nil {
			return nil, err
		}
		x.Terms = append(x.Terms, sub)
	}
	return x, nil
}

func (b *builder) explainCheck(e *condition.Check, c *field.Context) (*Explanation, error) {
	n, err := b.node(e)
	if err != nil {
		return nil, err
	}
	x := &Explanation{Text: e.String(), Verdict: n.eval(c)}
	for _, o := range []condition.Operand{e.Left, e.Right} {
		if o == nil {
			continue
		}
		v, err := b.operandValue(o, c)
		if err != nil {
			return nil, err
		}
		x.Values = append(x.Values, v)
	}
	return x, nil
}

func (b *builder) operandValue(o condition.Operand, c *field.Context) (OperandValue, error) {
	op, err := b.operand(o)
	if err != nil {
		return OperandValue{}, err
	}
	typ, err := condition.TypeOf(o, b.cat)
	if err != nil {
		return OperandValue{}, err
	}
	v := op.value(c)
	out := OperandValue{Operand: o.String(), Absent: !v.present, List: typ.List}
	for _, item := range v.items {
		out.Items = append(out.Items, item.Text)
	}
	return out, nil
}

// Write prints the tree, one clause a line, each with its verdict; checks with
// the values they were judged on.
func (x *Explanation) Write(w io.Writer) error { return x.write(w, 0) }

func (x *Explanation) write(w io.Writer, depth int) error {
	verdict := "false"
	if x.Verdict {
		verdict = "true "
	}
	line := verdict + "  " + strings.Repeat("  ", depth) + x.Text
	for i, v := range x.Values {
		sep := "; "
		if i == 0 {
			sep = "    # "
		}
		line += sep + v.String()
	}
	if _, err := fmt.Fprintln(w, line); err != nil {
		return err
	}
	for _, t := range x.Terms {
		if err := t.write(w, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// shownBytes is how much of a value is printed.
const shownBytes = 200

// String gives the operand with its value, quoted.
func (v OperandValue) String() string {
	if v.Absent {
		return v.Operand + " is absent"
	}
	if !v.List {
		return v.Operand + " is " + shown(v.Items[0])
	}
	parts := make([]string, len(v.Items))
	for i, s := range v.Items {
		parts[i] = shown(s)
	}
	return v.Operand + " is (" + strings.Join(parts, ", ") + ")"
}

func shown(s string) string {
	if len(s) > shownBytes {
		return strconv.Quote(s[:shownBytes]) + "..."
	}
	return strconv.Quote(s)
}
