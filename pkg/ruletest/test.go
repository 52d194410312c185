package ruletest

import (
	"fmt"
	"time"
)

var (
	testKeys = []string{"test", "event", "events", "detect", "rule", "variants", "matrix"}
	wantKeys = []string{"rule", "times", "output", "fields"}
)

// test reads a test and all its variants.
func (r *reader) test(n *node) {
	r.keys(n, "a test", testKeys)
	name := r.text(n.get("test"))
	switch {
	case name == "":
		r.fail(n, "a test needs a name")
	case r.names[name]:
		r.fail(n.get("test"), "there is a test %q already", name)
	}
	r.names[name] = true
	event, events := n.get("event"), n.get("events")
	switch {
	case (event == nil) == (events == nil):
		r.fail(n, "a test has an event, or a list of events")
		return
	case event != nil:
		events = &node{kind: list, items: []*node{event}, line: event.line, column: event.column}
	case events.kind != list:
		r.fail(events, "events is a list; one alone stands under event")
		return
	case len(events.items) == 0:
		r.fail(events, "a test without an event says nothing")
	}
	if n.get("detect") == nil {
		r.fail(n, "a test says what is detected; write detect: [] for nothing")
		return
	}
	c := testCase{detect: n.get("detect"), rules: n.get("rule")}
	for _, e := range events.items {
		c.events = append(c.events, r.withDefaults(e))
	}
	for _, row := range r.rows(n, c) {
		r.variant(name, n, c, row)
	}
}

// testCase is the part of a test in which placeholders can stand.
type testCase struct {
	events        []*node
	detect, rules *node // rules may be nil
}

// all gives each node.
func (c testCase) all() []*node {
	all := append([]*node{c.detect}, c.events...)
	if c.rules != nil {
		all = append(all, c.rules)
	}
	return all
}

// variant reads a test as a row has it.
func (r *reader) variant(name string, at *node, c testCase, row row) {
	t := &Test{Name: name + row.suffix, Line: at.line}
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

func (r *reader) ruleNames(n *node) (names []Named) {
	switch {
	case n == nil:
		return nil
	case n.kind != list:
		return []Named{r.named(n)}
	}
	for _, item := range n.items {
		names = append(names, r.named(item))
	}
	return names
}

// wants reads detect.
func (r *reader) wants(n *node) (wants []Want) {
	if n.kind != list {
		r.fail(n, "detect is a list of rules; [] for none")
		return nil
	}
	for _, item := range n.items {
		w := Want{Times: 1}
		if item.kind == mapping {
			w = r.want(item)
		} else {
			w.Named = r.named(item)
		}
		wants = append(wants, w)
	}
	return wants
}

func (r *reader) want(n *node) Want {
	r.keys(n, "an expected detection", wantKeys)
	w := Want{Times: r.number(n.get("times"), 1, 1, maxEvents), Output: r.texts(n.get("output"))}
	if n.get("rule") == nil {
		r.fail(n, "an expected detection names its rule")
	} else {
		w.Named = r.named(n.get("rule"))
	}
	if f := n.get("fields"); f != nil {
		if f.kind != mapping {
			r.fail(f, "fields is a mapping of output fields to their values")
			return w
		}
		w.Fields = map[string]string{}
		for _, p := range f.pairs {
			w.Fields[p.key.text] = r.text(p.value)
		}
	}
	return w
}

// withDefaults puts the defaults of the file under a template.
func (r *reader) withDefaults(n *node) *node {
	if r.defaults == nil || !isTemplate(n) {
		return n
	}
	return over(r.defaults, n)
}

// over gives a mapping with the pairs of both; of equal keys those of the upper.
func over(lower, upper *node) *node {
	out := &node{kind: mapping, line: upper.line, column: upper.column}
	out.pairs = append(out.pairs, upper.pairs...)
	for _, p := range lower.pairs {
		if upper.get(p.key.text) == nil {
			out.pairs = append(out.pairs, p)
		}
	}
	return out
}

// isTemplate tells whether an event is made from a template.
func isTemplate(n *node) bool {
	if n.kind != mapping {
		return false
	}
	for _, key := range []string{"kind", "protoPayload", "raw", "file"} {
		if n.get(key) != nil {
			return false
		}
	}
	return true
}

// describe names a value for the name of a variant.
func describe(n *node, number int) string {
	if n.kind == scalar && len(n.text) <= 60 {
		return n.text
	}
	return fmt.Sprint(n.kind, " ", number)
}
