package search

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// Plan says how a condition is searched for.
type Plan struct {
	Upper   string // what the store looks for: all that can meet the condition
	Lower   string // what needs no judging: all of it meets the condition
	Clauses []PlanClause
}

// PlanClause is a check of the condition.
type PlanClause struct {
	Text string
	How  How
}

// How tells what the store does for a check.
type How string

// What the store can do for a check, in events of which nothing that it looks at was
// redacted or is too long for a row.
const (
	Exact    How = "exact"    // it finds just the events that meet it
	Narrowed How = "narrowed" // it finds fewer events than all, of which some may not meet it
	Judged   How = "judged"   // it knows nothing of it: all events are read
)

// Plan tells how a condition is searched for. The error is a [BadRequest].
func (s *Searcher) Plan(cond string) (Plan, error) {
	e, err := parse(cond, s.terms())
	if err != nil {
		return Plan{}, err
	}
	b := boundsOf(e)
	p := Plan{Upper: FilterText(b.upper), Lower: FilterText(b.lower)}
	if e == nil {
		return p, nil
	}
	condition.Walk(e, func(e condition.Expr) bool {
		if c, ok := e.(*condition.Check); ok {
			p.Clauses = append(p.Clauses, PlanClause{Text: c.String(), How: howOf(c)})
		}
		return true
	})
	return p, nil
}

func howOf(c *condition.Check) How {
	if _, ok := constant(c); ok {
		return Exact
	}
	b := columnBounds(c)
	switch {
	case b.exact:
		return Exact
	case isAll(b.upper):
		return Judged
	}
	return Narrowed
}

// FilterText writes a filter for people.
func FilterText(f store.Filter) string {
	switch f := f.(type) {
	case store.And:
		return joinFilters(f, " and ", "all")
	case store.Or:
		return joinFilters(f, " or ", "none")
	case store.Not:
		return "not " + FilterText(f.Filter)
	case store.Exists:
		return f.Column + " exists"
	case store.Equal:
		values := make([]string, len(f.Values))
		for i, v := range f.Values {
			values[i] = strconv.Quote(v)
		}
		return f.Column + " in (" + strings.Join(values, ", ") + ")"
	case store.Prefix:
		return f.Column + " begins with " + strconv.Quote(f.Text)
	case store.Suffix:
		return f.Column + " ends with " + strconv.Quote(f.Text)
	case store.Contains:
		return f.Column + " contains " + strconv.Quote(f.Text)
	case store.Regexp:
		return f.Column + " matches " + strconv.Quote(f.Pattern)
	case store.Range:
		return fmt.Sprintf("%s from %d to %d", f.Column, f.Least, f.Most)
	case store.Raw:
		return "raw contains " + strconv.Quote(f.Text)
	case store.Beside:
		return "raw is beside"
	case store.Cut:
		return f.Column + " is cut"
	}
	return "all"
}

func joinFilters(terms []store.Filter, word, none string) string {
	if len(terms) == 0 {
		return none
	}
	parts := make([]string, len(terms))
	for i, t := range terms {
		parts[i] = FilterText(t)
	}
	return "(" + strings.Join(parts, word) + ")"
}
