package backtest

import (
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// patterns are the sets of values that the detections of a rule have in the fields which an
// exception could name.
type patterns struct {
	fields     []patternField
	candidates []candidate
	of         map[string]*pattern
	others     uint64 // detections beyond maxPatterns
}

type patternField struct {
	name string
	f    *field.Field
	arg  field.Arg
}

// pattern is one set of values, with how many detections have it.
type pattern struct {
	values          []string // "" and absent where the event has none
	present         []bool
	user, namespace string
	marked, others  uint64
}

// candidate is an exception that could get values: one that the rule declares, or a new
// one.
type candidate struct {
	rules.Exception
	declared bool
	at       []int // its fields, in patterns.fields
}

// general are the fields of new exceptions, from the one that hides most.
var general = [][]string{
	{"ka.user.name"},
	{"ka.user.name", "ka.target.namespace"},
	{"ka.user.name", "ka.target.namespace", "ka.target.name"},
}

func newPatterns(r *rules.Rule, cat *field.Catalogue) patterns {
	p := patterns{of: map[string]*pattern{}}
	for _, ex := range r.Exceptions {
		if comparesEqual(ex) {
			p.candidate(ex, true, cat)
		}
	}
	for _, fields := range general {
		if !slices.ContainsFunc(p.candidates, func(c candidate) bool { return sameFields(c.Fields, fields) }) {
			p.candidate(rules.Exception{Name: nameOf(fields), Fields: fields, List: true}, false, cat)
		}
	}
	return p
}

// comparesEqual tells whether the exception compares each field with a value for equality.
func comparesEqual(ex rules.Exception) bool {
	return len(ex.Fields) > 0 && !slices.ContainsFunc(ex.Comps, func(op string) bool {
		return op != "=" && op != "==" && (ex.List || op != "in")
	})
}

func sameFields(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// nameOf names a new exception for its fields.
func nameOf(fields []string) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = f[strings.LastIndexByte(f, '.')+1:]
		if f == "ka.user.name" {
			parts[i] = "user"
		}
	}
	return "false_positives_by_" + strings.Join(parts, "_")
}

// candidate takes an exception in, unless one of its fields has no single value.
func (p *patterns) candidate(ex rules.Exception, declared bool, cat *field.Catalogue) {
	c := candidate{Exception: ex, declared: declared}
	var added []patternField
	for _, name := range ex.Fields {
		i := slices.IndexFunc(p.fields, func(f patternField) bool { return f.name == name })
		if i < 0 {
			f, arg, ok := fieldOf(name, cat)
			if !ok {
				return
			}
			i = len(p.fields) + len(added)
			added = append(added, patternField{name, f, arg})
		}
		c.at = append(c.at, i)
	}
	p.fields = append(p.fields, added...)
	p.candidates = append(p.candidates, c)
}

// add counts a detection.
func (p *patterns) add(c *field.Context, user, namespace string, marked bool) {
	x := &pattern{values: make([]string, len(p.fields)), present: make([]bool, len(p.fields)), user: user, namespace: namespace}
	var key strings.Builder
	for i, f := range p.fields {
		items := f.f.Extract(c, f.arg)
		if len(items) == 1 {
			x.values[i], x.present[i] = strings.Clone(items[0].Text), true
			key.WriteString(items[0].Text)
			key.WriteByte(1)
		}
		key.WriteByte(0)
	}
	key.WriteString(user + "\x00" + namespace)
	known := p.of[key.String()]
	if known == nil {
		if len(p.of) >= maxPatterns {
			p.others++
			return
		}
		p.of[key.String()] = x
		known = x
	}
	if marked {
		known.marked++
	} else {
		known.others++
	}
}

// row gives the values that the candidate would get for a pattern.
func (c *candidate) row(p *pattern) (values []string, ok bool) {
	for _, i := range c.at {
		if !p.present[i] || !expressible(p.values[i]) {
			return nil, false
		}
		values = append(values, p.values[i])
	}
	return values, true
}

// expressible tells whether a text can be a value of an exception: Falco pastes it into the
// condition, with quotation marks only where there is a blank in it.
func expressible(text string) bool {
	return text != "" && !strings.ContainsAny(text, "\"'(),=\\\n\r\t\x00")
}
