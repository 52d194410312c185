package policy

import (
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// text is what is known of a text: that it is not there, or the text itself, or how it begins and what it is not. The zero
// text is there, and can be anything.
type text struct {
	absent   bool
	exact    bool
	is       string   // if exact
	prefixes []string // begins with one of these; none: with anything
	never    []string // begins with none of these
	not      []string // is none of these
	fresh    bool     // is nothing that a rule or a policy names
}

func exactly(s string) text { return text{exact: true, is: s} }

// orAbsent is a text that stands for nothing when it is empty.
func orAbsent(s string) text { return text{exact: true, is: s, absent: s == ""} }

// compare tells what a check against literals comes to. It does not know exact texts.
func (t *text) compare(c *condition.Check) truth {
	if c.Op == condition.Exists {
		return canHold
	}
	some, every := canFail, canHold
	for _, lit := range c.Values {
		one := t.literal(c.Op, lit.Text)
		some, every = some.or(one), every.and(one)
	}
	switch {
	case c.Mod == condition.AllOf && len(c.Values) > 0:
		return every
	case c.Mod == condition.OneOf && some.holds():
		return unknown
	}
	return some
}

func (t *text) literal(op condition.Op, lit string) truth {
	switch op {
	case condition.Eq, condition.In, condition.Intersects:
		return t.equals(lit)
	case condition.Ne:
		return t.equals(lit).not()
	case condition.StartsWith:
		return t.starts(lit)
	case condition.Glob:
		if i := strings.IndexAny(lit, `*?[\`); i >= 0 && !t.starts(lit[:i]).holds() {
			return canFail
		}
	case condition.Contains:
		if len(t.prefixes) > 0 && !slices.ContainsFunc(t.prefixes, func(p string) bool { return !strings.Contains(p, lit) }) {
			return canHold
		}
	}
	return unknown
}

func (t *text) equals(lit string) truth {
	begins := func(p string) bool { return strings.HasPrefix(lit, p) }
	if t.fresh || slices.Contains(t.not, lit) || slices.ContainsFunc(t.never, begins) ||
		len(t.prefixes) > 0 && !slices.ContainsFunc(t.prefixes, begins) {
		return canFail
	}
	return unknown
}

func (t *text) starts(lit string) truth {
	if slices.ContainsFunc(t.never, func(n string) bool { return strings.HasPrefix(lit, n) }) {
		return canFail
	}
	if len(t.prefixes) == 0 {
		return unknown
	}
	certain, possible := true, false
	for _, p := range t.prefixes {
		certain = certain && strings.HasPrefix(p, lit)
		possible = possible || strings.HasPrefix(p, lit) || strings.HasPrefix(lit, p)
	}
	switch {
	case certain:
		return canHold
	case possible:
		return unknown
	}
	return canFail
}
