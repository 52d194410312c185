package store

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// The engine does not hand a pattern to the regular expressions of Go as it is: it
// parses it so that dots match newlines, takes literals off its beginning, and cuts
// pieces out of its text. What is below makes a pattern over into one that means the
// same and comes through.

// always matches everywhere, without a character. Nothing before it can be taken off a
// pattern, and where it stands for nothing, no text is cut out. The beginning of a line
// in it keeps the flag of ends of lines in front of the whole pattern.
const always = `(?:\b|\B|(?m:^))`

// anyChar matches each character, newlines too. A dot would become another.
const anyChar = `(?:[^\n]|\n\b|\n\B)`

var alwaysTree, anyCharTree = tree(always), tree(anyChar)

func tree(pattern string) *syntax.Regexp {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return &syntax.Regexp{Op: syntax.OpNoMatch} // they are constants, which the tests parse
	}
	return re
}

// parsePattern parses a pattern of a filter.
func parsePattern(pattern string) (*syntax.Regexp, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, BadPattern{Pattern: pattern, Err: err}
	}
	return re, nil
}

// plain is a pattern that the engine leaves as it is.
func plain(re *syntax.Regexp) *syntax.Regexp {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return alwaysTree
	case syntax.OpAnyChar:
		return anyCharTree
	case syntax.OpEndText: // as \z, which is the same under all flags
		return &syntax.Regexp{Op: syntax.OpEndText}
	case syntax.OpCapture:
		return plain(re.Sub[0])
	}
	return mapped(re, plain)
}

// ofLine is a pattern in which the beginning of the text is the beginning of a line.
func ofLine(re *syntax.Regexp) *syntax.Regexp {
	if re.Op == syntax.OpBeginText {
		return &syntax.Regexp{Op: syntax.OpBeginLine}
	}
	return mapped(re, ofLine)
}

// mapped is a pattern whose parts have been replaced.
func mapped(re *syntax.Regexp, by func(*syntax.Regexp) *syntax.Regexp) *syntax.Regexp {
	if len(re.Sub) == 0 {
		return re
	}
	changed := *re
	changed.Sub = make([]*syntax.Regexp, len(re.Sub))
	for i, sub := range re.Sub {
		changed.Sub[i] = by(sub)
	}
	return &changed
}

// matches is the filter for the values of a column of the engine in which a pattern
// matches somewhere.
func matches(name string, re *syntax.Regexp) string {
	return quote(name) + ":~" + quote(always+"(?:"+plain(re).String()+")")
}

// matchesOdd is the same for a column of odd values. Behind their mark, a newline and
// the only one in them, the beginning of the text is the beginning of a line.
func matchesOdd(name string, re *syntax.Regexp) string {
	return quote(oddColumn(name)) + ":~" + quote(always+`\A\n[^\n]*?(?:`+plain(ofLine(re)).String()+")")
}

// literal is the longest text that all that a pattern matches has in it, as far as it
// is easily seen.
func literal(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpCapture:
		return literal(re.Sub[0])
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 || slices.Contains(re.Rune, utf8.RuneError) { // which is broken bytes too
			return ""
		}
		return string(re.Rune)
	case syntax.OpConcat:
		longest := ""
		for _, sub := range re.Sub {
			if lit := literal(sub); len(lit) > len(longest) {
				longest = lit
			}
		}
		return longest
	}
	return ""
}

// The patterns of texts, as trees: whatever is in the text is text.

func literally(text string) *syntax.Regexp {
	return &syntax.Regexp{Op: syntax.OpLiteral, Rune: []rune(text)}
}

func sequence(parts ...*syntax.Regexp) *syntax.Regexp {
	return &syntax.Regexp{Op: syntax.OpConcat, Sub: parts}
}

var (
	textBegins = &syntax.Regexp{Op: syntax.OpBeginText}
	textEnds   = &syntax.Regexp{Op: syntax.OpEndText}
)

// anyCase is the pattern for a text whose ASCII letters may be of either case.
func anyCase(text string) *syntax.Regexp {
	parts := make([]*syntax.Regexp, 0, len(text))
	for _, r := range text {
		switch {
		case 'a' <= r && r <= 'z':
			parts = append(parts, &syntax.Regexp{Op: syntax.OpCharClass, Rune: []rune{r - 'a' + 'A', r - 'a' + 'A', r, r}})
		case 'A' <= r && r <= 'Z':
			parts = append(parts, &syntax.Regexp{Op: syntax.OpCharClass, Rune: []rune{r, r, r - 'A' + 'a', r - 'A' + 'a'}})
		default:
			parts = append(parts, literally(string(r)))
		}
	}
	return sequence(parts...)
}
