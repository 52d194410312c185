package redact

import (
	"unicode/utf16"
	"unicode/utf8"
)

// A layer is a way to write a text inside another: as a JSON string, as part of
// a URI. Secrets are found in what is meant and replaced in what is written.
//
// step reads one unit of the written text at s[i]: how many bytes it takes, and
// the size bytes that it means.
type layer func(s []byte, i int) (width int, char [4]byte, size int)

// decode returns what is meant.
func decode(s []byte, step layer) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		width, char, size := step(s, i)
		out = append(out, char[:size]...)
		i += width
	}
	return out
}

// written turns edits of what is meant, in order, into edits of what is written.
// An edit that begins or ends inside a unit takes in the whole of it.
func written(s []byte, step layer, edits []edit) []edit {
	out := make([]edit, 0, len(edits))
	at, i := 0, 0 // position in what is meant and in what is written
	for _, e := range edits {
		for i < len(s) {
			width, _, size := step(s, i)
			if at+size > e.start {
				break
			}
			at += size
			i += width
		}
		start := i
		for i < len(s) && at < e.end {
			width, _, size := step(s, i)
			at += size
			i += width
		}
		out = append(out, edit{start, i, e.text})
	}
	return out
}

// jsonLayer is the content of a JSON string.
func jsonLayer(s []byte, i int) (width int, char [4]byte, size int) {
	if s[i] != '\\' || i+1 >= len(s) {
		return 1, [4]byte{s[i]}, 1
	}
	switch c := s[i+1]; c {
	case 'n':
		return 2, [4]byte{'\n'}, 1
	case 't':
		return 2, [4]byte{'\t'}, 1
	case 'r':
		return 2, [4]byte{'\r'}, 1
	case 'b':
		return 2, [4]byte{'\b'}, 1
	case 'f':
		return 2, [4]byte{'\f'}, 1
	case 'u':
		r, ok := hex4(s, i)
		if !ok {
			return 1, [4]byte{'\\'}, 1
		}
		width = 6
		if utf16.IsSurrogate(r) {
			low, _ := hex4(s, i+6)
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				width = 12
			}
		}
		size = utf8.EncodeRune(char[:], r)
		return width, char, size
	default:
		return 2, [4]byte{c}, 1
	}
}

// hex4 reads \uXXXX.
func hex4(s []byte, i int) (r rune, ok bool) {
	if i+6 > len(s) || s[i] != '\\' || s[i+1] != 'u' {
		return 0, false
	}
	for _, c := range s[i+2 : i+6] {
		d, ok := hexDigit(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

func hexDigit(c byte) (d byte, ok bool) {
	switch c = lower[c]; {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// queryLayer is a part of a URI's query.
func queryLayer(s []byte, i int) (width int, char [4]byte, size int) {
	if s[i] == '+' {
		return 1, [4]byte{' '}, 1
	}
	return pathLayer(s, i)
}

// pathLayer is a URI's path.
func pathLayer(s []byte, i int) (width int, char [4]byte, size int) {
	if s[i] == '%' && i+2 < len(s) {
		high, ok1 := hexDigit(s[i+1])
		low, ok2 := hexDigit(s[i+2])
		if ok1 && ok2 {
			return 3, [4]byte{high<<4 | low}, 1
		}
	}
	return 1, [4]byte{s[i]}, 1
}
