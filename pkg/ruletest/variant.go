package ruletest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// row is one variant of a test: values for placeholders, and members of templates.
type row struct {
	suffix  string           // of the test's name
	fills   map[string]*node // of placeholders
	members *node            // over those of every template; nil: none
}

var placeholder = regexp.MustCompile(`\$\{([a-z][a-z0-9_]*)\}`)

// maxRows bounds the variants of a test.
const maxRows = 1_000

// given is a variant as written: names with values.
type given struct {
	pairs []pair
	names []string // as shown
}

// rows gives the variants of a test. Without any it is the test as written.
func (r *reader) rows(n *node, c testCase) []row {
	used := map[string]bool{}
	for _, in := range c.all() {
		collect(in, used)
	}
	variants, matrix := r.variants(n.get("variants")), r.matrix(n.get("matrix"))
	needed := map[string]bool{} // placeholders that variants fill
	for _, v := range variants {
		for _, p := range v.pairs {
			needed[p.key.text] = used[p.key.text]
		}
	}
	if maps := slices.Collect(maps.Values(needed)); !slices.Contains(maps, true) {
		variants = append([]given{{}}, variants...)
	}
	templates := slices.ContainsFunc(c.events, isTemplate)
	var rows []row
	for _, v := range variants {
		for name, is := range needed {
			if is && !slices.ContainsFunc(v.pairs, func(p pair) bool { return p.key.text == name }) {
				r.fail(n.get("variants"), "a variant gives no value for ${%s}", name)
			}
		}
		for _, m := range matrix {
			if len(rows) == maxRows {
				r.fail(n, "a test has at most %d variants", maxRows)
				return nil
			}
			rows = append(rows, r.row(append(slices.Clone(v.pairs), m.pairs...), append(slices.Clone(v.names), m.names...), used, templates))
		}
	}
	return rows
}

func (r *reader) row(pairs []pair, names []string, used map[string]bool, templates bool) row {
	out := row{fills: map[string]*node{}}
	if len(names) > 0 {
		out.suffix = "/" + strings.Join(names, ",")
	}
	var members []pair
	for _, p := range pairs {
		name := p.key.text
		switch {
		case used[name]:
			out.fills[name] = p.value
		case slices.Contains(templateKeys, name) && templates:
			members = append(members, p)
		default:
			r.fail(p.key, "${%s} stands nowhere in this test, and %q is no key of its templates; %s", name, name,
				didYouMean(name, append(slices.Sorted(maps.Keys(used)), templateKeys...)))
		}
	}
	if members != nil {
		out.members = &node{kind: mapping, pairs: members}
	}
	return out
}

// variants reads the rows of variants.
func (r *reader) variants(n *node) (all []given) {
	switch {
	case n == nil:
		return nil
	case n.kind != list:
		r.fail(n, "variants is a list of mappings: [{user: alice}, {user: bob}]")
		return nil
	}
	for i, item := range n.items {
		if item.kind != mapping || len(item.pairs) == 0 {
			r.fail(item, "a variant is a mapping of names to values")
			continue
		}
		g := given{pairs: item.pairs}
		for _, p := range item.pairs {
			g.names = append(g.names, p.key.text+"="+describe(p.value, i+1))
		}
		all = append(all, g)
	}
	return all
}

// matrix reads all combinations of a matrix; one without values where there is none.
func (r *reader) matrix(n *node) []given {
	all := []given{{}}
	switch {
	case n == nil:
		return all
	case n.kind != mapping:
		r.fail(n, "matrix is a mapping of names to lists: {user: [alice, bob]}")
		return all
	}
	for _, p := range n.pairs {
		if p.value.kind != list || len(p.value.items) == 0 {
			r.fail(p.value, "matrix has a list of values for each name")
			continue
		}
		if len(all)*len(p.value.items) > maxRows {
			r.fail(n, "a test has at most %d variants", maxRows)
			return all
		}
		var next []given
		for _, g := range all {
			for i, v := range p.value.items {
				next = append(next, given{
					pairs: append(slices.Clone(g.pairs), pair{p.key, v}),
					names: append(slices.Clone(g.names), p.key.text+"="+describe(v, i+1)),
				})
			}
		}
		all = next
	}
	return all
}

// collect gathers the names of placeholders in the texts of a node.
func collect(n *node, used map[string]bool) {
	for _, m := range placeholder.FindAllStringSubmatch(n.text, -1) {
		used[m[1]] = true
	}
	for _, item := range n.items {
		collect(item, used)
	}
	for _, p := range n.pairs {
		collect(p.value, used)
	}
}

// event gives an event as the row has it.
func (w row) event(n *node) *node {
	if w.members != nil && isTemplate(n) {
		n = over(n, w.members)
	}
	return w.fill(n)
}

// fill replaces placeholders; nil stays nil.
func (w row) fill(n *node) *node {
	if n == nil || len(w.fills) == 0 {
		return n
	}
	return fill(n, w.fills)
}

// fill gives a copy of a node with placeholders replaced; those that have no value stay.
func fill(n *node, values map[string]*node) *node {
	out := *n
	switch n.kind {
	case list:
		out.items = make([]*node, len(n.items))
		for i, item := range n.items {
			out.items[i] = fill(item, values)
		}
		return &out
	case mapping:
		out.pairs = make([]pair, len(n.pairs))
		for i, p := range n.pairs {
			out.pairs[i] = pair{p.key, fill(p.value, values)}
		}
		return &out
	}
	if m := placeholder.FindStringSubmatch(n.text); m != nil && m[0] == n.text {
		if v := values[m[1]]; v != nil {
			whole := *v
			whole.line, whole.column = n.line, n.column
			return &whole
		}
	}
	text := placeholder.ReplaceAllStringFunc(n.text, func(s string) string {
		if v := values[s[2:len(s)-1]]; v != nil && v.kind == scalar {
			return v.text
		}
		return s
	})
	if text != n.text {
		out.text, out.value = text, text
	}
	return &out
}

// number is a value for ${n}.
func number(i int) *node { return &node{text: fmt.Sprint(i), value: int64(i)} }
