package elastic

import (
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Lucene's regular expressions match whole values and know no anchors, no boundaries of
// words and no flags. What is below writes one of RE2 over: exactly, or, where it has
// something of these in its middle, as one that matches more.

// maxExpression is how many UTF-16 units an expression has at most, by a setting of the
// index that hardly anybody changes (index.max_regex_length).
const maxExpression = 1000

// lucene writes expressions over.
type lucene struct {
	loose bool // what was written matches more than it should
}

// luceneOf is the expression for the values in which a pattern matches somewhere. Where it is not
// exact it matches more; ok is false for one that is too long.
func luceneOf(re *syntax.Regexp) (expr string, exact, ok bool) {
	var l lucene
	expr = l.whole(re)
	return expr, !l.loose, fits(expr)
}

// wholeOf is luceneOf for a pattern that has to match all of a value.
func wholeOf(re *syntax.Regexp) (expr string, exact, ok bool) {
	var l lucene
	expr = l.inner(re)
	return expr, !l.loose, fits(expr)
}

func fits(expr string) bool {
	return len(expr) <= maxExpression || len(utf16.Encode([]rune(expr))) <= maxExpression
}

const (
	anything = ".*"
	blank    = "()" // the empty text
)

// whole is for a pattern with anything before and behind it.
func (l *lucene) whole(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus: // of a repetition, once will do
		return l.whole(re.Sub[0])
	case syntax.OpAlternate:
		return l.choice(re.Sub, l.whole)
	case syntax.OpConcat:
		last := len(re.Sub) - 1
		if last == 0 {
			return l.whole(re.Sub[0])
		}
		return l.leading(re.Sub[0]) + l.sequence(re.Sub[1:last]) + l.trailing(re.Sub[last])
	case syntax.OpBeginText, syntax.OpEndText, syntax.OpEmptyMatch, syntax.OpStar, syntax.OpQuest:
		return anything
	}
	return anything + l.inner(re) + anything
}

// leading is for what a pattern begins with: with anything before it, or, where it demands
// the beginning of the text, nothing.
func (l *lucene) leading(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpBeginText:
		return blank
	case syntax.OpCapture:
		return l.leading(re.Sub[0])
	case syntax.OpAlternate:
		return l.choice(re.Sub, l.leading)
	case syntax.OpConcat:
		return l.leading(re.Sub[0]) + l.sequence(re.Sub[1:])
	}
	return anything + l.inner(re)
}

// trailing is the same for the end.
func (l *lucene) trailing(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpEndText:
		return blank
	case syntax.OpCapture:
		return l.trailing(re.Sub[0])
	case syntax.OpAlternate:
		return l.choice(re.Sub, l.trailing)
	case syntax.OpConcat:
		last := len(re.Sub) - 1
		return l.sequence(re.Sub[:last]) + l.trailing(re.Sub[last])
	}
	return l.inner(re) + anything
}

// inner is for what stands between other parts.
func (l *lucene) inner(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return l.literal(re)
	case syntax.OpCharClass:
		return l.class(re.Rune)
	case syntax.OpAnyChar:
		return "."
	case syntax.OpAnyCharNotNL:
		return "[^\n]"
	case syntax.OpEmptyMatch:
		return blank
	case syntax.OpCapture:
		return l.inner(re.Sub[0])
	case syntax.OpConcat:
		return l.sequence(re.Sub)
	case syntax.OpAlternate:
		return l.choice(re.Sub, l.inner)
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		return "(" + l.inner(re.Sub[0]) + ")" + repetition(re)
	}
	l.loose = true // an anchor, which is left out, or what matches nothing
	return blank
}

func repetition(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpStar:
		return "*"
	case syntax.OpPlus:
		return "+"
	case syntax.OpQuest:
		return "?"
	}
	most := ""
	if re.Max >= 0 {
		most = strconv.Itoa(re.Max)
	}
	return "{" + strconv.Itoa(re.Min) + "," + most + "}"
}

func (l *lucene) sequence(parts []*syntax.Regexp) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(l.inner(p))
	}
	return b.String()
}

func (l *lucene) choice(parts []*syntax.Regexp, as func(*syntax.Regexp) string) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = as(p)
	}
	return "(" + strings.Join(texts, "|") + ")"
}

func (l *lucene) literal(re *syntax.Regexp) string {
	var b strings.Builder
	for _, r := range re.Rune {
		if re.Flags&syntax.FoldCase == 0 || unicode.SimpleFold(r) == r {
			b.WriteString(l.char(r))
			continue
		}
		var folds []rune
		for f := unicode.SimpleFold(r); ; f = unicode.SimpleFold(f) {
			folds = append(folds, f, f)
			if f == r {
				break
			}
		}
		b.WriteString(l.class(folds))
	}
	return b.String()
}

// class is for pairs of characters, from and to.
func (l *lucene) class(pairs []rune) string {
	if len(pairs) == 0 {
		l.loose = true
		return "."
	}
	var b strings.Builder
	b.WriteByte('[')
	for i := 0; i+1 < len(pairs); i += 2 {
		from, to := pairs[i], pairs[i+1]
		if !utf8.ValidRune(from) || !utf8.ValidRune(to) {
			l.loose = true
			return "."
		}
		b.WriteString(l.char(from))
		if from != to {
			b.WriteByte('-')
			b.WriteString(l.char(to))
		}
	}
	b.WriteByte(']')
	return b.String()
}

// char is a character that stands for itself. A backslash before a letter or a digit
// would make it something else.
func (l *lucene) char(r rune) string {
	switch {
	case !utf8.ValidRune(r):
		l.loose = true
		return "."
	case r > ' ' && r < 0x7f && !alphanumeric(r):
		return `\` + string(r)
	}
	return string(r)
}

func alphanumeric(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// quoteLucene is a text that stands for itself in an expression.
func quoteLucene(text string) string {
	var b strings.Builder
	var l lucene
	for _, r := range text {
		b.WriteString(l.char(r))
	}
	return b.String()
}

// quoteWildcard is a text that stands for itself in a pattern of wildcards.
func quoteWildcard(text string) string { return wildcards.Replace(text) }

var wildcards = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// required is the longest text that all that a pattern matches has in it, as far as that is easily
// seen; "" for none.
func required(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase == 0 && plainText(string(re.Rune)) {
			return string(re.Rune)
		}
	case syntax.OpConcat:
		longest := ""
		for _, sub := range re.Sub {
			if lit := required(sub); len(lit) > len(longest) {
				longest = lit
			}
		}
		return longest
	}
	return ""
}

// alphabetLacks tells whether nothing that a pattern matches has one of some characters in it.
func alphabetLacks(re *syntax.Regexp, chars string) bool {
	switch re.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return false
	case syntax.OpLiteral:
		return !strings.ContainsAny(string(re.Rune), chars)
	case syntax.OpCharClass:
		for _, c := range chars {
			for i := 0; i+1 < len(re.Rune); i += 2 {
				if re.Rune[i] <= c && c <= re.Rune[i+1] {
					return false
				}
			}
		}
	}
	return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !alphabetLacks(sub, chars) })
}

// anchored tells whether a pattern asks what stands beside it.
func anchored(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	return slices.ContainsFunc(re.Sub, anchored)
}
