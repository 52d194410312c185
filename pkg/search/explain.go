package search

import (
	"context"
	"slices"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// NoRule says that a rule is not among those in force, so that nobody can explain it.
type NoRule struct {
	Rule  string
	Fired bool // it did fire on the event
}

// Error implements error.
func (e NoRule) Error() string {
	if e.Fired {
		return "search: the rule " + quoted(e.Rule) + " fired on the event, but is no longer among the rules"
	}
	return "search: there is no rule " + quoted(e.Rule) + " among the rules in force"
}

// Explain judges every clause of a rule in force on a stored event. The note says what
// speaks against taking that for the verdict of the day; "" where nothing does. The error
// is [NotFound] also for an event outside the scope, and [NoRule] for a rule that is not
// or no longer there.
func (s *Searcher) Explain(ctx context.Context, p Principal, id, rule string) (x *match.Explanation, note string, err error) {
	e, err := s.event(ctx, p, id)
	if err != nil {
		return nil, "", err
	}
	did := fired(e, func(d *rules.Rule) bool { return d.Name == rule })
	var r *rules.Rule
	set := s.ruleset()
	if set != nil {
		r = set.Rules.Rule(rule)
	}
	if r == nil {
		return nil, "", NoRule{Rule: rule, Fired: did}
	}
	x, err = match.Explain(r, set.Catalogue, isStrict(set), contextOf(e.Event, s.cfg.Hostname))
	if err != nil {
		return nil, "", err
	}
	return x, explainNote(r, e.Redacted, did, x.Verdict), nil
}

func explainNote(r *rules.Rule, redacted []string, did, does bool) string {
	switch {
	case looksAt(r.Condition, redacted):
		return "some clauses look at what was redacted before the event was stored; on the day they saw it as it came"
	case did && !does:
		return "the rule fired when the event came and would not now: it was changed since"
	case !did && does && !r.Enabled:
		return "the rule is not enabled"
	case !did && does:
		return "the rule did not fire when the event came and would now: it is new, or was changed since"
	}
	return ""
}

// looksAt tells whether a clause of a condition looks where something was redacted.
func looksAt(e condition.Expr, redacted []string) bool {
	found := false
	condition.Walk(e, func(e condition.Expr) bool {
		if c, ok := e.(*condition.Check); ok && !found {
			r := readsOf(c)
			found = r.touched(redacted)
		}
		return !found
	})
	return found
}

// quoted is a name in a message, cut to what people read.
func quoted(name string) string {
	const most = 100
	r := []rune(name)
	if len(r) > most {
		r = append(slices.Clone(r[:most]), []rune("...")...)
	}
	return condition.Quote(string(r))
}
