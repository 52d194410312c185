package ruletest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// node is a YAML value with its place. Aliases and merges are resolved.
type node struct {
	kind         kind
	text         string // of a scalar, as written
	value        any    // of a scalar, as JSON has it: nil, bool, int64, uint64, float64 or string
	pairs        []pair // of a mapping, in the order written, each key once
	items        []*node
	line, column int
}

type kind uint8

const (
	scalar kind = iota
	list
	mapping
)

func (k kind) String() string { return [...]string{"a text", "a list", "a mapping"}[k] }

type pair struct {
	key   *node // a scalar
	value *node
}

// get gives the value of a key, nil where the mapping has none.
func (n *node) get(key string) *node {
	for _, p := range n.pairs {
		if p.key.text == key {
			return p.value
		}
	}
	return nil
}

func (n *node) isNull() bool { return n.kind == scalar && n.value == nil }

// plain gives the value as encoding/json takes it.
func (n *node) plain() any {
	switch n.kind {
	case list:
		out := make([]any, len(n.items))
		for i, item := range n.items {
			out[i] = item.plain()
		}
		return out
	case mapping:
		out := make(map[string]any, len(n.pairs))
		for _, p := range n.pairs {
			out[p.key.text] = p.value.plain()
		}
		return out
	}
	return n.value
}

// maxNodes bounds the values of a file; aliases of aliases could make of few lines more
// than there is memory.
const maxNodes = 1 << 20

// maxDepth bounds how deep values stand in each other.
const maxDepth = 500

var errNodes = fmt.Errorf("more than %d values, those of aliases and variants counted; make several files", maxNodes)

// parseYAML reads the only document of a file; nil where it is empty.
func parseYAML(content []byte) (root *node, err error) {
	defer func() {
		// The library has panics for states that it takes for impossible.
		if r := recover(); r != nil {
			err = &Problem{Text: fmt.Sprint("yaml: ", r)}
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, yamlProblem(err)
	}
	switch err := dec.Decode(new(yaml.Node)); {
	case err == nil:
		return nil, &Problem{Line: doc.Line, Text: "more than one YAML document; write one list"}
	case !errors.Is(err, io.EOF):
		return nil, yamlProblem(err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, nil
	}
	c := nodeReader{left: maxNodes}
	return c.node(doc.Content[0], 0)
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// yamlProblem takes the line out of an error of the YAML library.
func yamlProblem(err error) *Problem {
	text := err.Error()
	p := &Problem{Text: text}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		p.Text = "yaml: " + text[len(m[0]):]
	}
	return p
}

type nodeReader struct{ left int }

func (c *nodeReader) node(y *yaml.Node, depth int) (*node, error) {
	if c.left--; c.left < 0 || depth > maxDepth {
		return nil, &Problem{Line: y.Line, Column: y.Column, Text: errNodes.Error()}
	}
	n := &node{line: y.Line, column: y.Column}
	switch y.Kind {
	case yaml.AliasNode:
		return c.node(y.Alias, depth+1)
	case yaml.SequenceNode:
		n.kind = list
		for _, item := range y.Content {
			in, err := c.node(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, in)
		}
		return n, nil
	case yaml.MappingNode:
		n.kind = mapping
		return n, c.mapping(n, y, depth)
	}
	return n, readScalar(n, y)
}

// mapping reads the pairs of a mapping; "<<" merges others below its own.
func (c *nodeReader) mapping(n *node, y *yaml.Node, depth int) error {
	var merges []*node
	seen := map[string]bool{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, err := c.node(y.Content[i], depth+1)
		if err != nil {
			return err
		}
		value, err := c.node(y.Content[i+1], depth+1)
		if err != nil {
			return err
		}
		switch {
		case key.kind != scalar:
			return &Problem{Line: key.line, Column: key.column, Text: "a key must be a text"}
		case y.Content[i].ShortTag() == "!!merge":
			merges = append(merges, value)
		case seen[key.text]:
			return &Problem{Line: key.line, Column: key.column, Text: fmt.Sprintf("key %q is there twice", key.text)}
		default:
			seen[key.text] = true
			n.pairs = append(n.pairs, pair{key, value})
		}
	}
	for _, m := range merges {
		if m.kind != list {
			m = &node{kind: list, items: []*node{m}, line: m.line, column: m.column}
		}
		for _, from := range m.items {
			if from.kind != mapping {
				return &Problem{Line: from.line, Column: from.column, Text: "<< takes a mapping, or a list of them"}
			}
			for _, p := range from.pairs {
				if !seen[p.key.text] {
					seen[p.key.text] = true
					n.pairs = append(n.pairs, p)
				}
			}
		}
	}
	return nil
}

// readScalar reads a scalar: times and binary data, which JSON has not, stay the text
// that they are.
func readScalar(n *node, y *yaml.Node) error {
	n.text, n.value = y.Value, y.Value
	var err error
	switch y.ShortTag() {
	case "!!null":
		n.value = nil
	case "!!bool":
		var b bool
		err = y.Decode(&b)
		n.value = b
	case "!!int":
		n.value, err = integer(y)
	case "!!float":
		var f float64
		err = y.Decode(&f)
		n.value = f
		if math.IsNaN(f) || math.IsInf(f, 0) {
			n.value = y.Value
		}
	}
	if err != nil {
		return &Problem{Line: y.Line, Column: y.Column, Text: fmt.Sprintf("%q is no value of its tag: %v", y.Value, err)}
	}
	return nil
}

func integer(y *yaml.Node) (any, error) {
	var i int64
	if y.Decode(&i) == nil {
		return i, nil
	}
	var u uint64
	if y.Decode(&u) == nil {
		return u, nil
	}
	var f float64
	err := y.Decode(&f)
	return f, err
}
