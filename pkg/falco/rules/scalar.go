package rules

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// scalar is a YAML scalar that can tell where in the file each byte of its value
// was written, whatever its style.
type scalar struct {
	node    node
	offsets []int // file offset of each byte of the value; nil until asked for
}

func newScalar(n node) *scalar { return &scalar{node: n} }

// at gives the place in the file where byte i of the value was written. The end
// of the value is the place after its last byte.
func (s *scalar) at(i int) place {
	if s.offsets == nil {
		s.offsets = alignScalar(s.node)
	}
	switch {
	case len(s.offsets) == 0:
		return s.node.place()
	case i >= len(s.offsets):
		return s.node.in.at(s.offsets[len(s.offsets)-1] + 1)
	}
	return s.node.in.at(s.offsets[max(i, 0)])
}

// alignScalar walks the value of a scalar and what was written for it side by
// side. Where they can not be told to agree, every byte gets the scalar's
// beginning.
func alignScalar(n node) []int {
	value := n.y.Value
	begin := n.place().offset()
	w := &written{text: n.in.text, pos: begin}
	w.skipProperties()
	w.open(n.y.Style)
	offsets := make([]int, 0, len(value))
	for i := 0; i < len(value); {
		at, size, ok := w.next(value[i:])
		if !ok {
			return fill(begin, len(value))
		}
		for range size {
			offsets = append(offsets, at)
			at += w.step
		}
		i += size
	}
	return offsets
}

func fill(at, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = at
	}
	return out
}

// written is a position in the text that a scalar was written as.
type written struct {
	text  string
	pos   int
	quote byte // ' or " inside such a scalar
	step  int  // 1 where the bytes of the last character stand one by one in the text, 0 for an escape
}

func (w *written) rest() string { return w.text[min(w.pos, len(w.text)):] }

// skipProperties passes over a tag and an anchor, which stand before a scalar
// and count as its beginning.
func (w *written) skipProperties() {
	for rest := w.rest(); rest != "" && (rest[0] == '!' || rest[0] == '&'); rest = w.rest() {
		n := strings.IndexAny(rest, " \t\r\n")
		if n < 0 {
			return
		}
		w.pos += n
		w.skipBlanks()
	}
}

func (w *written) skipBlanks() {
	for rest := w.rest(); rest != ""; rest = w.rest() {
		n := breakLen(rest)
		if n == 0 && (rest[0] == ' ' || rest[0] == '\t') {
			n = 1
		}
		if n == 0 {
			return
		}
		w.pos += n
	}
}

// open passes over what stands before the first byte of the value: a quote, or
// the line of a block scalar's indicator.
func (w *written) open(style yaml.Style) {
	rest := w.rest()
	switch {
	case style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 && rest != "":
		w.quote = rest[0]
		w.pos++
	case style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		for rest != "" && breakLen(rest) == 0 {
			w.pos++
			rest = w.rest()
		}
		w.pos += breakLen(rest)
		w.skipIndent()
	}
}

// skipIndent passes over the blanks that a block scalar's first line begins
// with, where its value begins with text.
func (w *written) skipIndent() {
	rest := w.rest()
	w.pos += len(rest) - len(strings.TrimLeft(rest, " "))
}

// next finds where the character that value begins with was written, and gives
// the number of bytes of value that stand there.
func (w *written) next(value string) (at, size int, ok bool) {
	_, size = utf8.DecodeRuneInString(value)
	w.step = 1
	if value[0] == ' ' || value[0] == '\n' || value[0] == '\t' {
		return w.blank(value[0]), 1, true
	}
	w.skipBlanks()
	for w.quote == '"' && strings.HasPrefix(w.rest(), "\\") {
		decoded, n := decodeEscape(w.rest())
		if decoded == "" { // an escaped line break
			w.pos += n
			w.skipBlanks()
			continue
		}
		at, w.step = w.pos, 0
		w.pos += n
		return at, len(decoded), strings.HasPrefix(value, decoded)
	}
	if !strings.HasPrefix(w.rest(), value[:size]) {
		return 0, 0, false
	}
	at = w.pos
	w.pos += size
	if w.quote == '\'' && value[0] == '\'' {
		w.pos++ // written twice
	}
	return at, size, true
}

// blank finds white space of the value. A folded line break, or blanks that
// were dropped around one, may stand there instead: they stay for the next
// character to skip.
func (w *written) blank(c byte) int {
	at := w.pos
	rest := w.rest()
	switch {
	case rest == "":
	case rest[0] == c:
		w.pos++
	case c == '\n' && breakLen(rest) > 0:
		w.pos += breakLen(rest)
	case w.quote == '"' && rest[0] == '\\':
		if decoded, n := decodeEscape(rest); decoded == string(c) {
			w.step = 0
			w.pos += n
		}
	}
	return at
}

// escapes are the one-letter escapes of double-quoted YAML scalars.
var escapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r",
	'e': "\x1b", ' ': " ", '"': `"`, '\'': "'", '\\': `\`, 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
}

// decodeEscape gives what the escape that s begins with stands for, and its
// length; "" for an escaped line break and for what is none.
func decodeEscape(s string) (decoded string, n int) {
	if len(s) < 2 {
		return "", len(s)
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[1]]
	if digits == 0 || len(s) < 2+digits {
		return escapes[s[1]], 2
	}
	code, err := strconv.ParseUint(s[2:2+digits], 16, 32)
	if err != nil {
		return "", 2
	}
	return string(rune(code)), 2 + digits
}
