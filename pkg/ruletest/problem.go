package ruletest

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a test file.
type Problem struct {
	File         string
	Line, Column int // 1-based; 0 where not known
	Text         string
}

// Error gives the problem with its place.
func (p *Problem) Error() string {
	switch {
	case p.Line == 0:
		return fmt.Sprintf("%s: %s", p.File, p.Text)
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}

// Problems are all that is wrong with a test file, one at least, in the order of its lines.
type Problems []*Problem

// Error gives each problem in a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// maxProblems bounds the problems told of a file.
const maxProblems = 50

// didYouMean says which of the names is like another one, or what names there are.
func didYouMean(name string, names []string) string {
	best, least := "", max(len(name)/3, 1)+1
	for _, n := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < least {
			best, least = n, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(names) == 0:
		return "there are none"
	case len(names) > 24:
		return fmt.Sprintf("there are %d, none like it", len(names))
	}
	return "there are " + strings.Join(names, ", ")
}

// distance is how many bytes must be changed, put in or left out to make one word of
// the other.
func distance(a, b string) int {
	const longest = 128 // no name that anybody meant is longer
	if len(a) > longest || len(b) > longest {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = slices.Min([]int{change, row[j] + 1, row[j+1] + 1})
		}
	}
	return row[len(b)]
}
