package policy

import (
	"cmp"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// narrow notes why a class on which the demand can hold is lost in part: by one of several ways to meet it that the source
// does not tell.
func (c *covering) narrow(k *class, stage string, rec Recording) {
	if c.source.reviews || c.demand.asksLevel() || rec.Level == RequestResponse && len(c.source.Lacks) == len(onlyReviews) {
		return // of reviews everything is lost in part
	}
	full := k.at(stage, audited, RequestResponse, true)
	lost := func(level Level) ([]string, string) {
		m := c.moment(k, k.verb, stage, level, !rec.OmitManagedFields, rec)
		var clauses []string
		var why string
		for _, e := range c.ways(c.demand.expr, full, m, nil) {
			some, w := c.failingOf(e, full, m)
			clauses, why = append(clauses, some...), cmp.Or(why, w)
		}
		return clauses, why
	}
	l := Loss{Part: c.demand.what, Verbs: []string{k.verb}, targets: []*target{k.target}, whos: []*identity{k.who}, Stage: stage,
		Recorded: rec.Level.String(), Rule: rec.Rule, omits: rec.OmitStages, level: rec.Level}
	if l.Clauses, l.Why = lost(rec.Level); len(l.Clauses) == 0 {
		return
	}
	for level := rec.Level + 1; level <= RequestResponse; level++ {
		if clauses, _ := lost(level); len(clauses) == 0 {
			l.level, l.Needs, l.Why = level, level.String(), ""
			break
		}
	}
	c.note(&l)
}

// ways gives the terms of a condition that can not hold at a moment, where others in their place can: each was one way to meet
// it. Where another holds for sure nothing is lost.
func (c *covering) ways(e condition.Expr, full, m *moment, out []condition.Expr) []condition.Expr {
	switch e := e.(type) {
	case *condition.And:
		for _, t := range e.Terms {
			out = c.ways(t, full, m, out)
		}
	case *condition.Or:
		if !c.j.expr(e, m).fails() {
			return out
		}
		for _, t := range e.Terms {
			switch {
			case c.j.expr(t, m).holds():
				out = c.ways(t, full, m, out)
			case c.j.expr(t, full).holds():
				out = append(out, t)
			}
		}
	}
	return out
}
