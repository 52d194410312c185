package match

import (
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// Hits appends the numbers of the rules that an event meets, counted from 0 among
// the enabled ones, in their order, and makes no detections: for those who need to
// know no more. Where nothing matches nothing is allocated.
func (m *Matcher) Hits(dst []int32, c *field.Context) ([]int32, []Fault) {
	c.Strict = m.plain.opt.Strict
	st := m.states.Get().(*state)
	defer m.states.Put(st)
	if m.run(st, c) {
		return append(dst, st.hits...), nil
	}
	return holding(dst, nil, m.plain.rules, c)
}

// holding appends the numbers of the rules whose condition an event meets, judged one by
// one, and the faults of those that cannot be judged.
func holding(dst []int32, faults []Fault, rules []rule, c *field.Context) ([]int32, []Fault) {
	for i := range rules {
		r := &rules[i]
		holds, err := r.holds(c)
		switch {
		case err != nil:
			faults = append(faults, Fault{Rule: r.rule, Err: err})
		case holds:
			dst = append(dst, int32(i))
		}
	}
	return dst, faults
}

// MatchBeside judges an event by the rules and by those beside them, and appends the
// numbers of these that it meets, counted from 0 among the enabled ones, in their
// order. Where nothing matches nothing is allocated.
func (m *Matcher) MatchBeside(dst []int32, c *field.Context) (Result, []int32) {
	return m.match(dst, c)
}

// Beside is the set given to [NewBeside].
func (m *Matcher) Beside() *rules.Ruleset { return m.beside }

// Single is one rule, whatever it says of several events: for those who find out
// by themselves when it fires. It is immutable and safe for concurrent use.
type Single struct {
	plain *Plain
}

// NewSingle compiles a rule.
func NewSingle(r *rules.Rule, cat *field.Catalogue, opt Options) (*Single, error) {
	alone := *r
	alone.State, alone.ReadsSeen, alone.Enabled = nil, false, true
	p, err := NewPlain(&rules.Ruleset{Rules: []*rules.Rule{&alone}}, cat, opt)
	if err != nil {
		return nil, err
	}
	p.rules[0].rule = r
	return &Single{p}, nil
}

// Holds tells whether an event meets the condition. The error is a panic in it.
func (s *Single) Holds(c *field.Context) (bool, error) {
	c.Strict = s.plain.opt.Strict
	return s.plain.rules[0].holds(c)
}

// Detection is what the rule says of an event when it fires. The error is a panic.
func (s *Single) Detection(c *field.Context) (Detection, error) {
	c.Strict = s.plain.opt.Strict
	return s.plain.detect(&s.plain.rules[0], c)
}

func (r *rule) holds(c *field.Context) (holds bool, err error) {
	defer caught(r, &err)
	return r.when.eval(c), nil
}

// Weaken gives a condition that holds wherever e does, and does not ask for the fields
// that free tells: a check on one of them may hold or not. It is nil where it then
// holds always.
func Weaken(e condition.Expr, free func(name string) bool) condition.Expr {
	return weaken(e, false, free)
}

// weaken gives what e, or its negation, implies; nil for nothing.
func weaken(e condition.Expr, not bool, free func(string) bool) condition.Expr {
	switch e := e.(type) {
	case *condition.Not:
		return weaken(e.X, !not, free)
	case *condition.And:
		return weakenTerms(e.Terms, !not, not, free)
	case *condition.Or:
		return weakenTerms(e.Terms, not, not, free)
	}
	found := false
	condition.WalkFields(e, func(f *condition.Field) { found = found || free(f.Name) })
	switch {
	case found:
		return nil
	case not:
		return &condition.Not{X: e}
	}
	return e
}

// weakenTerms joins terms by "and" where all is set, else by "or".
func weakenTerms(es []condition.Expr, all, not bool, free func(string) bool) condition.Expr {
	var terms []condition.Expr
	for _, e := range es {
		switch x := weaken(e, not, free); {
		case x != nil:
			terms = append(terms, x)
		case !all: // an alternative that always holds
			return nil
		}
	}
	switch {
	case len(terms) == 0:
		return nil
	case len(terms) == 1:
		return terms[0]
	case all:
		return &condition.And{Terms: terms}
	}
	return &condition.Or{Terms: terms}
}
