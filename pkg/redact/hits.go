package redact

import (
	"bytes"
	"slices"
)

// hits appends the places in a JSON text that a rule may want to look at: the
// needles, the two that are too short for the search for many, and every
// spelling that could hide a needle: escapes in JSON, except for the three that
// Go writes of itself, and letters written as %XX.
//
// Where a value holds no hit no rule can apply to it, unless the place where it
// stands makes it a secret.
func (r *Redactor) hits(dst []int, s []byte) []int {
	var buf [8]needle
	for i := 0; ; {
		at, _ := r.needles.next(s, i, buf[:0])
		if at < 0 {
			break
		}
		dst = append(dst, at)
		i = at + 1
	}
	dst = everyWord(dst, s, "eyJ")
	for i := 0; ; i += len("://") {
		n := bytes.Index(s[i:], []byte("://"))
		if n < 0 {
			break
		}
		i += n
		if start := i + len("://"); bytes.IndexByte(s[start:run(s, start, authority)], '@') >= 0 {
			dst = append(dst, i)
		}
	}
	for i := 0; ; i++ {
		n := bytes.Index(s[i:], []byte(`\u`))
		if n < 0 {
			break
		}
		if i += n; !plainEscape(s[i:]) {
			dst = append(dst, i)
		}
	}
	dst = everyWord(dst, s, `\/`)
	for i := 0; ; i++ {
		n := bytes.IndexByte(s[i:], '%')
		if n < 0 {
			break
		}
		if i += n; !plainPercent(s[i:]) {
			dst = append(dst, i)
		}
	}
	if !slices.IsSorted(dst) {
		slices.Sort(dst)
	}
	return dst
}

func everyWord(dst []int, s []byte, word string) []int {
	for i := 0; ; i++ {
		n := bytes.Index(s[i:], []byte(word))
		if n < 0 {
			return dst
		}
		i += n
		dst = append(dst, i)
	}
}

// plainEscape reports whether the escape is one of &, < and >.
func plainEscape(s []byte) bool {
	return len(s) >= 6 && s[2] == '0' && s[3] == '0' &&
		(s[4] == '2' && s[5] == '6' || s[4] == '3' && (lower[s[5]] == 'c' || lower[s[5]] == 'e'))
}

// plainPercent reports whether %XX is one of those that selectors are full of
// and that are part of no needle: =, the comma, the space, ! and parentheses.
func plainPercent(s []byte) bool {
	if len(s) < 3 {
		return true
	}
	_, ok1 := hexDigit(s[1])
	_, ok2 := hexDigit(s[2])
	if !ok1 || !ok2 {
		return true
	}
	switch [2]byte{s[1], lower[s[2]]} {
	case [2]byte{'3', 'd'}, [2]byte{'2', 'c'}, [2]byte{'2', '0'}, [2]byte{'2', '1'}, [2]byte{'2', '8'}, [2]byte{'2', '9'}:
		return true
	}
	return false
}
