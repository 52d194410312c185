package search

import (
	"slices"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// boundsOf carries a condition to the store, as far as the columns of rows tell. A nil
// condition holds for every event.
func boundsOf(e condition.Expr) bounds {
	if e == nil {
		return always()
	}
	b := pushed(e)
	if size(b.upper) > maxFilter {
		b.upper, b.exact = allRows, false
	}
	if size(b.lower) > maxFilter {
		b.lower, b.exact = noRows, false
	}
	return b
}

func pushed(e condition.Expr) bounds {
	switch e := e.(type) {
	case *condition.And:
		return allOf(pushedEach(e.Terms)...)
	case *condition.Or:
		return anyOf(pushedEach(e.Terms)...)
	case *condition.Not:
		return negated(pushed(e.X))
	case *condition.Check:
		return pushedCheck(e)
	}
	return within(allRows) // a macro, which is resolved before
}

func pushedEach(es []condition.Expr) []bounds {
	out := make([]bounds, len(es))
	for i, e := range es {
		out[i] = pushed(e)
	}
	return out
}

// pushedCheck are the bounds of a check on any event: those of its columns, widened by
// the rows in which a column is cut or in which something redacted is in the way.
func pushedCheck(c *condition.Check) bounds {
	if verdict, ok := constant(c); ok {
		if verdict {
			return always()
		}
		return never()
	}
	b := columnBounds(c)
	r := readsOf(c)
	hidden, cut := r.filter(), or(cutFilters(c)...)
	return bounds{
		upper: or(b.upper, hidden, cut),
		lower: and(b.lower, not(hidden)),
		exact: b.exact && isNone(hidden) && isNone(cut),
	}
}

// cutFilters select the rows in which a column of a check is too long to be in the row.
func cutFilters(c *condition.Check) []store.Filter {
	var out []store.Filter
	condition.WalkFields(c, func(fl *condition.Field) {
		f, ok := field.Default().Lookup(fl.Name)
		if !ok {
			return
		}
		if col, ok := row.Column(f); ok && col.Kind != row.Number && col.Kind != row.Bool {
			out = append(out, store.Cut{Column: col.Name})
		}
	})
	return out
}

// constants are fields that are the same for all events, or absent from all.
var constants = []string{"evt.pluginname", "evt.source", "evt.is_async", "evt.asynctype"}

// constant judges a check that looks at no event.
func constant(c *condition.Check) (verdict, ok bool) {
	fields, other := 0, false
	condition.WalkFields(c, func(fl *condition.Field) {
		fields++
		other = other || !slices.Contains(constants, fl.Name)
	})
	if other || fields == 0 {
		return false, false
	}
	m, err := plain(c, match.Options{})
	if err != nil {
		return false, false
	}
	res := m.Match(&field.Context{Event: &audit.Event{Raw: []byte("{}")}})
	return len(res.Detections) > 0, len(res.Faults) == 0
}

// operand is the left-hand side of a check as a column, where it is one.
type operand struct {
	field  *field.Field
	column row.Info
	fold   fold
	some   bool // an index selects some of the column's elements
}

// operandOf finds the column of an operand: a field, or a field in one case of letters.
func operandOf(o condition.Operand) (operand, bool) {
	switch o := o.(type) {
	case *condition.Transform:
		how, ok := folds[o.Name]
		if !ok || len(o.Args) != 1 {
			return operand{}, false
		}
		x, ok := operandOf(o.Args[0])
		if !ok || x.fold != asIs || x.some || x.column.Kind != row.Text {
			return operand{}, false
		}
		x.fold = how
		return x, true
	case *condition.Field:
		f, ok := field.Default().Lookup(o.Name)
		if !ok {
			return operand{}, false
		}
		col, ok := row.Column(f)
		if !ok || o.HasArg && !f.Ours {
			return operand{}, false // Falco's lists are absent as a whole where one element fails; one by itself is not
		}
		return operand{field: f, column: col, some: o.HasArg}, true
	}
	return operand{}, false
}

// columnBounds are the bounds of a check as the columns tell, in rows in which none is
// cut and nothing is redacted.
func columnBounds(c *condition.Check) bounds {
	x, ok := operandOf(c.Left)
	switch {
	case !ok || c.Right != nil:
		return within(and(presence(c.Left), presence(c.Right)))
	case c.Op == condition.Exists && x.some:
		return within(store.Exists{Column: x.column.Name})
	case c.Op == condition.Exists:
		return exactly(store.Exists{Column: x.column.Name})
	case c.List && len(c.Values) == 0:
		return never()
	case x.column.Kind == row.List:
		return listBounds(x, c)
	}
	return combined(c, literalBounds(x, c))
}

// presence selects all rows in which an operand has a value, and maybe more.
func presence(o condition.Operand) store.Filter {
	switch o := o.(type) {
	case *condition.Field:
		if x, ok := operandOf(o); ok {
			return store.Exists{Column: x.column.Name}
		}
	case *condition.Transform: // absent where one of its arguments is
		return presenceOf(o.Args)
	case *condition.Tuple:
		return presenceOf(o.Items)
	}
	return allRows
}

func presenceOf(os []condition.Operand) store.Filter {
	out := make([]store.Filter, len(os))
	for i, o := range os {
		out[i] = presence(o)
	}
	return and(out...)
}

// literalBounds are the bounds of a comparison with each of a check's literals.
func literalBounds(x operand, c *condition.Check) []bounds {
	op := c.Op
	if op == condition.In || op == condition.Intersects { // the same, of what is no list
		op = condition.Eq
	}
	out := make([]bounds, len(c.Values))
	for i, lit := range c.Values {
		switch x.column.Kind {
		case row.Number:
			out[i] = numberBounds(x.column.Name, op, lit.Text)
		case row.Address:
			out[i] = addressBounds(x.column.Name, op, lit.Text)
		default:
			out[i] = textBounds(x, op, lit.Text)
		}
	}
	return out
}

// maxOneOf bounds the literals of a oneof that is carried over: each is held against all
// others.
const maxOneOf = 16

// combined puts the comparisons with a check's literals together.
func combined(c *condition.Check, each []bounds) bounds {
	switch {
	case c.Mod == condition.AllOf:
		return allOf(each...)
	case c.Mod != condition.OneOf:
		return anyOfTexts(each)
	case len(each) > maxOneOf:
		return within(anyOf(each...).upper)
	}
	alone := make([]bounds, len(each))
	for i := range each {
		terms := []bounds{each[i]}
		for j := range each {
			if j != i {
				terms = append(terms, negated(each[j]))
			}
		}
		alone[i] = allOf(terms...)
	}
	return anyOf(alone...)
}

// anyOfTexts is anyOf, with what are single values of one column in one filter.
func anyOfTexts(each []bounds) bounds {
	var values []string
	column := ""
	for _, b := range each {
		eq, ok := b.upper.(store.Equal)
		if !ok || !b.exact || column != "" && column != eq.Column {
			return anyOf(each...)
		}
		column = eq.Column
		values = append(values, eq.Values...)
	}
	return exactly(store.Equal{Column: column, Values: values})
}

// numberBounds compare a column of decimal numbers.
func numberBounds(column string, op condition.Op, lit string) bounds {
	n, ok := condition.ParseNumber(lit)
	if !ok {
		return within(store.Exists{Column: column})
	}
	span := func(least, most uint64) bounds {
		return exactly(store.Range{Column: column, Least: least, Most: most})
	}
	const highest = ^uint64(0)
	switch op {
	case condition.Eq:
		return span(n, n)
	case condition.Ne:
		return allOf(exactly(store.Exists{Column: column}), negated(span(n, n)))
	case condition.Le:
		return span(0, n)
	case condition.Ge:
		return span(n, highest)
	case condition.Lt:
		if n == 0 {
			return never()
		}
		return span(0, n-1)
	case condition.Gt:
		if n == highest {
			return never()
		}
		return span(n+1, highest)
	}
	return within(store.Exists{Column: column})
}

// ruleOf makes a rule of a condition.
func ruleOf(e condition.Expr) *rules.Ruleset {
	return &rules.Ruleset{Rules: []*rules.Rule{{
		Name: "search", Source: "k8s_audit", Enabled: true, Condition: e, ConditionText: e.String(), Format: noOutput,
	}}}
}
