package audit

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"unsafe"
)

// Kind is the kind of a [Value].
type Kind uint8

// The kinds of JSON values. Absent is no JSON: it is what a look-up gives that finds nothing.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"absent", "null", "bool", "number", "string", "array", "object"}

// String returns the kind's lower-case name.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Value is one JSON value inside a parsed text: a view, cheap to copy, safe for concurrent use. The zero Value is
// absent. Every method may be called on every kind: what makes no sense for a kind finds nothing.
//
// Strings and byte slices that a Value returns may alias the text it was parsed from; they must not be written.
type Value struct {
	tree  *tree
	at    uint32 // index into tree.nodes
	first bool   // of equal keys Get returns the first one
}

// ParseValue parses raw, which must hold exactly one JSON value, with or without white space around it. The value keeps
// raw, which must not be written afterwards. The error names the byte position of the first offence; objects with equal
// keys are no offence.
func ParseValue(raw []byte) (Value, error) {
	t, err := parseTree(raw)
	if err != nil {
		return Value{}, err
	}
	return Value{tree: t}, nil
}

// node returns v's node; of an absent value a node of kind Absent.
func (v Value) node() node {
	if v.tree == nil {
		return node{}
	}
	return v.tree.nodes[v.at]
}

// sibling returns the value at another node of the same tree, looked up by the same rules.
func (v Value) sibling(at uint32) Value {
	if b := v.tree.nodes[at].body; b > 0 {
		return Value{tree: v.tree.body(b - 1), first: v.first}
	}
	return Value{tree: v.tree, at: at, first: v.first}
}

// Kind returns the kind of v.
func (v Value) Kind() Kind { return v.node().kind }

// Exists reports whether v is there at all; JSON null exists.
func (v Value) Exists() bool { return v.tree != nil }

// FirstKeys returns the same value, below which [Value.Get] returns the first of several equal keys, as Falco's parser
// does. The default is the last, as in the API server.
func (v Value) FirstKeys() Value {
	v.first = true
	return v
}

// Get returns the member of the object v with that key. Keys are compared unescaped. The result is absent when there is
// no such member or v is no object.
func (v Value) Get(key string) Value {
	t := v.tree
	if t == nil || t.nodes[v.at].kind != Object {
		return Value{}
	}
	if v.at == 0 {
		if at, known := t.members.find(t, key); at > 0 {
			return v.sibling(at + 1)
		} else if known {
			return Value{}
		}
	}
	var found Value
	for at, end := v.at+1, t.nodes[v.at].next; at < end; at = t.nodes[at+1].next {
		if !t.keyIs(at, key) {
			continue
		}
		found = v.sibling(at + 1)
		if v.first || !t.duplicates {
			break
		}
	}
	return found
}

// Path follows keys from object to object, as repeated [Value.Get].
func (v Value) Path(keys ...string) Value {
	for _, key := range keys {
		v = v.Get(key)
	}
	return v
}

// Index returns element i of the array v, counted from 0; absent when there is none or v is no array.
func (v Value) Index(i int) Value {
	if i < 0 {
		return Value{}
	}
	for e := range v.Elems() {
		if i == 0 {
			return e
		}
		i--
	}
	return Value{}
}

// Len returns the number of elements of an array or of members of an object, as written: equal keys count each.
// It is 0 for everything else.
func (v Value) Len() int {
	n := v.node()
	count := 0
	switch n.kind {
	case Array:
		for at := v.at + 1; at < n.next; at = v.tree.nodes[at].next {
			count++
		}
	case Object:
		for at := v.at + 1; at < n.next; at = v.tree.nodes[at+1].next {
			count++
		}
	}
	return count
}

// Elems yields the elements of the array v in order; nothing for other kinds.
func (v Value) Elems() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		n := v.node()
		if n.kind != Array {
			return
		}
		for at := v.at + 1; at < n.next; at = v.tree.nodes[at].next {
			if !yield(v.sibling(at)) {
				return
			}
		}
	}
}

// Members yields the members of the object v in source order, equal keys included, with the keys unescaped; nothing for
// other kinds.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		n := v.node()
		if n.kind != Object {
			return
		}
		for at := v.at + 1; at < n.next; at = v.tree.nodes[at+1].next {
			if !yield(alias(v.tree.content(at)), v.sibling(at+1)) {
				return
			}
		}
	}
}

// Text returns v as text: the unescaped content of a string, the source spelling of a number, true, false, null, the
// compact source text of an object or array (see [Value.Compact]). It is "" when v is absent.
func (v Value) Text() string {
	switch v.Kind() {
	case Absent:
		return ""
	case String:
		return alias(v.tree.content(v.at))
	case Array, Object:
		return alias(v.Compact())
	default:
		return alias(v.Raw())
	}
}

// Raw returns the bytes of v in the source; nil when v is absent.
func (v Value) Raw() []byte {
	if v.tree == nil {
		return nil
	}
	n := v.node()
	return v.tree.raw[n.start:n.end:n.end]
}

// Compact returns the bytes of v in the source without the white space between tokens. Spelling, escapes and the order
// of keys stay as they are. It is nil when v is absent.
func (v Value) Compact() []byte {
	return compact(v.Raw())
}

// Bool returns the value of a JSON true or false; ok is false for every other kind.
func (v Value) Bool() (value, ok bool) {
	if v.Kind() != Bool {
		return false, false
	}
	return v.Raw()[0] == 't', true
}

// alias returns b as a string without copying it: the bytes of a parsed text are never written.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// compact returns text, which is valid JSON, without the white space between tokens: text itself when there is none.
func compact(text []byte) []byte {
	var out []byte // nil until the first white space is met
	from := 0      // text[:from] is in out or was skipped
	for i := 0; i < len(text); {
		switch text[i] {
		case '"':
			i, _ = stringEnd(text, i)
		case ' ', '\t', '\r', '\n':
			if out == nil {
				out = make([]byte, 0, len(text))
			}
			out = append(out, text[from:i]...)
			i++
			from = i
		default:
			i++
		}
	}
	if out == nil {
		return text
	}
	return append(out, text[from:]...)
}

// stringEnd returns the position after the JSON string that begins at text[i], and whether it holds an escape.
// text must be valid JSON.
func stringEnd(text []byte, i int) (end int, escaped bool) {
	for i++; ; {
		i = quoteOrSlash(text, i)
		if text[i] == '"' {
			return i + 1, escaped
		}
		escaped = true
		i += 2 // the escaped byte can be a quote
	}
}

// quoteOrSlash returns the position of the first quote or backslash at or behind text[i]; there must be one. It looks at
// eight bytes at a time: x-ones &^ x has the high bit set in the lowest byte of x that is zero.
func quoteOrSlash(text []byte, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(text); i += 8 {
		word := binary.LittleEndian.Uint64(text[i:])
		quote, slash := word^('"'*ones), word^('\\'*ones)
		if hit := ((quote-ones)&^quote | (slash-ones)&^slash) & highs; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}
