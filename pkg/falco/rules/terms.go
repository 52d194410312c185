package rules

import (
	"sync"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// terms are the lists and macros of a load, for conditions that are no rule's.
type terms struct {
	mu sync.Mutex // substitution and resolution note what they have done
	c  *compiler
}

// WithLists gives a condition with the lists of the rules files in the places of
// their names, as they stand in the conditions of rules. The error is that it grows
// too long.
func (rs *Ruleset) WithLists(cond string) (string, error) {
	t := rs.terms
	if t == nil {
		return cond, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	text, _, err := t.c.substitute(scriptAt(cond, place{}))
	if err != nil {
		return "", err
	}
	return text.text, nil
}

// Macro gives what a macro of the rules files stands for, with the macros and lists
// in it in their places. It is false where there is no such macro, or one that no
// rule could use.
func (rs *Ruleset) Macro(name string) (condition.Expr, bool) {
	t := rs.terms
	if t == nil {
		return nil, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	ref := &condition.Macro{Name: name}
	if m := t.c.macros.get(name); m == nil || m.bad || t.c.measure(ref) > maxConditionNodes {
		return nil, false
	}
	x, err := t.c.resolve(ref)
	return x, err == nil
}
