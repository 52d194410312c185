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
}

// place is a line and column of a file, both 1-based; columns are characters.
type place struct {
	in           *content
	line, column int
}

func newContent(name string, text []byte) *content {
	c := &content{name: name, text: string(text), starts: []int{0}}
	if strings.HasPrefix(c.text, "\ufeff") {
		c.starts[0] = len("\ufeff")
	}
	for i := 0; i < len(c.text); {
		if n := breakLen(c.text[i:]); n > 0 {
			i += n
			c.starts = append(c.starts, i)
			continue
		}
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
	line := []rune(strings.Map(printable, p.in.line(p.line)))
	if len(line) == 0 {
		return ""
	}
	caret := min(max(p.column-1, 0), len(line))
	if begin := max(0, caret-excerptWidth/2); begin > 0 {
		line = append([]rune("..."), line[min(begin+3, len(line)):]...)
		caret -= begin
	}
	if len(line) > excerptWidth {
		line = append(line[:excerptWidth-3:excerptWidth-3], []rune("...")...)
	}
	return string(line) + "\n" + strings.Repeat(" ", max(caret, 0)) + "^\n"
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
