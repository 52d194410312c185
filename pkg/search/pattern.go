package search

import (
	"fmt"
	"regexp"
	"strings"
)

// Patterns are written out letter by letter and never with (?i), which knows more
// letters than ASCII's: the Kelvin sign for a k.

// anyCase is a pattern for a text in which ASCII letters are the same in either case.
func anyCase(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z':
			b.WriteString("[" + string(r) + string(r-'a'+'A') + "]")
		case r >= 'A' && r <= 'Z':
			b.WriteString("[" + string(r-'A'+'a') + string(r) + "]")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return b.String()
}

// class is a byte of ASCII in a character class.
func class(c byte) string { return fmt.Sprintf(`\x%02x`, c) }

// globPatterns are patterns that match whole texts: all that a glob matches and maybe
// more, and only such; least is "" where there is none to be had. They are the same where
// the glob says nothing of single bytes, of which a character can have several.
func globPatterns(glob string, foldCase bool) (most, least string) {
	literal := regexp.QuoteMeta
	if foldCase {
		literal = anyCase
	}
	var up, low strings.Builder
	up.WriteString(`\A`)
	low.WriteString(`\A`)
	for i := 0; i < len(glob); {
		switch glob[i] {
		case '*':
			up.WriteString(`(?s:.*)`)
			low.WriteString(`(?s:.*)`)
			i++
		case '?':
			up.WriteString(`(?s:.?)`) // of a character of several bytes the others take none
			low.WriteString(`[\x00-\x7f]`)
			i++
		case '[': // what a bracket takes is not worth finding out
			return up.String(), ""
		default:
			text, n, ok := globLiteral(glob[i:])
			if !ok {
				return up.String(), ""
			}
			up.WriteString(literal(text))
			low.WriteString(literal(text))
			i += n
		}
	}
	up.WriteString(`\z`)
	low.WriteString(`\z`)
	return up.String(), low.String()
}

// globLiteral reads the characters that stand for themselves at the beginning of a glob
// and tells how many bytes they take there. It is false for a backslash with nothing to
// stand for.
func globLiteral(glob string) (text string, n int, ok bool) {
	var b strings.Builder
	for n < len(glob) && !strings.ContainsRune("*?[", rune(glob[n])) {
		if glob[n] == '\\' {
			if n++; n == len(glob) {
				return "", 0, false
			}
		}
		b.WriteByte(glob[n])
		n++
	}
	return b.String(), n, true
}

// pathPattern is a pattern for texts of which a path is a prefix by whole components:
// "" where every text is one. It matches more where it is not exact.
func pathPattern(path string) (pattern string, exact bool) {
	var b strings.Builder
	sep := `\A/*`
	exact = true
	for part := range strings.SplitSeq(path, "/") {
		if part == "" {
			continue
		}
		b.WriteString(sep)
		sep = "/+"
		if !strings.ContainsAny(part, "?*[") {
			b.WriteString(regexp.QuoteMeta(part))
			continue
		}
		b.WriteString(`[^/]+`)
		exact = exact && strings.Trim(part, "*") == ""
	}
	if b.Len() == 0 {
		return "", true
	}
	return b.String() + `(?:/|\z)`, exact
}
