package page

import (
	"context"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// railValues is how many values of a field stand beside the list.
const railValues = 8

// rail is the counts of one field, each a link that narrows the search.
type rail struct {
	Name   string
	Values []tally
	More   bool
}

// tally is a value with its count.
type tally struct {
	Field   string // where values of several fields stand together
	Value   string
	Events  uint64
	Share   int    // per cent of the most frequent one
	Class   string // of a priority
	Only    string // address of the search for this value only; "" where that cannot be asked
	Without string // address of the search without it; "" where that cannot be asked
}

// railField is a field to count.
type railField struct {
	name, field string
	detections  bool // count it where detections are shown
	events      bool // count it where events are shown
}

var railFields = []railField{
	{"Rule", "rule", true, true},
	{"Priority", "priority", true, false},
	{"User", "ka.user.name", true, true},
	{"Verb", "ka.verb", false, true},
	{"Resource", "ka.target.resource", false, true},
	{"Namespace", "ka.target.namespace", true, true},
	{"Response", "ka.response.code", false, true},
	{"Address", "kw.source.ip", true, true},
	{"Cluster", "cluster", true, true},
}

// rail counts the values of the fields that people narrow a search by.
func (p *pages) rail(ctx context.Context, who search.Principal, q query, r search.Request) ([]rail, error) {
	var fields []string
	names := map[string]string{}
	for _, f := range railFields {
		if q.detections() && f.detections || !q.detections() && f.events {
			fields, names[f.field] = append(fields, f.field), f.name
		}
	}
	facets, _, err := p.Search.Facets(ctx, who, r, fields, railValues)
	if err != nil {
		return nil, err
	}
	var rails []rail
	for _, f := range facets {
		if len(f.Values) == 0 || f.Field == "cluster" && len(f.Values) == 1 && !f.More && len(q.Clusters) == 0 {
			continue
		}
		x := rail{Name: names[f.Field], More: f.More}
		for _, v := range f.Values {
			x.Values = append(x.Values, tallyOf(q, f.Field, v, f.Values[0].Events))
		}
		rails = append(rails, x)
	}
	return rails, nil
}

func tallyOf(q query, field string, v search.FacetValue, most uint64) tally {
	t := tally{Value: v.Value, Events: v.Events, Share: int(v.Events * 100 / max(most, 1))}
	if !askable(v.Value) {
		return t
	}
	switch field {
	case "rule":
		t.Only = q.with(byRule(v.Value)).link()
	case "cluster":
		t.Only = q.with(func(q *query) { q.Clusters = []string{v.Value} }).link()
	case "priority":
		t.Class = classNamed(v.Value)
		t.Only = q.with(func(q *query) { q.Priority = strings.ToLower(v.Value) }).link()
	default:
		clause := equals(field, v.Value)
		t.Only = q.with(and(clause)).link()
		t.Without = q.with(and("not " + clause)).link()
	}
	return t
}

// filter is one part of what is asked for, which can be taken off.
type filter struct {
	Name, Value string
	Off         string // address of the search without it
}

func (f filter) text() string {
	if f.Name == "" {
		return f.Value
	}
	return f.Name + " " + f.Value
}

// filtersOf are the parts of a search.
func filtersOf(q query) (fs []filter) {
	add := func(name, value string, change func(*query)) {
		fs = append(fs, filter{name, value, q.with(change).link()})
	}
	for i, term := range terms(q.Condition) {
		add("", term, func(q *query) { q.Condition = without(terms(q.Condition), i) })
	}
	if q.Text != "" {
		add("text", q.Text, func(q *query) { q.Text = "" })
	}
	for i, s := range q.Clusters {
		add("cluster", s, func(q *query) { q.Clusters = slices.Delete(q.Clusters, i, i+1) })
	}
	for i, s := range q.Rules {
		add("rule", s, func(q *query) { q.Rules = slices.Delete(q.Rules, i, i+1) })
	}
	if q.Priority != "" {
		add("priority", q.Priority+" or above", func(q *query) { q.Priority = "" })
	}
	if q.Since == fromTo {
		add("time", q.TimeText(), func(q *query) { q.spanning("") })
	}
	return fs
}

// terms are the clauses that "and" joins in a condition; all of it where it is none of
// such, or cannot be read.
func terms(cond string) []string {
	if cond == "" {
		return nil
	}
	e, err := condition.Parse(cond)
	if err != nil {
		return []string{cond}
	}
	all, ok := e.(*condition.And)
	if !ok {
		return []string{cond}
	}
	var ts []string
	for _, t := range all.Terms {
		ts = append(ts, (&condition.And{Terms: []condition.Expr{t}}).String())
	}
	return ts
}

func without(ts []string, i int) string {
	return strings.Join(slices.Delete(slices.Clone(ts), i, i+1), " and ")
}

// ask is a question that the page offers.
type ask struct {
	Text, Link string
	Condition  string
}

var questions = []struct{ text, condition string }{
	{"Who ran a command in a pod?", "ka.target.subresource in (exec, attach)"},
	{"Who read secrets?", "ka.target.resource = secrets and ka.verb in (get, list, watch)"},
	{"Who changed roles or bindings?", "kw.object.apigroup = rbac.authorization.k8s.io and ka.verb in (create, update, patch, delete, deletecollection)"},
	{"What did people delete?", "kw.user.kind = person and ka.verb in (delete, deletecollection)"},
	{"What was denied?", "kw.response.code in (401, 403)"},
	{"Who acted as somebody else?", "kw.impersonated.user exists"},
	{"What came without a login?", "kw.user.kind = anonymous"},
}

// asks are questions over the time of a search.
func asks(q query) (as []ask) {
	for _, x := range questions {
		to := query{Since: q.Since, From: q.From, To: q.To, Clusters: q.Clusters, Condition: x.condition}
		as = append(as, ask{Text: x.text, Link: to.link(), Condition: x.condition})
	}
	return as
}
