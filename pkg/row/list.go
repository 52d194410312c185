package row

import (
	"errors"
	"fmt"
	"strconv"
)

const hexDigits = "0123456789abcdef"

// AppendText appends a text as it stands in a list: as a JSON string in which the
// quotation mark, the reverse solidus and control characters are escaped and nothing
// else is. Bytes that are no UTF-8 stay as they are: no value becomes another.
func AppendText(dst []byte, text string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		if c >= ' ' {
			dst = append(dst, '\\', c)
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, text[from:]...)
	return append(dst, '"')
}

// AppendList appends a list as columns hold it: its texts as [AppendText] writes
// them, with commas between, in square brackets, without blanks.
func AppendList(dst []byte, texts []string) []byte {
	dst = append(dst, '[')
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendText(dst, text)
	}
	return append(dst, ']')
}

// ParseList reads what [AppendList] wrote. It takes nothing else.
func ParseList(list string) ([]string, error) {
	if list == "[]" {
		return nil, nil
	}
	rest := list
	var texts []string
	for sep := byte('['); ; sep = ',' {
		if rest == "" || rest[0] != sep {
			return nil, fmt.Errorf("row: byte %d of a list is no %q", len(list)-len(rest), sep)
		}
		text, n, err := parseText(rest[1:])
		if err != nil {
			return nil, fmt.Errorf("row: byte %d of a list: %w", len(list)-len(rest)+1, err)
		}
		texts = append(texts, text)
		if rest = rest[1+n:]; rest == "]" {
			return texts, nil
		}
	}
}

var errText = errors.New("no text")

// parseText reads the text at the beginning of s and tells how long it is there.
func parseText(s string) (text string, n int, err error) {
	if s == "" || s[0] != '"' {
		return "", 0, errText
	}
	var unescaped []byte
	from := 1
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return string(unescaped) + s[from:i], i + 1, nil
		case c < ' ':
			return "", 0, errText
		case c == '\\':
			c, size, err := parseEscape(s[i+1:])
			if err != nil {
				return "", 0, err
			}
			unescaped = append(append(unescaped, s[from:i]...), c)
			i += size
			from = i + 1
		}
	}
	return "", 0, errText
}

// parseEscape reads what follows a reverse solidus.
func parseEscape(s string) (c byte, size int, err error) {
	switch {
	case s == "":
	case s[0] == '"', s[0] == '\\':
		return s[0], 1, nil
	case s[0] == 'u' && len(s) >= 5:
		if n, err := strconv.ParseUint(s[1:5], 16, 8); err == nil && n < ' ' {
			return byte(n), 5, nil
		}
	}
	return 0, 0, errText
}
