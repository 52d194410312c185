package search

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/operator"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// fold is what happens to the letters of a text before it is compared.
type fold uint8

const (
	asIs fold = iota
	lower
	upper
)

var folds = map[string]fold{"tolower": lower, "toupper": upper}

// unchanged tells whether a literal can be found in a folded text.
func (f fold) unchanged(lit string) bool {
	switch f {
	case lower:
		return operator.ToLower(lit) == lit
	case upper:
		return operator.ToUpper(lit) == lit
	}
	return true
}

// comparable tells whether a literal means the same in a filter as in a comparison.
func comparable(lit string) bool {
	return utf8.ValidString(lit) && !strings.ContainsAny(lit, "\x00\ufffd")
}

// textBounds compare a column of texts, or of booleans, with one literal.
func textBounds(x operand, op condition.Op, lit string) bounds {
	col := x.column.Name
	there := store.Exists{Column: col}
	if !comparable(lit) {
		return within(there)
	}
	switch op {
	case condition.Ne:
		return allOf(exactly(there), negated(textBounds(x, condition.Eq, lit)))
	case condition.IContains:
		return foldedBounds(col, op, lit)
	case condition.Eq, condition.Contains, condition.StartsWith, condition.EndsWith:
		switch {
		case !x.fold.unchanged(lit):
			return never()
		case x.fold != asIs:
			return foldedBounds(col, op, lit)
		}
		return plainBounds(col, op, lit)
	}
	if x.fold != asIs {
		return within(there)
	}
	return patternBounds(col, op, lit)
}

// plainBounds are those of the comparisons that the store has itself.
func plainBounds(col string, op condition.Op, lit string) bounds {
	switch {
	case op == condition.Eq && lit == "":
		return exactly(store.Equal{Column: col, Values: []string{row.Empty}})
	case op == condition.Eq:
		return exactly(store.Equal{Column: col, Values: []string{lit}})
	case lit == "":
		return exactly(store.Exists{Column: col})
	case op == condition.StartsWith:
		return exactly(store.Prefix{Column: col, Text: lit})
	case op == condition.EndsWith:
		return exactly(store.Suffix{Column: col, Text: lit})
	}
	return exactly(store.Contains{Column: col, Text: lit})
}

// foldedBounds are those of comparisons for which ASCII letters are the same in either
// case.
func foldedBounds(col string, op condition.Op, lit string) bounds {
	if lit == "" || anyCase(lit) == regexp.QuoteMeta(lit) { // no letters in it
		if op == condition.IContains {
			op = condition.Contains
		}
		return plainBounds(col, op, lit)
	}
	pattern := anyCase(lit)
	switch op {
	case condition.Eq:
		pattern = `\A` + pattern + `\z`
	case condition.StartsWith:
		pattern = `\A` + pattern
	case condition.EndsWith:
		pattern += `\z`
	}
	return exactly(store.Regexp{Column: col, Pattern: pattern})
}

// patternBounds are those of the comparisons that become regular expressions.
func patternBounds(col string, op condition.Op, lit string) bounds {
	there := store.Exists{Column: col}
	switch op {
	case condition.Regex:
		re, err := operator.CompileRegex(lit)
		if err != nil {
			return within(there)
		}
		return matching(col, re.String(), re.MatchString(""))
	case condition.PMatch:
		pattern, exact := pathPattern(lit)
		if pattern == "" { // no component: a prefix of everything
			return exactly(there)
		}
		b := matching(col, pattern, false)
		if !exact {
			return within(b.upper)
		}
		return b
	case condition.Glob, condition.IGlob:
		most, least := globPatterns(lit, op == condition.IGlob)
		b := matching(col, most, operator.Glob(lit, "", op == condition.IGlob))
		if least == most {
			return b
		}
		b.lower, b.exact = noRows, false
		if least != "" {
			b.lower = matching(col, least, operator.Glob(lit, "", op == condition.IGlob)).lower
		}
		return b
	case condition.Lt, condition.Le, condition.Gt, condition.Ge:
		return orderBounds(col, op, lit)
	}
	return within(there)
}

// matching are the bounds of a pattern for whole texts; empty tells whether it matches
// the empty one, which the column has as something else.
func matching(col, pattern string, empty bool) bounds {
	blank := store.Equal{Column: col, Values: []string{row.Empty}}
	if empty {
		return exactly(or(blank, store.Regexp{Column: col, Pattern: pattern}))
	}
	return exactly(and(store.Regexp{Column: col, Pattern: pattern}, not(blank)))
}

// orderBounds compare texts byte by byte, with what is written as a number. Only the
// classes of what is less are written out: a class that is nearly all of Unicode takes the
// store long to read.
func orderBounds(col string, op condition.Op, lit string) bounds {
	for i := range len(lit) {
		if lit[i] >= 0x7f || lit[i] <= ' ' {
			return within(store.Exists{Column: col})
		}
	}
	if lit == "" {
		return within(store.Exists{Column: col})
	}
	there := exactly(store.Exists{Column: col})
	equal := exactly(store.Equal{Column: col, Values: []string{lit}})
	var smaller []string
	for i := range len(lit) { // the first byte that differs is a lower one, or there is none
		smaller = append(smaller, regexp.QuoteMeta(lit[:i])+`(?:[\x00-`+class(lit[i]-1)+`]|\z)`)
	}
	less := matching(col, `\A(?:`+strings.Join(smaller, "|")+`)`, true)
	switch op {
	case condition.Lt:
		return less
	case condition.Le:
		return anyOf(less, equal)
	case condition.Ge:
		return allOf(there, negated(less))
	}
	return allOf(there, negated(less), negated(equal))
}
