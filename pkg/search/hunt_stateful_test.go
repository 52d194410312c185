package search

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

const severalRules = `
- rule: Every Delete
  desc: d
  source: k8s_audit
  condition: ka.verb = delete
  output: "%evt.num delete"
  priority: NOTICE
- rule: Many
  desc: d
  source: k8s_audit
  condition: ka.verb exists
  kw_threshold: {count: 3, within: 10m, by: ka.user.name}
  output: "%ka.user.name %kw.correlate.count"
  priority: NOTICE
  skip-if-unknown-filter: true
- rule: New
  desc: d
  source: k8s_audit
  condition: ka.verb exists
  kw_new_terms: {fields: ka.target.resource, by: ka.user.name, learning: 0s}
  output: "%ka.user.name %kw.correlate.values"
  priority: NOTICE
  skip-if-unknown-filter: true
- rule: Silent
  desc: d
  source: k8s_audit
  condition: ka.verb exists
  kw_absence: {silence: 1m, by: ka.user.name}
  output: "%ka.user.name"
  priority: NOTICE
  skip-if-unknown-filter: true
`

// alertOf is a rule with the event that it is about.
type alertOf struct{ rule, event, output string }

// timely is a store with events that came in time, which no other fixture has.
func timely(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{store: openStore(t, "timely")}
	t.Cleanup(func() { f.store.Close() })
	for _, e := range stored(t).events {
		if e.Event.Time.IsZero() {
			continue
		}
		now := *e
		now.Flags = 0
		f.rows = append(f.rows, row.Encode(&now))
		f.events = append(f.events, &now)
	}
	slices.SortFunc(f.events, func(a, b *record.Event) int {
		return cmp.Or(b.Filed().Compare(a.Filed()), strings.Compare(row.ID(b.ID), row.ID(a.ID)))
	})
	w, err := f.store.Write(t.Context(), f.rows)
	require.NoError(t, err)
	require.Greater(t, w.Rows, 500)
	require.NoError(t, f.store.Sync(t.Context()))
	return f
}

// TestStatefulHunt: rules about several events find in the store what they find in the same
// events one after the other.
func TestStatefulHunt(t *testing.T) {
	f := timely(t)
	set, err := ruleset.Compile([]rules.File{{Name: "r.yaml", Content: []byte(severalRules)}}, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	judge, err := set.Judge(false, nil, "host")
	require.NoError(t, err)
	want := map[string][]alertOf{}
	for _, e := range slices.Backward(f.events) {
		if e.Derived() || e.Flags&(record.Expired|record.Ahead) != 0 {
			continue
		}
		_, o := judge.Look(contextOf(e.Event, "host"), e.ID)
		for _, x := range judge.Settle(contextOf(e.Event, "host"), o) {
			name := x.Detection.Rule.Name
			want[name] = append(want[name], alertOf{name, row.ID(x.Trigger), x.Detection.Output})
		}
	}
	for _, x := range judge.End() {
		name := x.Detection.Rule.Name
		want[name] = append(want[name], alertOf{name, row.ID(x.Trigger), x.Detection.Output})
	}
	require.Len(t, want, 3, "each of them fires")

	got := map[string][]alertOf{}
	_, err = f.searcher().Hunt(t.Context(), local, set, Request{Stateful: true}, func(h *Hit, found []match.Detection) error {
		require.NotNil(t, h.Event.Event)
		for _, d := range found {
			got[d.Rule.Name] = append(got[d.Rule.Name], alertOf{d.Rule.Name, h.ID, d.Output})
		}
		return nil
	})
	require.NoError(t, err)
	for name := range want {
		assert.Equal(t, want[name], got[name], name)
	}
	backward := map[string][]alertOf{}
	_, err = f.searcher().Hunt(t.Context(), local, set, Request{}, func(h *Hit, found []match.Detection) error {
		for _, d := range found {
			backward[d.Rule.Name] = append(backward[d.Rule.Name], alertOf{d.Rule.Name, h.ID, d.Output})
		}
		return nil
	})
	require.NoError(t, err)
	require.Len(t, backward, 1, "only when they are asked for")
	alone := backward["Every Delete"]
	slices.Reverse(alone)
	assert.Equal(t, alone, got["Every Delete"], "of the others the order is the other one")
}
