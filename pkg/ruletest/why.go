package ruletest

import (
	"strings"

	"github.com/kubewitness/kubewitness/pkg/match"
)

// costOf is how many clauses would have to say the opposite for a condition to be as
// wanted.
func costOf(x *match.Explanation, want bool) int {
	if x.Verdict == want {
		return 0
	}
	switch x.Text {
	case "not":
		return costOf(x.Terms[0], !want)
	case "and", "or":
		if (x.Text == "and") == want {
			sum := 0
			for _, t := range x.Terms {
				sum += costOf(t, want)
			}
			return sum
		}
		least := costOf(x.Terms[0], want)
		for _, t := range x.Terms[1:] {
			least = min(least, costOf(t, want))
		}
		return least
	}
	return 1
}

// maxAlternatives bounds the alternatives of an "or" that are told.
const maxAlternatives = 5

// maxClause bounds a clause as printed; lists make them long.
const maxClause = 160

// whyNot gives the clauses that kept a rule from firing, a line each: those that are false
// and had to be true ("false  ..."), and those that are true and stand below a "not"
// ("true   ..."). Alternatives are indented.
func whyNot(x *match.Explanation) []string { return blame(x, true) }

func blame(x *match.Explanation, want bool) (lines []string) {
	if x.Verdict == want {
		return nil
	}
	switch x.Text {
	case "not":
		return blame(x.Terms[0], !want)
	case "and", "or":
		if (x.Text == "and") == want {
			for _, t := range x.Terms {
				lines = append(lines, blame(t, want)...)
			}
			return lines
		}
		return alternatives(x, want)
	}
	return []string{clause(x)}
}

// alternatives tells of terms of which one would have had to be as wanted.
func alternatives(x *match.Explanation, want bool) (lines []string) {
	if len(x.Terms) == 1 {
		return blame(x.Terms[0], want)
	}
	lines = []string{"none of these holds:"}
	if !want {
		lines[0] = "all of these hold, which is an exception:"
	}
	// Of many only the nearest are told.
	limit := len(x.Terms)
	if limit > maxAlternatives {
		limit = maxAlternatives
	}
	least := costOf(x, want)
	told := 0
	for pass := range 2 {
		for _, t := range x.Terms {
			if (costOf(t, want) == least) == (pass == 0) && told < limit {
				told++
				for i, l := range blame(t, want) {
					mark := "    "
					if i == 0 {
						mark = "  - "
					}
					lines = append(lines, mark+l)
				}
			}
		}
	}
	if told < len(x.Terms) {
		lines = append(lines, "  - ...")
	}
	return lines
}

// clause is a check with its verdict and the values that it was judged on.
func clause(x *match.Explanation) string {
	line := "false  "
	if x.Verdict {
		line = "true   "
	}
	line += clip(x.Text)
	for i, v := range x.Values {
		sep := "; "
		if i == 0 {
			sep = "    # "
		}
		line += sep + clip(v.String())
	}
	return line
}

func clip(s string) string {
	if len(s) <= maxClause {
		return s
	}
	return strings.ToValidUTF8(s[:maxClause], "") + "..."
}
