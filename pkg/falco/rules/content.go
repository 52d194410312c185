package rules

import (
	"sort"
	"strings"
	"unicode/utf8"
)

// excerptWidth bounds the printed part of a line, in characters.
const excerptWidth = 160

// content is the text of a rules file with an index of its lines.
type content struct {
	name   string
	text   string
	starts []int // offset of the first byte of each line
	ascii  bool  // every character is one byte
}

// place is a line and column of a file, both 1-based; columns are characters.
type place struct {
	in           *content
	line, column int
}

func newContent(name string, text []byte) *content {
	c := &content{name: name, text: string(text), starts: []int{0}, ascii: true}
	if strings.HasPrefix(c.text, "\ufeff") {
		c.starts[0] = len("\ufeff")
	}
	for i := 0; i < len(c.text); {
		if b := c.text[i]; b >= ' ' && b < utf8.RuneSelf { // nearly all are
			i++
			continue
		}
		if n := breakLen(c.text[i:]); n > 0 {
			i += n
			c.starts = append(c.starts, i)
			continue
		}
		c.ascii = c.ascii && c.text[i] < utf8.RuneSelf
		i++
	}
	return c
}

// breakLen is the length of the line break that s begins with, 0 for none. The
// YAML reader counts lines by the same five.
func breakLen(s string) int {
	switch {
	case s == "":
		return 0
	case s[0] == '\n':
		return 1
	case s[0] == '\r':
		if len(s) > 1 && s[1] == '\n' {
			return 2
		}
		return 1
	case s[0] < utf8.RuneSelf:
		return 0
	}
	for _, b := range []string{"\u0085", "\u2028", "\u2029"} {
		if strings.HasPrefix(s, b) {
			return len(b)
		}
	}
	return 0
}

// line gives the text of a line without its break, "" for one that is not there.
func (c *content) line(n int) string {
	if n < 1 || n > len(c.starts) {
		return ""
	}
	rest := c.text[c.starts[n-1]:]
	if n < len(c.starts) {
		rest = rest[:c.starts[n]-c.starts[n-1]]
	}
	return strings.TrimRight(rest, "\r\n\u0085\u2028\u2029")
}

// offset gives the byte offset of a place; one outside the text is drawn to its
// nearest end.
func (p place) offset() int {
	switch {
	case p.line < 1:
		return 0
	case p.line > len(p.in.starts):
		return len(p.in.text)
	}
	off := p.in.starts[p.line-1]
	if p.in.ascii {
		return min(off+max(p.column-1, 0), len(p.in.text))
	}
	for col := 1; col < p.column && off < len(p.in.text); col++ {
		_, n := utf8.DecodeRuneInString(p.in.text[off:])
		off += n
	}
	return off
}

// at gives the place of a byte offset.
func (c *content) at(offset int) place {
	offset = min(max(offset, c.starts[0]), len(c.text))
	line := sort.SearchInts(c.starts, offset+1)
	return place{c, line, 1 + utf8.RuneCountInString(c.text[c.starts[line-1]:offset])}
}

// excerpt gives the line of p, cut to a readable width, and below it a caret
// under the column; "" where there is no such line.
func (p place) excerpt() string {
	line := p.in.line(p.line)
	if line == "" {
		return ""
	}
	at := min(max(p.offset()-p.in.starts[p.line-1], 0), len(line))
	before, after := clip(line[:at], excerptWidth/2, true), clip(line[at:], excerptWidth/2, false)
	return before + after + "\n" + strings.Repeat(" ", utf8.RuneCountInString(before)) + "^\n"
}

// clip leaves the last or the first width characters of s, with dots for the
// others.
func clip(s string, width int, last bool) string {
	if bytes := (width + 1) * utf8.UTFMax; len(s) > bytes { // no need to look at more
		if last {
			s = s[len(s)-bytes:]
		} else {
			s = s[:bytes]
		}
	}
	runes := []rune(strings.Map(printable, strings.ToValidUTF8(s, "")))
	switch {
	case len(runes) <= width:
		return string(runes)
	case last:
		return "..." + string(runes[len(runes)-width+3:])
	}
	return string(runes[:width-3]) + "..."
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
