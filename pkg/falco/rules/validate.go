package rules

import (
	"errors"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// finding is something to tell.
type finding struct {
	code    string
	msg     string
	at      chain
	warning bool
	unknown bool // an error about a field that does not exist
}

// step is what validation meets in a condition, from left to right: a finding
// or a macro to go into.
type step struct {
	finding
	macro *macro
}

// judgedMacro is a macro as judged against the fields of a source.
type judgedMacro struct {
	macro  *macro
	source string
}

// validate gives what is found in a rule's condition, through macros, from left
// to right. What is found in a macro points into the macro.
func (c *compiler) validate(steps []step, item *ruleItem) []finding {
	v := &validator{c: c, item: item, seen: map[*macro]bool{}}
	v.follow(steps, nil)
	return v.found
}

type validator struct {
	c     *compiler
	item  *ruleItem
	seen  map[*macro]bool
	found []finding
}

// follow collects the findings of a condition, which is that of macro m unless
// m is nil.
func (v *validator) follow(steps []step, m *macro) {
	for _, s := range steps {
		switch {
		case s.macro == nil:
			if m != nil { // from the rule through the macro
				s.at = append(v.item.condAt[:len(v.item.condAt):len(v.item.condAt)], s.at[1:]...)
			}
			v.found = append(v.found, s.finding)
		case !v.seen[s.macro]:
			v.seen[s.macro] = true
			v.follow(v.c.macroSteps(s.macro, v.item.source), s.macro)
		}
	}
}

// macroSteps judges a macro, once for each source.
func (c *compiler) macroSteps(m *macro, source string) []step {
	key := judgedMacro{m, source}
	if steps, ok := c.judged[key]; ok {
		return steps
	}
	steps := c.steps(m.tree, m.text, m.item.where, source)
	c.judged[key] = steps
	return steps
}

// steps judges the checks of one condition.
func (c *compiler) steps(tree condition.Expr, text script, where chain, source string) (steps []step) {
	if tree == nil {
		return nil
	}
	cat, _ := c.all.catalogue(source)
	condition.Walk(tree, func(e condition.Expr) bool {
		switch e := e.(type) {
		case *condition.Check:
			for _, f := range judgeCheck(e, cat, text, where) {
				steps = append(steps, step{finding: f})
			}
		case *condition.Macro:
			if m := c.macros.get(e.Name); m != nil {
				steps = append(steps, step{macro: m})
			}
		}
		return true
	})
	return steps
}

func judgeCheck(check *condition.Check, cat condition.Catalogue, text script, where chain) (found []finding) {
	warnings, err := condition.Validate(check, cat)
	for _, w := range warnings {
		found = append(found, finding{code: w.Code, msg: w.Msg, at: expressionAt(where, text, w.Pos), warning: true})
	}
	var bad *condition.CompileError
	switch {
	case err == nil:
	case errors.As(err, &bad):
		found = append(found, finding{code: ErrCompileCondition, msg: bad.Msg, at: expressionAt(where, text, bad.Pos), unknown: bad.UnknownField})
	default:
		found = append(found, finding{code: ErrCompileCondition, msg: err.Error(), at: where})
	}
	return found
}
