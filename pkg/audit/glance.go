package audit

import (
	"encoding/binary"
	"math"
	"math/bits"
	"unicode/utf8"
)

// glance reads an object that is beyond doubt in one pass: it finds where the members are that every event needs, and
// plants the nodes of its tree. It takes less than jsontext does, never more: whatever is wrong, unfinished or only out
// of the ordinary it leaves to jsontext, which says what it is. FuzzGlance holds the one against the other.
//
// Out of the ordinary are equal keys, keys that can be spelled in more than one way, halves of surrogate pairs, and
// objects that are very deep or have very many members.
type glance struct {
	nodes   []node // of the last object
	members memberIndex
	plants  bool // nodes are wanted
	until   int  // they are wanted of what begins before

	got    walked // so far
	open   [mostOpen]container
	depth  int
	keys   []keySeen // of all open objects, the outermost first
	member *span     // of the outermost object: where the value that comes next or is being read is to be kept; may be nil
}

// container is an object or array that has begun.
type container struct {
	closing byte   // the bracket that ends it
	body    bool   // it is a body, of which the inside is not wanted if it is large
	at      uint32 // its node, where it has one
	from    int    // in the text
	keys    int    // where its keys begin
}

// keySeen is a key of an object. Equal keys have equal signs.
type keySeen struct {
	sign     uint64
	from, to uint32 // without its quotes
}

const (
	mostOpen = 64
	mostKeys = 128
)

// read reads the object at the begin of text. It is not ok where that is left to jsontext, as is an EventList whose items
// are to be read one by one.
func (g *glance) read(text []byte, lists, plants bool) (_ walked, ok bool) {
	if len(text) == 0 || text[0] != '{' {
		return walked{}, false
	}
	g.start(len(text), plants)
	for i, from := 0, 0; ; {
		if i = passSpace(text, i); i >= len(text) {
			return walked{}, false
		}
		if g.depth == 1 {
			from = i
		}
		switch c := text[i]; c {
		case '{', '[':
			if !g.begin(i, c) {
				return walked{}, false
			}
			if i = passSpace(text, i+1); i < len(text) && text[i] == c+2 { // its closing bracket
				break
			}
			if c == '{' {
				if i = g.key(text, i, lists); i < 0 {
					return walked{}, false
				}
			}
			continue
		default:
			if i = g.scalar(text, i, c); i < 0 {
				return walked{}, false
			}
		}
		for { // behind a value
			if g.depth == 0 {
				g.got.size, g.got.planted = i, plants
				return g.got, true
			}
			if g.depth == 1 && g.member != nil {
				g.got.keep(g.member, text[from:i], span{from, i})
				g.member = nil
			}
			if i = passSpace(text, i); i >= len(text) {
				return walked{}, false
			}
			in := &g.open[g.depth-1]
			if text[i] == in.closing {
				i++
				g.end(i, in)
				continue
			}
			if text[i] != ',' {
				return walked{}, false
			}
			i++
			break
		}
		if g.open[g.depth-1].closing == '}' {
			if i = g.key(text, i, lists); i < 0 {
				return walked{}, false
			}
		}
	}
}

func (g *glance) start(size int, plants bool) {
	g.got, g.plants, g.until, g.depth, g.keys, g.member = walked{}, plants, 0, 0, g.keys[:0], nil
	if !plants {
		return
	}
	g.until, g.members = math.MaxInt, memberIndex{usable: true}
	if g.nodes = kept(g.nodes); g.nodes == nil {
		g.nodes = make([]node, 0, min(size/20+8, 1<<12)) // enough for most events
	}
}

// begin notes that a container begins; it is false where there are too many in each other.
func (g *glance) begin(i int, bracket byte) bool {
	if g.depth == mostOpen {
		return false
	}
	c := container{closing: bracket + 2, from: i, keys: len(g.keys)}
	if i < g.until {
		n := node{start: uint32(i), kind: Object}
		if bracket == '[' {
			n.kind = Array
		}
		c.at = uint32(len(g.nodes))
		g.nodes = append(g.nodes, n)
		if g.depth == 1 && g.member != nil && (g.member == &g.got.members.requestObject || g.member == &g.got.members.responseObject) {
			c.body, g.until = true, i+smallBody
		}
	}
	g.open[g.depth] = c
	g.depth++
	return true
}

// end notes that the innermost container ends before a position.
func (g *glance) end(i int, c *container) {
	g.depth--
	g.keys = g.keys[:c.keys]
	if !g.plants || c.from >= g.until && !c.body {
		return
	}
	n := &g.nodes[c.at]
	if c.body {
		g.until = math.MaxInt
		if i-c.from > smallBody {
			g.nodes = g.nodes[:c.at+1]
			n.body = 1
			if g.member == &g.got.members.responseObject {
				n.body = 2
			}
		}
	}
	n.end, n.next = uint32(i), uint32(len(g.nodes))
}

// The next ones take a position in the text and give the one behind what they read; -1 stands for what is left to
// jsontext.

// key reads a key and the colon behind it.
func (g *glance) key(text []byte, i int, lists bool) int {
	if i = passSpace(text, i); i >= len(text) || text[i] != '"' {
		return -1
	}
	from := i
	escaped := false
	if i = special(text, i+1); i < len(text) && text[i] == '"' {
		i++
	} else {
		i, escaped = readString(text, from, true)
	}
	if i < 0 || !g.fresh(text, from+1, i-1) {
		return -1
	}
	if from < g.until {
		if g.depth == 1 {
			g.members.note(text[from+1:i-1], len(g.nodes), escaped)
		}
		g.nodes = append(g.nodes, node{start: uint32(from), end: uint32(i), next: uint32(len(g.nodes) + 1), kind: String, escaped: escaped})
	}
	name := text[from:i]
	if i = passSpace(text, i); i >= len(text) || text[i] != ':' {
		return -1
	}
	i++
	if g.depth == 1 {
		g.member = g.got.member(name)
		if lists && g.member == &g.got.members.items && opensItems(text, i, g.got.kind) {
			return -1
		}
	}
	return i
}

