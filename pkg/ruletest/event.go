package ruletest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/yamlnode"
)

var (
	rawKeys  = []string{"raw", "cluster"}
	fileKeys = []string{"file", "audit_id", "line", "cluster"}
)

// event makes the events of which an element of a test consists.
func (r *reader) event(n *yamlnode.Node, w row, when *clock) (events []*audit.Event) {
	switch {
	case r.events > maxEvents:
		return nil
	case n.Kind != yamlnode.Mapping:
		r.fail(n, "an event is a mapping: a template, an audit event, raw or file")
	case n.Get("raw") != nil:
		r.keys(n, "a raw event", rawKeys)
		events = r.recorded(n, []byte(r.text(n.Get("raw"))))
	case n.Get("file") != nil:
		r.keys(n, "an event of a file", fileKeys)
		events = r.fromFile(n)
	case isTemplate(n):
		events = r.requests(n, when)
	default:
		events = r.inline(n)
	}
	if r.events += len(events); r.events > maxEvents {
		r.fail(n, "the tests of a file have at most %d events", maxEvents)
	}
	if len(events) > 0 && !isTemplate(n) {
		when.advance(events[len(events)-1].Time, time.Second)
	}
	return events
}

// requests makes events from a template.
func (r *reader) requests(n *yamlnode.Node, when *clock) (all []*audit.Event) {
	times := r.number(n.Get("times"), 1, 1, maxEvents/2)
	every := time.Second
	if e := n.Get("every"); e != nil {
		var ok bool
		if every, ok = duration(r.text(e)); !ok || every < 0 {
			r.fail(e, "%q is no time between requests, such as 10s", e.Text)
			return nil
		}
	}
	for i := range times {
		one := n
		if times > 1 {
			one = fill(n, map[string]*yamlnode.Node{"n": number(i + 1)})
		}
		t, ok := r.template(one)
		if !ok {
			return nil
		}
		begin := when.next
		if i == 0 {
			begin = r.moment(t.at, when)
		}
		r.events++
		events, err := newRequest(t, begin, r.events).events(r.Name, n.Line)
		if err != nil {
			r.fail(n, "the template makes no event: %v", err)
			return nil
		}
		when.advance(begin, every)
		if all = append(all, events...); len(all) > maxEvents {
			r.fail(n, "the tests of a file have at most %d events", maxEvents)
			return all
		}
	}
	when.next = when.next.Add(time.Second - every) // what follows comes a second later
	return all
}

// inline makes events of one that is written out in YAML, or of a list or log entry.
func (r *reader) inline(n *yamlnode.Node) []*audit.Event {
	plain, _ := n.Plain().(map[string]any)
	delete(plain, "cluster")
	text, err := json.Marshal(plain)
	if err != nil {
		r.fail(n, "the event cannot be written as JSON: %v", err)
		return nil
	}
	return r.recorded(n, text)
}

// recorded reads events as they were recorded.
func (r *reader) recorded(n *yamlnode.Node, text []byte) []*audit.Event {
	events, err := readAll(bytes.NewReader(text), r.Name, nil)
	if err != nil {
		r.fail(n, "the event cannot be read: %v", err)
		return nil
	}
	if len(events) == 0 {
		r.fail(n, "no event stands here")
	}
	for _, e := range events {
		e.Line = int64(n.Line)
	}
	return r.ofCluster(n, events)
}

func (r *reader) ofCluster(n *yamlnode.Node, events []*audit.Event) []*audit.Event {
	if c := n.Get("cluster"); c != nil {
		name := r.text(c)
		for _, e := range events {
			e.Cluster = name
		}
	}
	return events
}

// readAll reads what a recording holds, of it the events that keep wants; nil: all.
func readAll(from io.Reader, name string, keep func(*audit.Event) bool) (events []*audit.Event, err error) {
	in := audit.NewReader(from, name, audit.Limits{})
	in.ConvertWith(new(gcp.Stream))
	for {
		e, err := in.Next()
		switch {
		case errors.Is(err, io.EOF):
			return events, nil
		case err != nil:
			return nil, err
		case keep == nil || keep(e):
			if len(events) == maxEvents {
				return nil, errors.New("more events than the tests of a file may have")
			}
			events = append(events, e)
		}
	}
}

// fromFile reads events of a recording.
func (r *reader) fromFile(n *yamlnode.Node) []*audit.Event {
	f := n.Get("file")
	path := r.text(f)
	if r.Open == nil {
		r.fail(f, "tests that are built in cannot name files")
		return nil
	}
	in, err := r.Open(path)
	if err != nil {
		r.fail(f, "%v", err)
		return nil
	}
	defer in.Close()
	var lines []int64
	if l := n.Get("line"); l != nil {
		for _, item := range each(l) {
			lines = append(lines, int64(r.number(item, 0, 1, 1<<40)))
		}
	}
	var ids []string
	if id := n.Get("audit_id"); id != nil {
		ids = r.texts(id)
	}
	found := map[any]bool{}
	events, err := readAll(in, path, func(e *audit.Event) bool {
		byLine, byID := slices.Contains(lines, e.Line), slices.Contains(ids, e.AuditID)
		found[e.Line], found[e.AuditID] = byLine, byID
		return lines == nil && ids == nil || byLine || byID
	})
	if err != nil {
		r.fail(f, "%s: %v", path, err)
		return nil
	}
	for _, l := range lines {
		if !found[l] {
			r.fail(n.Get("line"), "%s: no event begins in line %d", path, l)
		}
	}
	for _, id := range ids {
		if !found[id] {
			r.fail(n.Get("audit_id"), "%s: no event has the auditID %q", path, id)
		}
	}
	return r.ofCluster(n, events)
}
