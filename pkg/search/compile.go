package search

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/typo"
)

// parse reads a condition in the terms of the rules. It is nil for a condition without text.
// The error is a [BadRequest].
func parse(cond string, rs *rules.Ruleset) (condition.Expr, error) {
	e, err := ruleset.Condition(cond, rs)
	if err != nil {
		var unknown *condition.CompileError
		if errors.As(err, &unknown) && unknown.UnknownField {
			hint := didYouMean(unknown.Msg[strings.LastIndexByte(unknown.Msg, ' ')+1:])
			unknown.Msg += hint // for pages, which tell it beside the condition
			return nil, badf("search: %w%s", err, hint)
		}
		return nil, badf("search: %w", err)
	}
	return e, nil
}

// longestField is longer than the name of any field.
const longestField = 64

// didYouMean names the field that is most like a name that is none; "" where none is.
func didYouMean(name string) string {
	name, _, _ = strings.Cut(name, "[")
	names := fieldNames()
	if i := typo.Nearest(name, names, longestField); i >= 0 {
		return "; did you mean " + names[i] + "?"
	}
	return ""
}

var fieldNames = sync.OnceValue(func() (names []string) {
	for _, f := range field.Default().All() {
		names = append(names, f.Name)
	}
	return names
})

func badf(text string, args ...any) error { return BadRequest{Err: fmt.Errorf(text, args...)} }
