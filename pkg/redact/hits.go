package redact

import (
	"bytes"
	"slices"
)

// hits appends the places in a JSON text that a rule may want to look at: the
// needles, the beginning of a JWT and the @ of a URL, and every
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
	// Each of these looks for its rarest byte, which is what makes them cheap.
	dst = everyByte(dst, s, 'J', func(i int) bool { return i >= 2 && s[i-1] == 'y' && s[i-2] == 'e' })
	dst = everyByte(dst, s, '\\', func(i int) bool {
		return i+1 < len(s) && (s[i+1] == '/' || s[i+1] == 'u' && !plainEscape(s[i:]))
	})
	dst = everyByte(dst, s, '%', func(i int) bool { return !plainPercent(s[i:]) })
	last, inURL := -1, false
	dst = everyByte(dst, s, '@', func(i int) bool {
		j := i - 1
		for j > last && authority(s[j]) {
			j--
		}
		if j > last || last < 0 { // else the @ before tells
			inURL = j >= 2 && string(s[j-2:j+1]) == "://"
		}
		last = i
		return inURL
	})
	if !slices.IsSorted(dst) {
		slices.Sort(dst)
	}
	return dst
}

// everyByte appends the places of a byte where ok holds.
func everyByte(dst []int, s []byte, c byte, ok func(int) bool) []int {
	for i := 0; ; i++ {
		n := bytes.IndexByte(s[i:], c)
		if n < 0 {
			return dst
		}
		if i += n; ok(i) {
			dst = append(dst, i)
		}
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
