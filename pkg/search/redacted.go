package search

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// reads is where a clause looks: the paths of its fields from the root of the event,
// "*" for each element. What is redacted there, above or below makes the clause
// unknown.
type reads struct {
	paths [][]string
	keys  bool // looks at the keys of the event, of which none is redacted but whole members
}

const wild = "*"

// gates are what fields look at besides their paths, to find out whether those count.
// Of the fields that a prefix of a name fits.
var gates = []struct{ prefix, path string }{
	{"ka.", "/auditID"},
	{"ka.target.pod.name", "/objectRef"},
	{"ka.req.pod.", "/requestObject/spec/securityContext"}, // eff_run_as_user
	{"kw.pod.", "/objectRef"},
	{"kw.pod.", "/verb"},
	{"kw.pod.containers.run_as_user", "/requestObject/spec"}, // that of the pod
	{"kw.pod.containers.host_port", "/requestObject/spec"},   // hostNetwork
	{"kw.pod.service_account", "/requestObject/spec"},
	{"kw.role", "/objectRef"},
	{"kw.role", "/verb"},
	{"kw.token.", "/objectRef"},
	{"kw.token.", "/verb"},
	{"kw.csr.", "/objectRef"},
	{"kw.csr.", "/verb"},
	{"kw.webhook.", "/objectRef"},
	{"kw.webhook.", "/verb"},
	{"kw.owner.", "/verb"},
	{"kw.command", "/objectRef"},
	{"kw.exec.", "/objectRef"},
	{"kw.dry", "/requestObject"},
}

// readsOf collects where a clause looks.
func readsOf(c *condition.Check) (r reads) {
	condition.WalkFields(c, func(fl *condition.Field) {
		f, ok := field.Default().Lookup(fl.Name)
		if !ok {
			return
		}
		r.add(f, fl)
	})
	return r
}

// readsOfAll collects where any clause of a condition looks, each place once.
func readsOfAll(e condition.Expr) (all reads) {
	known := map[string]bool{}
	condition.Walk(e, func(e condition.Expr) bool {
		if c, ok := e.(*condition.Check); ok {
			r := readsOf(c)
			all.keys = all.keys || r.keys
			for _, p := range r.paths {
				if at := strings.Join(p, "\x00"); !known[at] || len(p) == 0 {
					known[at] = true
					all.paths = append(all.paths, p)
				}
			}
		}
		return true
	})
	return all
}

func (r *reads) add(f *field.Field, fl *condition.Field) {
	switch f.Name {
	case "json.value", "jevt.value":
		r.paths = append(r.paths, pointerSteps(fl.Arg))
		return
	case "json.obj", "jevt.obj", "evt.plugininfo":
		r.paths = append(r.paths, nil)
		return
	case "kw.duplicate_keys":
		r.keys = true
		return
	}
	key := strings.NewReplacer("~", "~0", "/", "~1").Replace(fl.Arg)
	for _, p := range f.Paths {
		r.paths = append(r.paths, steps(strings.ReplaceAll(p, "{key}", key)))
	}
	for _, g := range gates {
		if strings.HasPrefix(f.Name, g.prefix) {
			r.paths = append(r.paths, steps(g.path))
		}
	}
}

// pointerSteps are those of a pointer as json.value takes it. A number can be an index,
// of which there are several ways to write it.
func pointerSteps(arg string) []string {
	if arg == "" {
		return nil
	}
	out := steps("/" + strings.TrimPrefix(arg, "/"))
	for i, s := range out {
		if _, err := strconv.Atoi(s); err == nil {
			out[i] = wild
		}
	}
	return out
}

// steps are the keys of a JSON pointer.
func steps(pointer string) []string {
	if pointer == "" {
		return nil
	}
	out := strings.Split(pointer[1:], "/")
	for i, s := range out {
		out[i] = strings.ReplaceAll(strings.ReplaceAll(s, "~1", "/"), "~0", "~")
	}
	return out
}

// touched tells whether something redacted lies where the clause looks.
func (r *reads) touched(redacted []string) bool {
	for _, pointer := range redacted {
		at := steps(pointer)
		if r.keys && len(at) < 2 {
			return true
		}
		if slices.ContainsFunc(r.paths, func(p []string) bool { return meet(p, at) }) {
			return true
		}
	}
	return false
}

// meet tells whether one path leads to the other.
func meet(path, at []string) bool {
	for i := range min(len(path), len(at)) {
		if path[i] != wild && path[i] != at[i] {
			return false
		}
	}
	return true
}

// filterDepth is how many steps of a path are looked for as they are, which is cheap:
// enough to tell the data of a Secret from the spec of a pod.
const filterDepth = 2

// maxPointers is how many pointers the pattern of a filter has; with more there is none.
const maxPointers = 200

// filter selects all rows in which something redacted may lie where the clause looks.
func (r *reads) filter() store.Filter {
	if r.keys {
		return store.Exists{Column: row.Redacted}
	}
	var parts, pointers []string
	deeper := false // there is more to the paths than what is looked for as it is
	for _, p := range r.paths {
		lit := p[:min(len(p), filterDepth)]
		if n := slices.Index(lit, wild); n >= 0 {
			lit = lit[:n]
		}
		deeper = deeper || len(lit) < len(p)
		if len(lit) == 0 {
			return store.Exists{Column: row.Redacted}
		}
		// In a list a text begins with a quotation mark, and this one ends nowhere: what
		// lies below comes with it. What lies above is a text of its own.
		parts = append(parts, openText(pointerTo(lit)))
		for n := 1; n < len(lit); n++ {
			parts = append(parts, openText(pointerTo(lit[:n]))+`"`)
		}
		pointers = append(pointers, pointerPattern(p))
		for n := 1; n < len(p); n++ {
			pointers = append(pointers, pointerPattern(p[:n])+`"`)
		}
	}
	slices.Sort(parts)
	parts = slices.Compact(parts)
	out := make(store.Or, len(parts))
	for i, p := range parts {
		out[i] = store.Contains{Column: row.Redacted, Text: p}
	}
	slices.Sort(pointers)
	pointers = slices.Compact(pointers)
	if !deeper || len(pointers) > maxPointers {
		return or(out...)
	}
	return and(or(out...), store.Regexp{Column: row.Redacted, Pattern: strings.Join(pointers, "|")})
}

// pointerPattern matches what the pointer to a path, or to something below it, begins
// with in a list. An element of an array has a number.
func pointerPattern(path []string) string {
	var b strings.Builder
	for i, s := range path {
		if s == wild {
			b.WriteString(`/[-+0-9]+`)
			continue
		}
		text := pointerTo([]string{s})
		if t := openText(text); i > 0 {
			text = t[1:] // without the quotation mark
		} else {
			text = t
		}
		b.WriteString(regexp.QuoteMeta(text))
	}
	return b.String()
}

func pointerTo(steps []string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, s := range steps {
		b.WriteByte('/')
		b.WriteString(escape.Replace(s))
	}
	return b.String()
}

// openText is a text as it begins in a list.
func openText(s string) string {
	t := row.AppendText(nil, s)
	return string(t[:len(t)-1])
}
