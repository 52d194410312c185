package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is the nesting that jsontext accepts.
const maxDepth = 10000

// node is one value of a tree, or the key of a member. Nodes stand in source order: a container is followed by its
// content, a key by its value.
type node struct {
	start, end uint32 // raw[start:end]
	next       uint32 // index of the node after this one and all that is inside it
	kind       Kind
	escaped    bool  // a string with an escape in it
	body       uint8 // 1 + index in the tree's bodies: what is inside has a tree of its own
}

// tree is a parsed JSON text. It is not changed after parsing, but for the bodies, which grow when they are needed.
type tree struct {
	raw        []byte
	nodes      []node // nodes[0] is the root
	duplicates bool   // some object in it holds two equal keys
	bodies     [2]body
	members    memberIndex // of the root
}

// body is a member of the root that makes out most of an event and is seldom looked at.
type body struct {
	span  span // in raw; empty if there is none
	grown atomic.Pointer[tree]
	spare *tree // memory to grow in
}

// smallBody is up to how many bytes a body is not worth a tree of its own.
const smallBody = 128

// body returns the tree of a body.
func (t *tree) body(i uint8) *tree {
	b := &t.bodies[i]
	if grown := b.grown.Load(); grown != nil {
		return grown
	}
	grown := b.spare
	if grown == nil {
		grown = new(tree)
	}
	grown.raw = b.span.in(t.raw)
	grown.nodes = plant(grown.nodes[:0], grown.raw, nil)
	if b.grown.CompareAndSwap(nil, grown) {
		return grown
	}
	return b.grown.Load()
}

// grow parses raw, which must be valid JSON.
func (t *tree) grow() { t.nodes = plant(t.nodes[:0], t.raw, &t.bodies) }

// mostKept is how many nodes a tree keeps memory for: a rare large event must not hold on to it.
const mostKept = 1 << 14

// reset empties the tree and keeps its memory.
func (t *tree) reset() {
	t.raw, t.nodes, t.duplicates, t.members.usable = nil, kept(t.nodes), false, false
	for i := range t.bodies {
		b := &t.bodies[i]
		if grown := b.grown.Load(); grown != nil {
			grown.raw, grown.nodes = nil, kept(grown.nodes)
			b.spare = grown
			b.grown.Store(nil)
		}
		b.span = span{}
	}
}

func kept(nodes []node) []node {
	if cap(nodes) > mostKept {
		return nil
	}
	return nodes[:0]
}

// keyIs reports whether the key at that node, unescaped, is key.
func (t *tree) keyIs(at uint32, key string) bool {
	n := &t.nodes[at]
	if n.escaped {
		return string(t.content(at)) == key
	}
	return int(n.end-n.start) == len(key)+2 && string(t.raw[n.start+1:n.end-1]) == key
}

// content returns the unescaped content of the string at that node.
func (t *tree) content(at uint32) []byte {
	n := &t.nodes[at]
	if !n.escaped {
		return t.raw[n.start+1 : n.end-1]
	}
	return unquote(t.raw[n.start:n.end])
}

// unquote returns the content of a JSON string.
func unquote(quoted []byte) []byte {
	content, _ := jsontext.AppendUnquote(nil, quoted) // fails only for halves of surrogate pairs, and makes them U+FFFD
	return content
}

// The ways to read a value, from the strictest on. Most values have no equal keys, and jsontext finds that out in
// passing. Only when it finds some the value is read again: equal keys are worth a flag and no refusal. jsontext takes
// halves of surrogate pairs, which are ours to take, only together with invalid UTF-8, which is not.
var (
	strict     = []jsontext.Options{}
	duplicates = []jsontext.Options{jsontext.AllowDuplicateNames(true)}
	halves     = []jsontext.Options{jsontext.AllowInvalidUTF8(true)}
	lenient    = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
)

// scanner reads JSON that is in memory; jsontext reads a bytes.Buffer in place.
type scanner struct {
	decoder jsontext.Decoder
	bytes   bytes.Buffer
}

// at returns the decoder, at the begin of text.
func (s *scanner) at(text []byte, options []jsontext.Options) *jsontext.Decoder {
	s.bytes = *bytes.NewBuffer(text)
	s.decoder.Reset(&s.bytes, options...)
	return &s.decoder
}

