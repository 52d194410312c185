package match

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/operator"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// literalsOf gives texts of which one is inside every text that a comparison
// by op with arg accepts; none where there are no such texts.
func literalsOf(op condition.Op, arg string) []string {
	var lit string
	switch op {
	case condition.Contains, condition.StartsWith, condition.EndsWith, condition.IContains:
		lit = arg
	case condition.Glob, condition.IGlob:
		lit = globLiteral(arg)
	case condition.PMatch:
		lit = pathLiteral(arg)
	case condition.Regex:
		tree, err := syntax.Parse(arg, syntax.ClassNL)
		if err != nil {
			return nil
		}
		return regexLiterals(tree)
	}
	if lit == "" {
		return nil
	}
	return []string{lit}
}

// globLiteral gives the longest run of characters of a pattern that stand for
// themselves.
func globLiteral(pattern string) string {
	best, run := "", ""
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '*', '?':
			run = ""
		case '[':
			return longer(best, run) // what a bracket takes is not worth finding out
		case '\\':
			if i++; i == len(pattern) {
				return best
			}
			fallthrough
		default:
			run += pattern[i : i+1]
		}
		best = longer(best, run)
	}
	return best
}

// pathLiteral gives the longest component of a path pattern that is no glob.
func pathLiteral(pattern string) string {
	best := ""
	for _, part := range strings.Split(pattern, "/") {
		if !strings.ContainsAny(part, "?*[") {
			best = longer(best, part)
		}
	}
	return best
}

func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

// maxAlternatives bounds the texts taken from one regular expression.
const maxAlternatives = 64

// regexLiterals gives texts of which one is inside every text that a regular
// expression matches.
func regexLiterals(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 || slices.Contains(re.Rune, utf8.RuneError) { // which any byte that is no UTF-8 matches
			return nil
		}
		return []string{string(re.Rune)}
	case syntax.OpCapture, syntax.OpPlus:
		return regexLiterals(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return regexLiterals(re.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if lits := regexLiterals(sub); better(lits, best) {
				best = lits
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			lits := regexLiterals(sub)
			if len(lits) == 0 || len(all)+len(lits) > maxAlternatives {
				return nil
			}
			all = append(all, lits...)
		}
		return all
	}
	return nil
}

// better tells whether a is the more telling set of texts: its shortest text
// is longer.
func better(a, b []string) bool {
	return len(a) > 0 && (len(b) == 0 || shortest(a) > shortest(b))
}

func shortest(texts []string) int {
	n := len(texts[0])
	for _, t := range texts {
		n = min(n, len(t))
	}
	return n
}

// withPrefilter asks a regular expression only about texts that hold one of
// the texts without which it can not match.
func withPrefilter(pattern string, test func(left, right []field.Item) bool) func(left, right []field.Item) bool {
	lits := literalsOf(condition.Regex, pattern)
	if len(lits) == 0 || len(lits) > 4 {
		return test
	}
	return func(left, right []field.Item) bool {
		for _, l := range lits {
			if strings.Contains(left[0].Text, l) {
				return test(left, right)
			}
		}
		return false
	}
}

func foldASCII(s string) string { return operator.ToLower(s) }
