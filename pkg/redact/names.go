package redact

import (
	"bytes"
	"strings"
)

// names decides whether a name stands for a secret.
type names struct{ secret, except patterns }

// maxName is how much of a name is looked at; of longer ones the end.
const maxName = 256

func (n names) match(name []byte) bool {
	name = bytes.TrimSpace(name)
	name = name[max(0, len(name)-maxName):]
	return n.secret.match(name) && !n.except.match(name)
}

// patterns are globs, in lower case. Those of the forms *text*, text* and *text,
// nearly all, are kept apart as they are cheap.
type patterns struct{ inside, begin, end, other []string }

func newPatterns(globs []string) (p patterns) {
	for _, g := range globs {
		g = lowerASCII(g)
		text := strings.Trim(g, "*")
		first, last := strings.HasPrefix(g, "*"), strings.HasSuffix(g, "*")
		switch {
		case strings.ContainsAny(text, "*?") || !first && !last:
			p.other = append(p.other, g)
		case first && last:
			p.inside = append(p.inside, text)
		case last:
			p.begin = append(p.begin, text)
		default:
			p.end = append(p.end, text)
		}
	}
	return p
}

func (p patterns) match(name []byte) bool {
	var buf [maxName]byte
	low := buf[:copy(buf[:], name)]
	for i, c := range low {
		low[i] = lower[c]
	}
	for _, s := range p.inside {
		if bytes.Contains(low, []byte(s)) {
			return true
		}
	}
	for _, s := range p.begin {
		if strings.HasPrefix(string(low), s) {
			return true
		}
	}
	for _, s := range p.end {
		if strings.HasSuffix(string(low), s) {
			return true
		}
	}
	for _, s := range p.other {
		if glob(s, low) {
			return true
		}
	}
	return false
}

// glob matches a pattern of * and ? against a whole text.
func glob(pattern string, s []byte) bool {
	i, p := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// longest returns the longest text without * and ? in a glob.
func longest(pattern string) (best string) {
	for _, s := range strings.FieldsFunc(pattern, func(r rune) bool { return r == '*' || r == '?' }) {
		if len(s) > len(best) {
			best = s
		}
	}
	return best
}

// lower folds ASCII letters.
var lower = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return t
}()

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lower[c]
	}
	return string(b)
}

// is reports whether a text is a lower-case ASCII word, white space around it
// and the case of letters aside.
func is(s []byte, word string) bool {
	if len(s) > len(word) {
		if first, last := s[0], s[len(s)-1]; '!' <= first && first <= '~' && '!' <= last && last <= '~' {
			return false // the common case
		}
		s = bytes.TrimSpace(s)
	}
	if len(s) != len(word) {
		return false
	}
	for i, c := range s {
		if lower[c] != word[i] {
			return false
		}
	}
	return true
}
