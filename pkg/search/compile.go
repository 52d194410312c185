package search

import (
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// parse reads a condition in the terms of the rules. It is nil for a condition without text.
// The error is a [BadRequest].
func parse(cond string, rs *rules.Ruleset) (condition.Expr, error) {
	e, err := ruleset.Condition(cond, rs)
	if err != nil {
		return nil, badf("search: %w", err)
	}
	return e, nil
}

func badf(text string, args ...any) error { return BadRequest{Err: fmt.Errorf(text, args...)} }