// opensItems tells whether the items of an EventList can begin here.
func opensItems(text []byte, i int, kind kindSeen) bool {
	i = passSpace(text, i)
	return (kind == kindAbsent || kind == kindEventList) && i < len(text) && text[i] == '['
}

// fresh notes a key; it is false where the object has that key already, or very many.
func (g *glance) fresh(text []byte, from, to int) bool {
	sign := signOf(text, from, to)
	keys := g.keys[g.open[g.depth-1].keys:]
	if len(keys) == mostKeys {
		return false
	}
	for k := range keys {
		if keys[k].sign == sign && string(text[keys[k].from:keys[k].to]) == string(text[from:to]) {
			return false
		}
	}
	g.keys = append(g.keys, keySeen{sign, uint32(from), uint32(to)})
	return true
}

// signOf is made of the length of a key, its begin and its end.
func signOf(text []byte, from, to int) uint64 {
	n := to - from
	var first, last uint64
	switch {
	case n >= 8:
		first, last = binary.LittleEndian.Uint64(text[from:]), binary.LittleEndian.Uint64(text[to-8:])
	case from+8 <= len(text):
		first = binary.LittleEndian.Uint64(text[from:]) & (1<<(8*n) - 1)
	default:
		for i, c := range text[from:to] {
			first |= uint64(c) << (8 * i)
		}
	}
	return first ^ bits.RotateLeft64(last, 29)*0x9e3779b97f4a7c15 ^ uint64(n)<<56
}

// scalar reads a string, a number or a literal that begins with c.
func (g *glance) scalar(text []byte, i int, c byte) int {
	n := node{start: uint32(i)}
	switch c {
	case '"':
		n.kind = String
		if end := special(text, i+1); end < len(text) && text[end] == '"' {
			i = end + 1
		} else {
			i, n.escaped = readString(text, i, false)
		}
	case 't':
		n.kind = Bool
		i = readLiteral(text, i, "true")
	case 'f':
		n.kind = Bool
		i = readLiteral(text, i, "false")
	case 'n':
		n.kind = Null
		i = readLiteral(text, i, "null")
	default:
		n.kind = Number
		i = readNumber(text, i)
	}
	if i >= 0 && int(n.start) < g.until {
		n.end, n.next = uint32(i), uint32(len(g.nodes)+1)
		g.nodes = append(g.nodes, n)
	}
	return i
}

func passSpace(text []byte, i int) int {
	for i < len(text) && isSpace(text[i]) {
		i++
	}
	return i
}

func readLiteral(text []byte, i int, literal string) int {
	if end := i + len(literal); end <= len(text) && string(text[i:end]) == literal {
		return end
	}
	return -1
}

// readNumber reads a number, which ends before the end of the text.
func readNumber(text []byte, i int) int {
	if i < len(text) && text[i] == '-' {
		i++
	}
	from := i
	if i = passDigits(text, i); i == from || text[from] == '0' && i > from+1 {
		return -1
	}
	if i < len(text) && text[i] == '.' {
		from = i + 1
		if i = passDigits(text, from); i == from {
			return -1
		}
	}
	if i < len(text) && text[i]|' ' == 'e' {
		if i++; i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		from = i
		if i = passDigits(text, from); i == from {
			return -1
		}
	}
	return i
}

func passDigits(text []byte, i int) int {
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return i
}

// readString reads a string, and tells whether it holds an escape. Of a key are left to jsontext the ones that could be
// spelled otherwise: equal ones must be equal bytes.
func readString(text []byte, i int, key bool) (end int, escaped bool) {
	from, ascii := i, true
	for i++; ; {
		i = special(text, i)
		if i >= len(text) {
			return -1, false
		}
		switch c := text[i]; {
		case c == '"':
			i++
			if !ascii && !utf8.Valid(text[from:i]) {
				return -1, false
			}
			return i, escaped
		case c == '\\':
			if i = readEscape(text, i+1, key); i < 0 {
				return -1, false
			}
			escaped = true
		case c < ' ':
			return -1, false
		default: // part of a character of several bytes
			ascii = false
			for i < len(text) && text[i] >= utf8.RuneSelf {
				i++
			}
		}
	}
}

// readEscape reads what is behind a backslash.
func readEscape(text []byte, i int, key bool) int {
	if i >= len(text) {
		return -1
	}
	switch text[i] {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case '/':
		if !key {
			return i + 1
		}
	case 'u':
		if key || i+5 > len(text) {
			return -1
		}
		hex := text[i+1 : i+5]
		for _, c := range hex {
			if !isDigit(c) && (c|' ' < 'a' || c|' ' > 'f') {
				return -1
			}
		}
		if hex[0]|' ' == 'd' && hex[1] > '7' { // half of a surrogate pair
			return -1
		}
		return i + 5
	}
	return -1
}

// special returns the position of the first byte at or behind text[i] that is a quote, a backslash, a control character or
// no ASCII; the end of text where there is none. It looks at eight bytes at a time, as quoteOrSlash does.
func special(text []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(text); i += 8 {
		word := binary.LittleEndian.Uint64(text[i:])
		quote, slash := word^('"'*ones), word^('\\'*ones)
		if hit := ((quote-ones)&^quote | (slash-ones)&^slash | (word-' '*ones)&^word | word) & highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for i < len(text) && text[i] != '"' && text[i] != '\\' && text[i] >= ' ' && text[i] < utf8.RuneSelf {
		i++
	}
	return i
}
