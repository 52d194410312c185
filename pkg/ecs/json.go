package ecs

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

const hexDigits = "0123456789abcdef"

// plain are the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := range t {
		t[c] = c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\'
	}
	return t
}()

// appendText appends a JSON string. What is no UTF-8 becomes U+FFFD.
func appendText[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[from:i]...)
		i++
		from = i
		dst = appendEscape(dst, c)
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// appendEscape appends a byte that does not stand for itself in a JSON string.
func appendEscape(dst []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c == '\n':
		return append(dst, '\\', 'n')
	case c >= utf8.RuneSelf:
		return append(dst, "\uFFFD"...)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// appendString appends the JSON string v. One without escapes stands in the event as it
// must stand in the document.
func appendString(dst []byte, v audit.Value) []byte {
	if raw := v.Raw(); bytes.IndexByte(raw, '\\') < 0 {
		return append(dst, raw...)
	}
	return appendText(dst, v.Text())
}

// appendTexts appends an array of texts.
func appendTexts(dst []byte, texts []string) []byte {
	dst = append(dst, '[')
	for i, s := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, s)
	}
	return append(dst, ']')
}

// appendTime appends a time as a JSON string, in UTC with all its digits.
func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.999999999Z07:00")
	return append(dst, '"')
}

// The members of an object are appended each with a comma behind it; closing the object
// takes the last one away. key is quoted and has its colon.

func openObject(dst []byte, key string) []byte {
	dst = append(dst, key...)
	return append(dst, '{')
}

// closeObject closes the object that began behind mark; an empty one is taken away
// together with its key.
func closeObject(dst []byte, mark int) []byte {
	if dst[len(dst)-1] == '{' {
		return dst[:mark]
	}
	dst[len(dst)-1] = '}'
	return append(dst, ',')
}

// member appends a text; nothing where it is empty.
func member(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	dst = append(dst, key...)
	dst = appendText(dst, value)
	return append(dst, ',')
}

// list appends texts; nothing where there are none.
func list(dst []byte, key string, values []string) []byte {
	if len(values) == 0 {
		return dst
	}
	dst = append(dst, key...)
	dst = appendTexts(dst, values)
	return append(dst, ',')
}

// number appends a number.
func number(dst []byte, key string, n int64) []byte {
	dst = append(dst, key...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, ',')
}

// yes appends true; nothing for false.
func yes(dst []byte, key string, value bool) []byte {
	if !value {
		return dst
	}
	dst = append(dst, key...)
	return append(dst, "true,"...)
}
