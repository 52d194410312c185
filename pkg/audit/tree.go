package audit

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is the nesting that jsontext accepts.
const maxDepth = 10000

// errDepth is the error for nesting beyond the limit.
var errDepth = errors.New("nested too deeply")

// node is one value of a tree, or the key of a member. Nodes stand in source order: a container is followed by its
// content, a key by its value.
type node struct {
	start, end uint32 // raw[start:end]
	next       uint32 // index of the node after this one and all that is inside it
	kind       Kind
	escaped    bool // a string with an escape in it
}

// tree is a parsed JSON text. It is not changed after parsing.
type tree struct {
	raw        []byte
	nodes      []node // nodes[0] is the root
	duplicates bool   // some object in it holds two equal keys
}

// keyIs reports whether the key at that node, unescaped, is key.
func (t *tree) keyIs(at uint32, key string) bool {
	n := &t.nodes[at]
	if n.escaped {
		return string(t.content(at)) == key
	}
	return string(t.raw[n.start+1:n.end-1]) == key
}

// content returns the unescaped content of the string at that node.
func (t *tree) content(at uint32) []byte {
	n := t.nodes[at]
	if !n.escaped {
		return t.raw[n.start+1 : n.end-1]
	}
	// The text was accepted, so unquoting it cannot fail.
	s, _ := jsontext.AppendUnquote(nil, t.raw[n.start:n.end])
	return s
}

// Both ways to read a value let equal keys pass: the tree looks for them, since they are worth a flag and no refusal.
// The lenient way, which takes invalid UTF-8 and halves of surrogate pairs, only tells what kind of bad a text is.
var (
	strict  = []jsontext.Options{jsontext.AllowDuplicateNames(true)}
	lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}
)

// parseTree parses raw, one JSON value.
func parseTree(raw []byte) (*tree, error) {
	if len(raw) > math.MaxUint32 {
		return nil, fmt.Errorf("audit: %d bytes of JSON are too many, at most %d", len(raw), math.MaxUint32)
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), strict...)
	if _, err := d.ReadValue(); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("audit: %w", err)
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, fmt.Errorf("audit: more than one JSON value: the first ends at byte %d", d.InputOffset())
	}
	t := new(tree)
	new(planter).plant(t, raw, maxDepth)
	return t, nil
}

// planter grows trees over texts that are known to be valid JSON. It keeps its scratch space between texts.
type planter struct {
	nodes      []node
	open       []uint32 // the containers around the current position
	keys       []uint32 // the keys of one object
	table      []uint32 // hash table for looking for equal keys
	seed       maphash.Seed
	duplicates bool
}

// keepNodes bounds the scratch space that a planter keeps: a rare huge text must not hold memory for ever.
const keepNodes = 1 << 16

// plant fills t with the tree of raw, which must be one valid JSON value. It returns -1, or the position of the bracket
// that is nested deeper than allowed.
func (p *planter) plant(t *tree, raw []byte, depth int) int {
	p.nodes, p.open, p.duplicates = p.nodes[:0], p.open[:0], false
	for i := 0; i < len(raw); {
		next := p.token(raw, i)
		if len(p.open) > depth {
			return i
		}
		i = next
	}
	t.raw, t.duplicates = raw, p.duplicates
	if len(p.nodes) > keepNodes {
		t.nodes, p.nodes = p.nodes, nil
	} else {
		t.nodes = append(make([]node, 0, len(p.nodes)), p.nodes...)
	}
	return -1
}

// token takes the token (or the byte between tokens) at raw[i] and returns the position after it.
func (p *planter) token(raw []byte, i int) int {
	switch raw[i] {
	case ' ', '\t', '\r', '\n', ',', ':':
		return i + 1
	case '"':
		end, escaped := stringEnd(raw, i)
		return p.leaf(String, i, end, escaped)
	case '{':
		return p.begin(Object, i)
	case '[':
		return p.begin(Array, i)
	case '}', ']':
		return p.close(raw, i+1)
	case 'n':
		return p.leaf(Null, i, i+len("null"), false)
	case 't':
		return p.leaf(Bool, i, i+len("true"), false)
	case 'f':
		return p.leaf(Bool, i, i+len("false"), false)
	default:
		return p.leaf(Number, i, numberEnd(raw, i), false)
	}
}

// leaf appends a node without content; it returns its end.
func (p *planter) leaf(kind Kind, start, end int, escaped bool) int {
	p.nodes = append(p.nodes, node{
		start: uint32(start), end: uint32(end), next: uint32(len(p.nodes) + 1), kind: kind, escaped: escaped,
	})
	return end
}

// begin appends the node of a container; it returns the position after its bracket.
func (p *planter) begin(kind Kind, start int) int {
	p.open = append(p.open, uint32(len(p.nodes)))
	p.nodes = append(p.nodes, node{start: uint32(start), kind: kind})
	return start + 1
}

// close ends the innermost container, behind its closing bracket; it returns that position.
func (p *planter) close(raw []byte, end int) int {
	at := p.open[len(p.open)-1]
	p.open = p.open[:len(p.open)-1]
	n := &p.nodes[at]
	n.end, n.next = uint32(end), uint32(len(p.nodes))
	if n.kind == Object && !p.duplicates {
		p.duplicates = p.equalKeys(raw, at)
	}
	return end
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

// fewKeys is up to how many keys are compared each with each.
const fewKeys = 8

// equalKeys reports whether the object at that node holds two equal keys, unescaped.
func (p *planter) equalKeys(raw []byte, object uint32) bool {
	p.keys = p.keys[:0]
	for at := object + 1; at < p.nodes[object].next; at = p.nodes[at+1].next {
		p.keys = append(p.keys, at)
	}
	t := tree{raw: raw, nodes: p.nodes}
	if len(p.keys) > fewKeys {
		return p.equalHashed(&t)
	}
	for i, a := range p.keys {
		for _, b := range p.keys[:i] {
			if t.sameKey(a, b) {
				return true
			}
		}
	}
	return false
}

// equalHashed is equalKeys for many keys: linear in their number, whatever they are, since the hash is seeded.
func (p *planter) equalHashed(t *tree) bool {
	if p.seed == (maphash.Seed{}) {
		p.seed = maphash.MakeSeed()
	}
	size := 4 * fewKeys
	for size < 2*len(p.keys) {
		size *= 2
	}
	if cap(p.table) < size {
		p.table = make([]uint32, size)
	}
	table := p.table[:size]
	clear(table)
	if size > keepNodes {
		p.table = nil
	}
	for _, key := range p.keys {
		slot := int(maphash.Bytes(p.seed, t.content(key))) & (size - 1)
		for table[slot] != 0 { // node 0 is the root, never a key
			if t.sameKey(table[slot], key) {
				return true
			}
			slot = (slot + 1) & (size - 1)
		}
		table[slot] = key
	}
	return false
}

// sameKey reports whether the keys at two nodes are equal, unescaped.
func (t *tree) sameKey(a, b uint32) bool {
	na, nb := &t.nodes[a], &t.nodes[b]
	if na.escaped || nb.escaped {
		return bytes.Equal(t.content(a), t.content(b))
	}
	return bytes.Equal(t.raw[na.start+1:na.end-1], t.raw[nb.start+1:nb.end-1])
}
