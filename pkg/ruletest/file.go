package ruletest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/yamlnode"
)

// Source is a test file.
type Source struct {
	Name    string // for messages
	Content []byte
	// Open opens a recording that the file names; nil: it cannot name any.
	Open func(path string) (io.ReadCloser, error)
}

// File is a test file that was read: every test with its events, variants spelled out.
type File struct {
	Name  string
	Tests []*Test
	About []*About
}

// Test is a test of rules, or one variant of it.
type Test struct {
	Name   string // unique in the file; of a variant TEST/name=value,...
	Line   int
	Rules  []Named // that it is about besides those wanted
	Want   []Want
	Events []*audit.Event // in the order in which they are judged; their Line is that of the test file
}

// Named is the name of a rule with where it stands.
type Named struct {
	Rule         string
	Line, Column int
}

// Want is a rule that must fire.
type Want struct {
	Named
	Times  int
	Output []string          // texts in the output
	Fields map[string]string // output fields
}

// About is what a rule's page says besides what the rule does.
type About struct {
	Named
	Why            string
	FalsePositives []string
	Response       []string
	References     []string
}

// Parse reads a test file. The error is a [Problems].
func Parse(src Source) (*File, error) {
	r := &reader{Source: src, file: &File{Name: src.Name}, names: map[string]bool{}}
	root, err := yamlnode.Parse(src.Content)
	switch {
	case err != nil:
		r.problem(err)
	case root == nil || root.IsNull():
	case root.Kind != yamlnode.List:
		r.fail(root, "a test file is a list of items, each with the key test, about or defaults")
	default:
		for _, item := range root.Items {
			r.item(item)
		}
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b *Problem) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
		return nil, r.problems[:min(len(r.problems), maxProblems)]
	}
	return r.file, nil
}

// reader reads the items of a file, and gathers what is wrong with them.
type reader struct {
	Source
	file     *File
	problems Problems
	names    map[string]bool // of tests
	defaults *yamlnode.Node  // of templates; nil: none
	events   int             // made so far
}

// maxEvents bounds the events of a file, so that a slip of the pen does not take all memory.
const maxEvents = 20_000

func (r *reader) fail(at *yamlnode.Node, format string, args ...any) {
	p := &Problem{File: r.Name, Line: at.Line, Column: at.Column, Text: fmt.Sprintf(format, args...)}
	// The variants of a test have the same problem in the same place.
	if !slices.ContainsFunc(r.problems, func(q *Problem) bool { return *q == *p }) && len(r.problems) < 2*maxProblems {
		r.problems = append(r.problems, p)
	}
}

func (r *reader) problem(err error) {
	p := (*Problem)(nil)
	if !errors.As(err, &p) {
		p = &Problem{Text: err.Error()}
	}
	p.File = r.Name
	r.problems = append(r.problems, p)
}

var itemKeys = []string{"test", "about", "defaults"}

func (r *reader) item(n *yamlnode.Node) {
	if n.Kind != yamlnode.Mapping {
		r.fail(n, "an item is a mapping with the key test, about or defaults")
		return
	}
	switch {
	case n.Get("test") != nil:
		r.test(n)
	case n.Get("about") != nil:
		r.about(n)
	case n.Get("defaults") != nil:
		r.keys(n, "an item with defaults", []string{"defaults"})
		d := n.Get("defaults")
		if d.Kind != yamlnode.Mapping {
			r.fail(d, "defaults is a mapping of keys that templates of events have")
			return
		}
		r.keys(d, "a template of events", templateKeys)
		r.defaults = d
	case len(n.Pairs) > 0:
		first := n.Pairs[0].Key
		r.fail(first, "an item has the key test, about or defaults, and not %q alone; %s", first.Text, didYouMean(first.Text, itemKeys))
	default:
		r.fail(n, "an item has the key test, about or defaults")
	}
}

// keys tells of keys that a mapping may not have.
func (r *reader) keys(n *yamlnode.Node, what string, known []string) {
	for _, p := range n.Pairs {
		if !slices.Contains(known, p.Key.Text) {
			r.fail(p.Key, "%s has no key %q; %s", what, p.Key.Text, didYouMean(p.Key.Text, known))
		}
	}
}

var aboutKeys = []string{"about", "why", "false_positives", "response", "references"}

func (r *reader) about(n *yamlnode.Node) {
	r.keys(n, "an item with about", aboutKeys)
	a := &About{Named: r.named(n.Get("about"))}
	for _, other := range r.file.About {
		if other.Rule == a.Rule {
			r.fail(n, "about %q: line %d has it already", a.Rule, other.Line)
		}
	}
	a.Why = strings.TrimSpace(r.text(n.Get("why")))
	a.FalsePositives = r.texts(n.Get("false_positives"))
	a.Response = r.texts(n.Get("response"))
	a.References = r.texts(n.Get("references"))
	for i, ref := range a.References {
		if !strings.HasPrefix(ref, "https://") && !strings.HasPrefix(ref, "http://") {
			r.fail(n.Get("references"), "reference %d is no https:// address", i+1)
		}
	}
	r.file.About = append(r.file.About, a)
}

// text reads a text; "" where there is none.
func (r *reader) text(n *yamlnode.Node) string {
	switch {
	case n == nil:
		return ""
	case n.Kind != yamlnode.Scalar:
		r.fail(n, "a text is wanted here, not %s", n.Kind)
		return ""
	case n.IsNull():
		r.fail(n, `a text is wanted here; write "" for an empty one, or leave the key out`)
	}
	return n.Text
}

// texts reads a text or a list of them.
func (r *reader) texts(n *yamlnode.Node) (all []string) {
	switch {
	case n == nil:
		return nil
	case n.Kind == yamlnode.List:
		for _, item := range n.Items {
			all = append(all, strings.TrimSpace(r.text(item)))
		}
		return all
	}
	return []string{strings.TrimSpace(r.text(n))}
}

// flag reads a boolean.
func (r *reader) flag(n *yamlnode.Node) bool {
	if n == nil {
		return false
	}
	b, ok := n.Value.(bool)
	if !ok {
		r.fail(n, "true or false is wanted here")
	}
	return b
}

// number reads a number from the least to the most; otherwise where there is none.
func (r *reader) number(n *yamlnode.Node, otherwise, least, most int) int {
	if n == nil {
		return otherwise
	}
	i, ok := n.Value.(int64)
	if !ok || i < int64(least) || i > int64(most) {
		r.fail(n, "a number from %d to %d is wanted here", least, most)
		return otherwise
	}
	return int(i)
}

// named reads the name of a rule.
func (r *reader) named(n *yamlnode.Node) Named {
	name := r.text(n)
	if name == "" && n != nil {
		r.fail(n, "the name of a rule is wanted here")
	}
	return Named{Rule: name, Line: n.Line, Column: n.Column}
}
