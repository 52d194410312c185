package ruletest

import (
	"fmt"
	"time"

	"github.com/kubewitness/kubewitness/pkg/yamlnode"
)

var (
	testKeys = []string{"test", "event", "events", "detect", "rule", "variants", "matrix"}
	wantKeys = []string{"rule", "times", "output", "fields"}
)

// test reads a test and all its variants.
func (r *reader) test(n *yamlnode.Node) {
	r.keys(n, "a test", testKeys)
	name := r.text(n.Get("test"))
	switch {
	case name == "":
		r.fail(n, "a test needs a name")
	case r.names[name]:
		r.fail(n.Get("test"), "there is a test %q already", name)
	}
	r.names[name] = true
	event, events := n.Get("event"), n.Get("events")
	switch {
	case (event == nil) == (events == nil):
		r.fail(n, "a test has an event, or a list of events")
		return
	case event != nil:
		events = &yamlnode.Node{Kind: yamlnode.List, Items: []*yamlnode.Node{event}, Line: event.Line, Column: event.Column}
	case events.Kind != yamlnode.List:
		r.fail(events, "events is a list; one alone stands under event")
		return
	case len(events.Items) == 0:
		r.fail(events, "a test without an event says nothing")
	}
	if n.Get("detect") == nil {
		r.fail(n, "a test says what is detected; write detect: [] for nothing")
		return
	}
	c := testCase{detect: n.Get("detect"), rules: n.Get("rule")}
	for _, e := range events.Items {
		c.events = append(c.events, r.withDefaults(e))
	}
	for _, row := range r.rows(n, c) {
		r.variant(name, n, c, row)
	}
}

// testCase is the part of a test in which placeholders can stand.
type testCase struct {
	events        []*yamlnode.Node
	detect, rules *yamlnode.Node // rules may be nil
}

// all gives each node.
func (c testCase) all() []*yamlnode.Node {
	all := append([]*yamlnode.Node{c.detect}, c.events...)
	if c.rules != nil {
		all = append(all, c.rules)
	}
	return all
}

// variant reads a test as a row has it.
func (r *reader) variant(name string, at *yamlnode.Node, c testCase, row row) {
	t := &Test{Name: name + row.suffix, Line: at.Line}
	if row.suffix != "" {
		if r.names[t.Name] {
			r.fail(at, "two variants are %q; write different values", t.Name)
		}
		r.names[t.Name] = true
	}
	when := clock{start: start, next: start}
	for _, e := range c.events {
		t.Events = append(t.Events, r.event(row.event(e), row, &when)...)
	}
	t.Rules = r.ruleNames(row.fill(c.rules))
	t.Want = r.wants(row.fill(c.detect))
	r.file.Tests = append(r.file.Tests, t)
}

// start is the time of the first event of a test unless it says another.
var start = time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)

// clock gives events without a time of their own one.
type clock struct{ start, next time.Time }

// advance moves on behind an event.
func (c *clock) advance(t time.Time, step time.Duration) { c.next = t.Add(step) }

func (r *reader) ruleNames(n *yamlnode.Node) (names []Named) {
	switch {
	case n == nil:
		return nil
	case n.Kind != yamlnode.List:
		return []Named{r.named(n)}
	}
	for _, item := range n.Items {
		names = append(names, r.named(item))
	}
	return names
}

// wants reads detect.
func (r *reader) wants(n *yamlnode.Node) (wants []Want) {
	if n.Kind != yamlnode.List {
		r.fail(n, "detect is a list of rules; [] for none")
		return nil
	}
	for _, item := range n.Items {
		w := Want{Times: 1}
		if item.Kind == yamlnode.Mapping {
			w = r.want(item)
		} else {
			w.Named = r.named(item)
		}
		wants = append(wants, w)
	}
	return wants
}

func (r *reader) want(n *yamlnode.Node) Want {
	r.keys(n, "an expected detection", wantKeys)
	w := Want{Times: r.number(n.Get("times"), 1, 1, maxEvents), Output: r.texts(n.Get("output"))}
	if n.Get("rule") == nil {
		r.fail(n, "an expected detection names its rule")
	} else {
		w.Named = r.named(n.Get("rule"))
	}
	if f := n.Get("fields"); f != nil {
		if f.Kind != yamlnode.Mapping {
			r.fail(f, "fields is a mapping of output fields to their values")
			return w
		}
		w.Fields = map[string]string{}
		for _, p := range f.Pairs {
			w.Fields[p.Key.Text] = r.text(p.Value)
		}
	}
	return w
}

// withDefaults puts the defaults of the file under a template.
func (r *reader) withDefaults(n *yamlnode.Node) *yamlnode.Node {
	if r.defaults == nil || !isTemplate(n) {
		return n
	}
	return over(r.defaults, n)
}

// over gives a mapping with the pairs of both; of equal keys those of the upper.
func over(lower, upper *yamlnode.Node) *yamlnode.Node {
	out := &yamlnode.Node{Kind: yamlnode.Mapping, Line: upper.Line, Column: upper.Column}
	out.Pairs = append(out.Pairs, upper.Pairs...)
	for _, p := range lower.Pairs {
		if upper.Get(p.Key.Text) == nil {
			out.Pairs = append(out.Pairs, p)
		}
	}
	return out
}

// isTemplate tells whether an event is made from a template.
func isTemplate(n *yamlnode.Node) bool {
	if n.Kind != yamlnode.Mapping {
		return false
	}
	for _, key := range []string{"kind", "protoPayload", "raw", "file"} {
		if n.Get(key) != nil {
			return false
		}
	}
	return true
}

// describe names a value for the name of a variant.
func describe(n *yamlnode.Node, number int) string {
	if n.Kind == yamlnode.Scalar && len(n.Text) <= 60 {
		return n.Text
	}
	return fmt.Sprint(n.Kind, " ", number)
}
