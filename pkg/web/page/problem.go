package page

import (
	"errors"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// problem is what is wrong with a request.
type problem struct {
	Message string
	Excerpt string // the line of the condition, and a caret below the place; "" where it is about something else
}

// problemOf says what is wrong, and where in the condition. The search may tell places in
// another text, with the lists put in; so the place is looked for in what was written.
func problemOf(cond string, err error) *problem {
	var syntax *condition.SyntaxError
	var compile *condition.CompileError
	var macro *condition.UndefinedMacro
	p := &problem{Message: err.Error()}
	var at condition.Pos
	switch {
	case errors.As(err, &syntax):
		at = syntaxAt(cond, syntax.Msg)
	case errors.As(err, &compile):
		at = checkAt(cond, compile.Msg)
	case errors.As(err, &macro):
		at = macroAt(cond, macro.Name)
	}
	if at.Line == 0 {
		return p
	}
	p.Excerpt = condition.Excerpt(cond, at)
	switch {
	case syntax != nil:
		p.Message = syntax.Msg
	case compile != nil:
		p.Message = compile.Msg
	case macro != nil:
		p.Message = "there is no macro " + macro.Name + " in the rules in force; a field has a dot in its name, as ka.verb"
	}
	return p
}

// syntaxAt is the place of a syntax error; the zero Pos where the text has no such error.
func syntaxAt(cond, msg string) condition.Pos {
	var own *condition.SyntaxError
	if _, err := condition.Parse(cond); errors.As(err, &own) && own.Msg == msg {
		return own.Pos
	}
	return condition.Pos{}
}

// checkAt is the place of a check that cannot be evaluated.
func checkAt(cond, msg string) condition.Pos {
	return placeOf(cond, func(e condition.Expr) (condition.Pos, bool) {
		var own *condition.CompileError
		if _, ok := e.(*condition.Check); !ok {
			return condition.Pos{}, false
		}
		_, err := condition.Validate(e, field.Default())
		if errors.As(err, &own) && own.Msg == msg {
			return own.Pos, true
		}
		return condition.Pos{}, false
	})
}

// macroAt is the place where a macro is named.
func macroAt(cond, name string) condition.Pos {
	return placeOf(cond, func(e condition.Expr) (condition.Pos, bool) {
		m, ok := e.(*condition.Macro)
		return e.Pos(), ok && m.Name == name
	})
}

// placeOf is the first place in a condition that is meant.
func placeOf(cond string, meant func(condition.Expr) (condition.Pos, bool)) (at condition.Pos) {
	tree, err := condition.Parse(cond)
	if err != nil {
		return at
	}
	condition.Walk(tree, func(e condition.Expr) bool {
		if p, ok := meant(e); ok && at.Line == 0 {
			at = p
		}
		return at.Line == 0
	})
	return at
}
