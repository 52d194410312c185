package rules

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// node is a YAML node as Falco's YAML library sees it. The zero node is one
// that is not there.
type node struct {
	y  *yaml.Node
	in *content
}

func newNode(y *yaml.Node, in *content) node {
	for y != nil && y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	return node{y, in}
}

func (n node) defined() bool    { return n.y != nil }
func (n node) isSequence() bool { return n.y != nil && n.y.Kind == yaml.SequenceNode }
func (n node) isMap() bool      { return n.y != nil && n.y.Kind == yaml.MappingNode }
func (n node) isScalar() bool   { return n.y != nil && n.y.Kind == yaml.ScalarNode && !n.isNull() }

// isNull tells whether the node is a plain, untagged "", "~" or "null".
func (n node) isNull() bool {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	if n.y == nil || n.y.Kind != yaml.ScalarNode || n.y.Style&(quoted|yaml.TaggedStyle) != 0 {
		return false
	}
	switch n.y.Value {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// text is the text of a scalar, quoted or not; "" of anything else.
func (n node) text() string {
	if !n.isScalar() {
		return ""
	}
	return n.y.Value
}

func (n node) place() place { return place{n.in, n.y.Line, n.y.Column} }

// get gives the value of a key of a mapping. Of equal keys the FIRST counts.
func (n node) get(key string) node {
	for k, v := range n.pairs() {
		if k.y.Value == key && k.isScalar() {
			return v
		}
	}
	return node{}
}

// pairs goes through the keys and values of a mapping in the order written.
func (n node) pairs() func(yield func(k, v node) bool) {
	return func(yield func(k, v node) bool) {
		if !n.isMap() {
			return
		}
		for i := 0; i+1 < len(n.y.Content); i += 2 {
			if !yield(newNode(n.y.Content[i], n.in), newNode(n.y.Content[i+1], n.in)) {
				return
			}
		}
	}
}

// elems goes through the elements of a sequence.
func (n node) elems() func(yield func(node) bool) {
	return func(yield func(node) bool) {
		if !n.isSequence() {
			return
		}
		for _, y := range n.y.Content {
			if !yield(newNode(y, n.in)) {
				return
			}
		}
	}
}

// parseBool reads a boolean as yaml-cpp does: y, yes, true, on and their
// opposites, in lower case, upper case or capitalised.
func parseBool(s string) (value, ok bool) {
	lower := strings.ToLower(s)
	if s == "" || s != lower && s != strings.ToUpper(s) && s != strings.ToUpper(s[:1])+lower[1:] {
		return false, false
	}
	switch lower {
	case "y", "yes", "true", "on":
		return true, true
	case "n", "no", "false", "off":
		return false, true
	}
	return false, false
}

// parseUint32 reads a number as a C++ stream does that guesses the base:
// decimal, 0x hexadecimal, 0 octal; white space may follow.
func parseUint32(s string) (uint32, bool) {
	s = strings.TrimRight(s, " \t\n\v\f\r")
	s = strings.TrimPrefix(s, "+")
	base := 10
	switch {
	case strings.HasPrefix(s, "0x"), strings.HasPrefix(s, "0X"):
		s, base = s[2:], 16
	case len(s) > 1 && s[0] == '0':
		s, base = s[1:], 8
	}
	n, err := strconv.ParseUint(s, base, 32)
	return uint32(n), err == nil
}
