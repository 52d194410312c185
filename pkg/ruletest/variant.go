package ruletest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/yamlnode"
)

// row is one variant of a test: values for placeholders, and members of templates.
type row struct {
	suffix  string                    // of the test's name
	fills   map[string]*yamlnode.Node // of placeholders
	members *yamlnode.Node            // over those of every template; nil: none
}

var placeholder = regexp.MustCompile(`\$\{([a-z][a-z0-9_]*)\}`)

// maxRows bounds the variants of a test.
const maxRows = 1_000

// given is a variant as written: names with values.
type given struct {
	Pairs []yamlnode.Pair
	names []string // as shown
}

// rows gives the variants of a test. Without any it is the test as written.
func (r *reader) rows(n *yamlnode.Node, c testCase) []row {
	used := map[string]bool{}
	for _, in := range c.all() {
		collect(in, used)
	}
	variants, matrix := r.variants(n.Get("variants")), r.matrix(n.Get("matrix"))
	needed := map[string]bool{} // placeholders that variants fill
	for _, v := range variants {
		for _, p := range v.Pairs {
			needed[p.Key.Text] = used[p.Key.Text]
		}
	}
	if maps := slices.Collect(maps.Values(needed)); !slices.Contains(maps, true) {
		variants = append([]given{{}}, variants...)
	}
	templates := slices.ContainsFunc(c.events, isTemplate)
	var rows []row
	for _, v := range variants {
		for name, is := range needed {
			if is && !slices.ContainsFunc(v.Pairs, func(p yamlnode.Pair) bool { return p.Key.Text == name }) {
				r.fail(n.Get("variants"), "a variant gives no value for ${%s}", name)
			}
		}
		for _, m := range matrix {
			if len(rows) == maxRows {
				r.fail(n, "a test has at most %d variants", maxRows)
				return nil
			}
			rows = append(rows, r.row(append(slices.Clone(v.Pairs), m.Pairs...), append(slices.Clone(v.names), m.names...), used, templates))
		}
	}
	return rows
}

func (r *reader) row(pairs []yamlnode.Pair, names []string, used map[string]bool, templates bool) row {
	out := row{fills: map[string]*yamlnode.Node{}}
	if len(names) > 0 {
		out.suffix = "/" + strings.Join(names, ",")
	}
	var members []yamlnode.Pair
	for _, p := range pairs {
		name := p.Key.Text
		switch {
		case used[name]:
			out.fills[name] = p.Value
		case slices.Contains(templateKeys, name) && templates:
			members = append(members, p)
		default:
			r.fail(p.Key, "${%s} stands nowhere in this test, and %q is no key of its templates; %s", name, name,
				didYouMean(name, append(slices.Sorted(maps.Keys(used)), templateKeys...)))
		}
	}
	if members != nil {
		out.members = &yamlnode.Node{Kind: yamlnode.Mapping, Pairs: members}
	}
	return out
}

// variants reads the rows of variants.
func (r *reader) variants(n *yamlnode.Node) (all []given) {
	switch {
	case n == nil:
		return nil
	case n.Kind != yamlnode.List:
		r.fail(n, "variants is a list of mappings: [{user: alice}, {user: bob}]")
		return nil
	}
	for i, item := range n.Items {
		if item.Kind != yamlnode.Mapping || len(item.Pairs) == 0 {
			r.fail(item, "a variant is a mapping of names to values")
			continue
		}
		g := given{Pairs: item.Pairs}
		for _, p := range item.Pairs {
			g.names = append(g.names, p.Key.Text+"="+describe(p.Value, i+1))
		}
		all = append(all, g)
	}
	return all
}

// matrix reads all combinations of a matrix; one without values where there is none.
func (r *reader) matrix(n *yamlnode.Node) []given {
	all := []given{{}}
	switch {
	case n == nil:
		return all
	case n.Kind != yamlnode.Mapping:
		r.fail(n, "matrix is a mapping of names to lists: {user: [alice, bob]}")
		return all
	}
	for _, p := range n.Pairs {
		if p.Value.Kind != yamlnode.List || len(p.Value.Items) == 0 {
			r.fail(p.Value, "matrix has a list of values for each name")
			continue
		}
		if len(all)*len(p.Value.Items) > maxRows {
			r.fail(n, "a test has at most %d variants", maxRows)
			return all
		}
		var next []given
		for _, g := range all {
			for i, v := range p.Value.Items {
				next = append(next, given{
					Pairs: append(slices.Clone(g.Pairs), yamlnode.Pair{Key: p.Key, Value: v}),
					names: append(slices.Clone(g.names), p.Key.Text+"="+describe(v, i+1)),
				})
			}
		}
		all = next
	}
	return all
}

// collect gathers the names of placeholders in the texts of a node.
func collect(n *yamlnode.Node, used map[string]bool) {
	for _, m := range placeholder.FindAllStringSubmatch(n.Text, -1) {
		used[m[1]] = true
	}
	for _, item := range n.Items {
		collect(item, used)
	}
	for _, p := range n.Pairs {
		collect(p.Value, used)
	}
}

// event gives an event as the row has it.
func (w row) event(n *yamlnode.Node) *yamlnode.Node {
	if w.members != nil && isTemplate(n) {
		n = over(n, w.members)
	}
	return w.fill(n)
}

// fill replaces placeholders; nil stays nil.
func (w row) fill(n *yamlnode.Node) *yamlnode.Node {
	if n == nil || len(w.fills) == 0 {
		return n
	}
	return fill(n, w.fills)
}

// fill gives a copy of a node with placeholders replaced; those that have no value stay.
func fill(n *yamlnode.Node, values map[string]*yamlnode.Node) *yamlnode.Node {
	out := *n
	switch n.Kind {
	case yamlnode.List:
		out.Items = make([]*yamlnode.Node, len(n.Items))
		for i, item := range n.Items {
			out.Items[i] = fill(item, values)
		}
		return &out
	case yamlnode.Mapping:
		out.Pairs = make([]yamlnode.Pair, len(n.Pairs))
		for i, p := range n.Pairs {
			out.Pairs[i] = yamlnode.Pair{Key: p.Key, Value: fill(p.Value, values)}
		}
		return &out
	}
	if m := placeholder.FindStringSubmatch(n.Text); m != nil && m[0] == n.Text {
		if v := values[m[1]]; v != nil {
			whole := *v
			whole.Line, whole.Column = n.Line, n.Column
			return &whole
		}
	}
	text := placeholder.ReplaceAllStringFunc(n.Text, func(s string) string {
		if v := values[s[2:len(s)-1]]; v != nil && v.Kind == yamlnode.Scalar {
			return v.Text
		}
		return s
	})
	if text != n.Text {
		out.Text, out.Value = text, text
	}
	return &out
}

// number is a value for ${n}.
func number(i int) *yamlnode.Node { return &yamlnode.Node{Text: fmt.Sprint(i), Value: int64(i)} }
