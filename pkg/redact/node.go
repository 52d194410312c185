package redact

import "bytes"

// node is a token of a JSON text; containers come before what is in them, keys
// before their values.
type node struct {
	start, end int
	next       int // the node behind this one and all that is in it
	kind       byte
	escaped    bool // a string with escapes
}

// The kinds of nodes are the first bytes of their tokens; numbers are '0'.
const (
	object = '{'
	array  = '['
	str    = '"'
	number = '0'
	yes    = 't'
	no     = 'f'
	null   = 'n'
)

// maxDepth is the nesting that is followed. Events have no more; a text in a
// string that has more is not kept.
const maxDepth = 10000

type parsed uint8

const (
	parsedOK parsed = iota
	parsedBad
	parsedDeep
)

// parser reads a text of JSON values, one or more, into nodes. It takes a little
// more than JSON: what it takes is walked, so that is to the good.
type parser struct {
	s     []byte
	nodes []node
	open  []int // the containers around the position
	i     int
	key   bool // of an object: a key comes next
	first bool // of a container: nothing was in it so far
}

func parse(s []byte, nodes []node) ([]node, parsed) {
	p := parser{s: s, nodes: nodes}
	for {
		p.space()
		if p.i == len(s) {
			if len(p.open) > 0 || len(p.nodes) == 0 {
				return p.nodes, parsedBad
			}
			return p.nodes, parsedOK
		}
		if c := s[p.i]; (c == '}' || c == ']') && len(p.open) > 0 {
			if !p.close(c) {
				return p.nodes, parsedBad
			}
			continue
		}
		if len(p.open) > maxDepth {
			return p.nodes, parsedDeep
		}
		if !p.value() {
			return p.nodes, parsedBad
		}
	}
}

func (p *parser) space() {
	for p.i < len(p.s) && (p.s[p.i] == ' ' || p.s[p.i] == '\n' || p.s[p.i] == '\t' || p.s[p.i] == '\r') {
		p.i++
	}
}

// close ends the innermost container.
func (p *parser) close(c byte) bool {
	at := p.open[len(p.open)-1]
	if p.nodes[at].kind != c-2 || p.nodes[at].kind == object && !p.key {
		return false
	}
	p.open = p.open[:len(p.open)-1]
	p.i++
	p.nodes[at].end = p.i
	p.nodes[at].next = len(p.nodes)
	p.ended()
	return true
}

// ended passes over the comma behind a value.
func (p *parser) ended() {
	p.first = false
	p.key = len(p.open) > 0 && p.nodes[p.open[len(p.open)-1]].kind == object
}

// value reads a key with its colon, a scalar, or the begin of a container, with
// the comma before it.
func (p *parser) value() bool {
	if len(p.open) > 0 && !p.first && (p.key || p.nodes[p.open[len(p.open)-1]].kind == array) {
		if p.s[p.i] != ',' {
			return false
		}
		p.i++
		p.space()
		if p.i == len(p.s) {
			return false
		}
	}
	n := node{start: p.i}
	switch c := p.s[p.i]; c {
	case object, array:
		if p.key {
			return false
		}
		n.kind = c
		p.open = append(p.open, len(p.nodes))
		p.nodes = append(p.nodes, n)
		p.i++
		p.first, p.key = true, c == object
		return true
	case str:
		if n.end, n.escaped = stringEnd(p.s, p.i); n.end < 0 {
			return false
		}
		n.kind = str
	default:
		if n.kind, n.end = scalar(p.s, p.i); n.end < 0 {
			return false
		}
	}
	if p.key && n.kind != str {
		return false
	}
	p.i = n.end
	n.next = len(p.nodes) + 1
	p.nodes = append(p.nodes, n)
	if p.key {
		return p.colon()
	}
	p.ended()
	return true
}

func (p *parser) colon() bool {
	p.space()
	if p.i == len(p.s) || p.s[p.i] != ':' {
		return false
	}
	p.i++
	p.space()
	p.key, p.first = false, false
	return p.i < len(p.s) && p.s[p.i] != '}' && p.s[p.i] != ']'
}

// stringEnd returns the place behind the string at s[i], -1 when it has no end.
func stringEnd(s []byte, i int) (end int, escaped bool) {
	for i++; ; {
		n := bytes.IndexByte(s[i:], '"')
		if n < 0 {
			return -1, false
		}
		n += i
		if !escaped && bytes.IndexByte(s[i:n], '\\') < 0 {
			return n + 1, false
		}
		escaped = true
		slashes := 0
		for n-1-slashes >= i && s[n-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return n + 1, true
		}
		i = n + 1
	}
}

// scalar reads a number, true, false or null.
func scalar(s []byte, i int) (kind byte, end int) {
	end = i
	for end < len(s) && ('0' <= s[end] && s[end] <= '9' || 'a' <= lower[s[end]] && lower[s[end]] <= 'z' ||
		s[end] == '-' || s[end] == '+' || s[end] == '.') {
		end++
	}
	switch word := s[i:end]; {
	case len(word) == 0:
		return 0, -1
	case string(word) == "true":
		return yes, end
	case string(word) == "false":
		return no, end
	case string(word) == "null":
		return null, end
	case word[0] == '-' || '0' <= word[0] && word[0] <= '9':
		return number, end
	}
	return 0, -1
}
