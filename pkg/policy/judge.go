package policy

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// judge interprets conditions over moments.
type judge struct {
	cat      *field.Catalogue
	strict   bool
	every    *Source // what there can be where everything is recorded; nil: whatever any source has
	uses     map[*condition.Check][]use
	verdicts map[question]truth
	probes   map[probe]bool
}

func newJudge(cat *field.Catalogue, strict bool) *judge {
	return &judge{cat: cat, strict: strict, uses: map[*condition.Check][]use{}, verdicts: map[question]truth{}, probes: map[probe]bool{}}
}

// question is a check of known values.
type question struct {
	check  *condition.Check
	values string
}

// use is a field in a check.
type use struct {
	written  *condition.Field
	field    *field.Field
	pointers []string // where it looks
	query    string   // the parameter of the URI that it looks for, "" for none

	baited bool // baits are known
	baits  []bait
}

func (j *judge) usesOf(c *condition.Check) []use {
	if u, ok := j.uses[c]; ok {
		return u
	}
	var out []use
	condition.WalkFields(c, func(f *condition.Field) {
		if known, ok := j.cat.Lookup(f.Name); ok {
			out = append(out, use{written: f, field: known, pointers: pointersOf(known, f), query: queryOf(f)})
		}
	})
	j.uses[c] = out
	return out
}

// pointersOf gives the places where a field looks, with its argument.
func pointersOf(known *field.Field, f *condition.Field) []string {
	switch f.Name {
	case "jevt.value", "json.value":
		if p := place(f); p != "" {
			return []string{p}
		}
		return []string{"/"}
	case "evt.plugininfo":
		return []string{"/"}
	}
	out := slices.Clone(known.Paths)
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], "{key}", escape(f.Arg))
	}
	return out
}

func queryOf(f *condition.Field) string {
	switch f.Name {
	case "ka.uri.param", "kw.uri.params":
		return f.Arg
	case "kw.command", "kw.command.line":
		return "command"
	case "kw.exec.container":
		return "container"
	}
	return ""
}

// expr tells what a condition comes to.
func (j *judge) expr(e condition.Expr, m *moment) truth {
	switch e := e.(type) {
	case *condition.And:
		t := canHold
		for _, term := range e.Terms {
			if t = t.and(j.expr(term, m)); !t.holds() {
				break
			}
		}
		return t
	case *condition.Or:
		t := canFail
		for _, term := range e.Terms {
			if t = t.or(j.expr(term, m)); !t.fails() {
				break
			}
		}
		return t
	case *condition.Not:
		return j.expr(e.X, m).not()
	case *condition.Check:
		return j.check(e, m)
	}
	return unknown
}

func (j *judge) check(c *condition.Check, m *moment) truth {
	uses := j.usesOf(c)
	for i := range uses {
		if !j.present(&uses[i], m) {
			return canFail
		}
	}
	if f, ok := c.Left.(*condition.Field); ok && c.Right == nil {
		if f.Name == "ka.user.groups" {
			return groups(c, m)
		}
		a, ok := m.attribute(f)
		switch {
		case !ok:
			return unknown
		case a.absent:
			return canFail
		case !a.exact:
			return a.compare(c)
		case len(uses) == 1:
			return j.verdict(c, []attribute{a})
		}
	}
	known := make([]attribute, 0, 2)
	for i := range uses {
		a, ok := m.attribute(uses[i].written)
		switch {
		case !ok:
			return unknown
		case a.absent:
			return canFail
		case !a.exact:
			return unknown
		}
		known = append(known, a)
	}
	return j.verdict(c, known)
}

// groups judges a check on the groups of the user.
func groups(c *condition.Check, m *moment) truth {
	if m.who == nil {
		return unknown
	}
	switch c.Op {
	case condition.Exists:
		return truthOf(!m.who.nobody)
	case condition.Intersects:
		t := canFail
		for _, lit := range c.Values {
			t = t.or(m.who.has(lit.Text, m.moves))
		}
		return t
	case condition.In:
		for _, g := range m.who.groups {
			if !slices.ContainsFunc(c.Values, func(l condition.Literal) bool { return l.Text == g }) {
				return canFail
			}
		}
	}
	return unknown
}

// verdict judges a check all of whose fields are known, as the matcher does it.
func (j *judge) verdict(c *condition.Check, known []attribute) truth {
	key := question{check: c, values: known[0].is}
	for i := range known[1:] {
		key.values += "\x00" + known[i+1].is
	}
	if t, ok := j.verdicts[key]; ok {
		return t
	}
	var tree any
	for i := range known {
		if known[i].member != "" {
			tree = plant(tree, segments(known[i].member), known[i].leaf())
		}
	}
	tree = plant(tree, []string{"auditID"}, "x")
	t := unknown
	if x, err := match.Explain(&rules.Rule{Condition: c}, j.cat, j.strict, &field.Context{Event: eventOf(tree), Num: 1}); err == nil {
		t = truthOf(x.Verdict)
	}
	j.verdicts[key] = t
	return t
}

func eventOf(tree any) *audit.Event {
	raw, _ := json.Marshal(tree) // of maps, arrays and texts
	return &audit.Event{Raw: raw, AuditID: "x"}
}

// escape writes a key as a part of a pointer.
func escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

func segments(pointer string) []string {
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i := range parts {
		if strings.Contains(parts[i], "~") {
			parts[i] = strings.ReplaceAll(strings.ReplaceAll(parts[i], "~1", "/"), "~0", "~")
		}
	}
	return parts
}

// plant puts a leaf into a tree of JSON; * is the one element of an array. What is there already stays.
func plant(node any, path []string, leaf any) any {
	if len(path) == 0 {
		if node != nil {
			return node
		}
		return leaf
	}
	if path[0] == "*" {
		list, _ := node.([]any)
		if len(list) == 0 {
			list = []any{nil}
		}
		return []any{plant(list[0], path[1:], leaf)}
	}
	object, _ := node.(map[string]any)
	if object == nil {
		object = map[string]any{}
	}
	object[path[0]] = plant(object[path[0]], path[1:], leaf)
	return object
}
