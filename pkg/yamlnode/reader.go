package yamlnode

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/typo"
)

// maxProblems bounds what is told of one file.
const maxProblems = 50

// Reader reads nodes, and collects what is wrong with them. What it cannot read it refuses,
// and gives the zero value for.
type Reader struct {
	File  string // for messages
	found Problems
}

// Member is a key of a mapping and what reads its value.
type Member struct {
	Key  string
	Read func(*Node)
}

// Refuse tells of a problem.
func (r *Reader) Refuse(n *Node, format string, args ...any) {
	r.add(&Problem{File: r.File, Line: n.Line, Column: n.Column, Text: fmt.Sprintf(format, args...)})
}

func (r *Reader) add(p *Problem) {
	if len(r.found) < maxProblems {
		r.found = append(r.found, p)
	}
}

// Err is a [Problems] where there are any, else nil.
func (r *Reader) Err() error {
	if len(r.found) == 0 {
		return nil
	}
	slices.SortStableFunc(r.found, func(a, b *Problem) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
	return r.found
}

// Document reads a file; nil where it is empty, or cannot be read.
func (r *Reader) Document(content []byte) *Node {
	root, err := Parse(content)
	if err != nil {
		var p *Problem
		if !errors.As(err, &p) {
			p = &Problem{Text: err.Error()}
		}
		p.File = r.File
		r.add(p)
		return nil
	}
	if root == nil || root.IsNull() {
		return nil
	}
	return root
}

// Members reads a mapping whose keys are known.
func (r *Reader) Members(n *Node, members []Member) {
	for _, p := range r.Pairs(n) {
		at := slices.IndexFunc(members, func(m Member) bool { return m.Key == p.Key.Text })
		if at >= 0 {
			members[at].Read(p.Value)
			continue
		}
		var names []string
		for _, m := range members {
			names = append(names, m.Key)
		}
		r.Unknown(p.Key, names)
	}
}

// Unknown refuses a key that is none of those that there are.
func (r *Reader) Unknown(key *Node, names []string) {
	const longest = 100 // no key that anybody meant is longer
	if i := typo.Nearest(key.Text, names, longest); i >= 0 {
		r.Refuse(key, "%q is no key here; did you mean %q?", key.Text, names[i])
		return
	}
	r.Refuse(key, "%q is no key here; there are %s", key.Text, strings.Join(names, ", "))
}

// Pairs are the members of a mapping.
func (r *Reader) Pairs(n *Node) []Pair {
	if n.Kind != Mapping {
		r.Refuse(n, "is no mapping; write KEY: VALUE")
	}
	return n.Pairs
}

// Elements are those of a list; nothing may stand for an empty one.
func (r *Reader) Elements(n *Node) []*Node {
	if n.Kind != List && !n.IsNull() {
		r.Refuse(n, "is no list; begin each element with a dash")
	}
	return n.Items
}

// Words reads a text that is not empty, without white space around it.
func (r *Reader) Words(n *Node) string {
	if n.Kind != Scalar || strings.TrimSpace(n.Text) == "" || n.IsNull() {
		r.Refuse(n, "is no text, or an empty one; write something")
		return ""
	}
	return strings.TrimSpace(n.Text)
}

// List reads a list of such texts, or one of them.
func (r *Reader) List(n *Node) (list []string) {
	if n.Kind == Scalar {
		return []string{r.Words(n)}
	}
	if n.Kind == List && len(n.Items) == 0 {
		r.Refuse(n, "is an empty list, which nothing is in; write something, or take it away")
	}
	for _, item := range r.Elements(n) {
		list = append(list, r.Words(item))
	}
	return list
}
