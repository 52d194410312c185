package ruletest

import (
	"fmt"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/typo"
	"github.com/kubewitness/kubewitness/pkg/yamlnode"
)

// Problem is one thing that is wrong with a test file.
type Problem = yamlnode.Problem

// Problems are all that is wrong with a test file, one at least, in the order of its lines.
type Problems = yamlnode.Problems

// maxProblems bounds the problems told of a file.
const maxProblems = 50

// didYouMean says which of the names is like another one, or what names there are.
func didYouMean(name string, names []string) string {
	const longest = 128 // no name that anybody meant is longer
	lower := make([]string, len(names))
	for i, n := range names {
		lower[i] = strings.ToLower(n)
	}
	best := typo.Nearest(strings.ToLower(name), lower, longest)
	switch {
	case best >= 0:
		return fmt.Sprintf("did you mean %q?", names[best])
	case len(names) == 0:
		return "there are none"
	case len(names) > 24:
		return fmt.Sprintf("there are %d, none like it", len(names))
	}
	return "there are " + strings.Join(names, ", ")
}
