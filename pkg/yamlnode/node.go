// Package yamlnode reads a YAML document into values that know their place in the file, for
// languages that are strict about what is written: each key once, unknown keys refused,
// everything wrong told with line and column.
//
// What the keys mean stays with each language.
package yamlnode

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

// Node is a YAML value with its place. Aliases and merges are resolved.
type Node struct {
	Kind         Kind
	Text         string // of a scalar, as written
	Value        any    // of a scalar, as JSON has it: nil, bool, int64, uint64, float64 or string
	Pairs        []Pair // of a mapping, in the order written, each key once
	Items        []*Node
	Line, Column int // from 1
}

// Kind is the kind of a value.
type Kind uint8

// The kinds.
const (
	Scalar Kind = iota
	List
	Mapping
)

// String names a kind in a sentence.
func (k Kind) String() string { return [...]string{"a text", "a list", "a mapping"}[k] }

// Pair is a member of a mapping.
type Pair struct {
	Key   *Node // a scalar
	Value *Node
}

// Get gives the value of a key, nil where the mapping has none.
func (n *Node) Get(key string) *Node {
	for _, p := range n.Pairs {
		if p.Key.Text == key {
			return p.Value
		}
	}
	return nil
}

// IsNull tells whether nothing is written, or null.
func (n *Node) IsNull() bool { return n.Kind == Scalar && n.Value == nil }

// Plain gives the value as encoding/json takes it.
func (n *Node) Plain() any {
	switch n.Kind {
	case List:
		out := make([]any, len(n.Items))
		for i, item := range n.Items {
			out[i] = item.Plain()
		}
		return out
	case Mapping:
		out := make(map[string]any, len(n.Pairs))
		for _, p := range n.Pairs {
			out[p.Key.Text] = p.Value.Plain()
		}
		return out
	}
	return n.Value
}

// maxNodes bounds the values of a file; aliases of aliases could make of few lines more
// than there is memory.
const maxNodes = 1 << 20

// maxDepth bounds how deep values stand in each other.
const maxDepth = 500

// Parse reads the only document of a file; nil where it is empty. The error is a [*Problem].
func Parse(content []byte) (*Node, error) {
	docs, err := parse(content, 1)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	return docs[0], nil
}

// ParseAll reads the documents of a file, but for empty ones. The error is a [*Problem].
func ParseAll(content []byte) ([]*Node, error) { return parse(content, maxNodes) }

func parse(content []byte, most int) (docs []*Node, err error) {
	defer func() {
		// The library has panics for states that it takes for impossible.
		if r := recover(); r != nil {
			err = &Problem{Text: fmt.Sprint("yaml: ", r)}
		}
	}()
	c := resolver{left: maxNodes}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	for n := 0; ; n++ {
		var doc yaml.Node
		err := dec.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, yamlProblem(err)
		case n == most:
			return nil, &Problem{Line: doc.Line, Column: doc.Column, Text: "is a second YAML document; write one"}
		case doc.Kind != yaml.DocumentNode || len(doc.Content) != 1:
			continue
		}
		root, err := c.node(doc.Content[0], 0)
		if err != nil {
			return nil, err
		}
		if !root.IsNull() {
			docs = append(docs, root)
		}
	}
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// yamlProblem takes the line out of an error of the YAML library.
func yamlProblem(err error) *Problem {
	text := err.Error()
	p := &Problem{Text: text}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		p.Column = 1
		p.Text = "yaml: " + text[len(m[0]):]
	}
	return p
}

type resolver struct{ left int }

func (c *resolver) node(y *yaml.Node, depth int) (*Node, error) {
	if c.left--; c.left < 0 || depth > maxDepth {
		return nil, &Problem{Line: y.Line, Column: y.Column, Text: fmt.Sprintf("more than %d values, those of aliases counted, or more than %d in each other; make several files", maxNodes, maxDepth)}
	}
	n := &Node{Line: y.Line, Column: y.Column}
	switch y.Kind {
	case yaml.AliasNode:
		return c.node(y.Alias, depth+1)
	case yaml.SequenceNode:
		n.Kind = List
		for _, item := range y.Content {
			in, err := c.node(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.Items = append(n.Items, in)
		}
		return n, nil
	case yaml.MappingNode:
		n.Kind = Mapping
		return n, c.mapping(n, y, depth)
	}
	return n, readScalar(n, y)
}

// mapping reads the pairs of a mapping; "<<" merges others below its own.
func (c *resolver) mapping(n *Node, y *yaml.Node, depth int) error {
	var merges []*Node
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
		case key.Kind != Scalar:
			return &Problem{Line: key.Line, Column: key.Column, Text: "a key must be a text"}
		case y.Content[i].ShortTag() == "!!merge":
			merges = append(merges, value)
		case seen[key.Text]:
			return &Problem{Line: key.Line, Column: key.Column, Text: fmt.Sprintf("%q is there twice", key.Text)}
		default:
			seen[key.Text] = true
			n.Pairs = append(n.Pairs, Pair{key, value})
		}
	}
	for _, m := range merges {
		if m.Kind != List {
			m = &Node{Kind: List, Items: []*Node{m}, Line: m.Line, Column: m.Column}
		}
		for _, from := range m.Items {
			if from.Kind != Mapping {
				return &Problem{Line: from.Line, Column: from.Column, Text: "<< takes a mapping, or a list of them"}
			}
			for _, p := range from.Pairs {
				if !seen[p.Key.Text] {
					seen[p.Key.Text] = true
					n.Pairs = append(n.Pairs, p)
				}
			}
		}
	}
	return nil
}

// readScalar reads a scalar: times and binary data, which JSON has not, stay the text
// that they are.
func readScalar(n *Node, y *yaml.Node) error {
	n.Text, n.Value = y.Value, y.Value
	var err error
	switch y.ShortTag() {
	case "!!null":
		n.Value = nil
	case "!!bool":
		var b bool
		err = y.Decode(&b)
		n.Value = b
	case "!!int":
		n.Value, err = integer(y)
	case "!!float":
		var f float64
		err = y.Decode(&f)
		n.Value = f
		if math.IsNaN(f) || math.IsInf(f, 0) {
			n.Value = y.Value
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
