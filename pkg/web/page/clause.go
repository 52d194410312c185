package page

import (
	"fmt"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/match"
)

// maxDepth bounds how deep a condition is shown.
const maxDepth = 40

// clause is a part of a condition with what the event makes of it.
type clause struct {
	Text     string // of a check; or in words, what is asked of the terms
	Check    bool
	Verdict  bool
	Values   []operand
	Terms    []*clause // those that decide
	Beside   []*clause // the others
	Deeper   bool      // there are terms that are too deep to be shown
	Redacted bool      // it looks at a secret that was taken out
}

// operand is what a field gave.
type operand struct {
	Name   string
	Absent bool
	List   bool
	Items  []string
	More   int
}

const (
	redactedMark = "__REDACTED__" // stands where a secret was
	itemsShown   = 20
)

// clauseOf makes a tree for reading out of an explanation: which terms decide, and
// which do not matter.
func clauseOf(x *match.Explanation, depth int) *clause {
	c := &clause{Text: x.Text, Check: len(x.Terms) == 0, Verdict: x.Verdict}
	for _, v := range x.Values {
		c.Values = append(c.Values, operandOf(v))
		for _, item := range v.Items {
			c.Redacted = c.Redacted || strings.Contains(item, redactedMark)
		}
	}
	if depth == maxDepth && len(x.Terms) > 0 {
		c.Deeper = true
		return c
	}
	for _, t := range x.Terms {
		sub := clauseOf(t, depth+1)
		if decides(x, t) {
			c.Terms = append(c.Terms, sub)
		} else {
			c.Beside = append(c.Beside, sub)
		}
	}
	switch x.Text {
	case "and":
		c.Text = "all of"
	case "or":
		c.Text = "at least one of"
	}
	return c
}

// BesideText says what the terms are that do not decide.
func (c *clause) BesideText() string {
	verdict := "not hold"
	if c.Beside[0].Verdict {
		verdict = "hold"
	}
	if len(c.Beside) == 1 {
		return "one other term, which does " + verdict + " and does not matter here"
	}
	return fmt.Sprintf("%d other terms, which do %s and do not matter here", len(c.Beside), verdict)
}

// decides reports whether a term is what makes its node hold or not: one that holds of an
// "or" that does, one that does not of an "and" that does not; otherwise every term.
func decides(x, term *match.Explanation) bool {
	if x.Text == "or" && x.Verdict || x.Text == "and" && !x.Verdict {
		return term.Verdict == x.Verdict
	}
	return true
}

func operandOf(v match.OperandValue) operand {
	o := operand{Name: v.Operand, Absent: v.Absent, List: v.List, Items: v.Items}
	if len(o.Items) > itemsShown {
		o.More = len(o.Items) - itemsShown
		o.Items = o.Items[:itemsShown]
	}
	return o
}