// scanners keeps scanners, whose scratch space is worth keeping.
var scanners = sync.Pool{New: func() any { return new(scanner) }}

// parseTree parses raw, one JSON value.
func parseTree(raw []byte) (*tree, error) {
	if len(raw) > math.MaxUint32 {
		return nil, fmt.Errorf("audit: %d bytes of JSON are too many, at most %d", len(raw), math.MaxUint32)
	}
	s := scanners.Get().(*scanner)
	defer func() {
		s.at(nil, strict)
		scanners.Put(s)
	}()
	t := &tree{raw: raw}
	err := checkOne(s.at(raw, strict))
	if err != nil && utf8.Valid(raw) {
		t.duplicates = errors.Is(checkOne(s.at(raw, halves)), jsontext.ErrDuplicateName)
		err = checkOne(s.at(raw, lenient))
	}
	if err != nil {
		return nil, err
	}
	t.grow()
	return t, nil
}

// checkOne returns nil if d reads exactly one value.
func checkOne(d *jsontext.Decoder) error {
	if _, err := d.ReadValue(); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("audit: %w", err)
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return fmt.Errorf("audit: more than one JSON value: the first ends at byte %d", d.InputOffset())
	}
	return nil
}

// plant appends the nodes of raw, which must be one valid JSON value, to nodes. The bodies, if there are any, get one
// node each.
func plant(nodes []node, raw []byte, bodies *[2]body) []node {
	if nodes == nil {
		nodes = make([]node, 0, min(len(raw)/20+8, 1<<12)) // enough for most events
	}
	var space [32]uint32
	open := space[:0] // the containers around the current position
	for i := 0; i < len(raw); {
		c := raw[i]
		if c == ',' || c == ':' { // valid JSON has something behind it
			i++
			c = raw[i]
		}
		n := node{start: uint32(i)}
		switch c {
		case ' ', '\t', '\r', '\n', ',', ':':
			i++
			continue
		case '{', '[':
			n.kind = Object
			if c == '[' {
				n.kind = Array
			}
			if end := bodyAt(bodies, len(open), i, &n); end > 0 {
				n.end, n.next = uint32(end), uint32(len(nodes)+1)
				nodes = append(nodes, n)
				i = end
				continue
			}
			open = append(open, uint32(len(nodes)))
			nodes = append(nodes, n)
			i++
			continue
		case '}', ']':
			i++
			container := &nodes[open[len(open)-1]]
			open = open[:len(open)-1]
			container.end, container.next = uint32(i), uint32(len(nodes))
			continue
		case '"':
			n.kind = String
			i, n.escaped = stringEnd(raw, i)
		case 'n':
			n.kind = Null
			i += len("null")
		case 't':
			n.kind = Bool
			i += len("true")
		case 'f':
			n.kind = Bool
			i += len("false")
		default:
			n.kind = Number
			i = numberEnd(raw, i)
		}
		n.end, n.next = uint32(i), uint32(len(nodes)+1)
		nodes = append(nodes, n)
	}
	return nodes
}

// bodyAt reports whether a body begins at raw[i], on that level, by its end; else it returns 0.
func bodyAt(bodies *[2]body, level, i int, n *node) (end int) {
	if bodies == nil || level != 1 {
		return 0
	}
	for k := range bodies {
		if s := bodies[k].span; s.from == i && s.to-s.from > smallBody {
			n.body = uint8(k + 1)
			return s.to
		}
	}
	return 0
}

// tooDeep returns the position of the first bracket of text, valid JSON, that is nested deeper than depth; -1 if none is.
func tooDeep(text []byte, depth int) int {
	level := 0
	for i := 0; i < len(text); {
		switch text[i] {
		case '"':
			i, _ = stringEnd(text, i)
			continue
		case '{', '[':
			if level == depth {
				return i
			}
			level++
		case '}', ']':
			level--
		}
		i++
	}
	return -1
}

// numberEnd returns the position after the number that begins at text[i].
func numberEnd(text []byte, i int) int {
	for i < len(text) {
		switch text[i] {
		case ',', ']', '}', ' ', '\t', '\r', '\n':
			return i
		}
		i++
	}
	return i
}
