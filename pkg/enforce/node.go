package enforce

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Problems are all that is wrong with a file, one at least, in the order of its lines.
type Problems []*Problem

// Error gives each problem in a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// maxProblems bounds what is told of one file.
const maxProblems = 50

// parser reads YAML nodes and collects what is wrong with them.
type parser struct {
	known Known
	found Problems
}

// member is a key of a mapping and what reads its value.
type member struct {
	key  string
	read func(*yaml.Node)
}

func (p *parser) refuse(n *yaml.Node, format string, args ...any) {
	p.add(&Problem{Line: n.Line, Column: n.Column, Text: fmt.Sprintf(format, args...)})
}

func (p *parser) add(f *Problem) {
	if len(p.found) < maxProblems {
		p.found = append(p.found, f)
	}
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// document reads the only document of a file; nil where there is none, or it cannot be read.
func (p *parser) document(content []byte) (root *yaml.Node) {
	defer func() {
		if r := recover(); r != nil { // the library has panics for states that it takes for impossible
			root = nil
			p.add(&Problem{Text: fmt.Sprint("yaml: ", r)})
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(content))
	var doc, more yaml.Node
	err := dec.Decode(&doc)
	if err == nil {
		if err = dec.Decode(&more); err == nil {
			p.refuse(&more, "is a second YAML document; write one")
			return nil
		}
	}
	if !errors.Is(err, io.EOF) {
		f := &Problem{Text: err.Error()}
		if m := yamlLine.FindStringSubmatch(f.Text); m != nil {
			f.Line, _ = strconv.Atoi(m[1])
			f.Column, f.Text = 1, "yaml: "+f.Text[len(m[0]):]
		}
		p.add(f)
		return nil
	}
	if len(doc.Content) != 1 || empty(doc.Content[0]) {
		return nil
	}
	return doc.Content[0]
}

func empty(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// pairs reads a mapping, each key once.
func (p *parser) pairs(n *yaml.Node, read func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		p.refuse(n, "is no mapping; write KEY: VALUE")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge":
			p.refuse(key, "is no name of a key")
		case seen[key.Value]:
			p.refuse(key, "%q is there twice", key.Value)
		default:
			seen[key.Value] = true
			read(key, n.Content[i+1])
		}
	}
}

// mapping reads a mapping of known keys.
func (p *parser) mapping(n *yaml.Node, members []member) {
	p.pairs(n, func(key, value *yaml.Node) {
		at := slices.IndexFunc(members, func(m member) bool { return m.key == key.Value })
		if at >= 0 {
			members[at].read(value)
			return
		}
		var names []string
		for _, m := range members {
			names = append(names, m.key)
		}
		p.refuse(key, "%q is no key here; there are %s", key.Value, strings.Join(names, ", "))
	})
}

// tells reports whether a mapping has a key.
func (p *parser) tells(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

// items are the elements of a list; nothing may stand for an empty one.
func (p *parser) items(n *yaml.Node) []*yaml.Node {
	switch {
	case n.Kind == yaml.SequenceNode:
		return n.Content
	case !empty(n):
		p.refuse(n, "is no list; begin each element with a dash")
	}
	return nil
}

// text reads a text that is not empty.
func (p *parser) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" || empty(n) {
		p.refuse(n, "is no text, or an empty one; write something")
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// texts reads a list of texts, or one.
func (p *parser) texts(n *yaml.Node) (list []string) {
	if n.Kind == yaml.ScalarNode {
		return []string{p.text(n)}
	}
	if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		p.refuse(n, "is an empty list, which nothing is in; write something, or take it away")
	}
	for _, item := range p.items(n) {
		list = append(list, p.text(item))
	}
	return list
}
