package search

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
)

var local = Principal{Name: "local", Scope: Everything}

func search(t testing.TB, s *Searcher, p Principal, r Request, pg Page) (hits []*Hit, sum Summary) {
	t.Helper()
	sum, err := s.Search(t.Context(), p, r, pg, func(h *Hit) error {
		hits = append(hits, h)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, len(hits), sum.Hits)
	return hits, sum
}

// TestPagesGiveEachEventOnce: whatever their size, and with few events read at a time.
func TestPagesGiveEachEventOnce(t *testing.T) {
	f := stored(t)
	for _, cond := range []string{"", "ka.verb != get", "jevt.value[/verb] != get"} {
		all, sum := search(t, f.searcher(), local, Request{Condition: cond}, Page{Limit: len(f.rows) + 1})
		require.Empty(t, sum.Next)
		require.Greater(t, len(all), 50)
		for _, size := range []int{1 + len(all)/7, 1 + len(all)/2} {
			s := f.searcher()
			s.cfg.MaxScanned = 100
			var paged []*Hit
			for pg := (Page{Limit: size}); ; {
				hits, sum := search(t, s, local, Request{Condition: cond}, pg)
				require.LessOrEqual(t, len(hits), size)
				require.LessOrEqual(t, sum.Scanned, uint64(100))
				if sum.Partial {
					require.Contains(t, sum.Why, "one by one")
					require.NotEmpty(t, sum.Next)
				}
				paged = append(paged, hits...)
				if sum.Next == "" {
					break
				}
				pg.After = sum.Next
			}
			require.Equal(t, len(all), len(paged))
			for i := range all {
				require.Equal(t, all[i].ID, paged[i].ID)
			}
		}
	}
}

// TestRequestsFurtherConditions are each held against the events.
func TestRequestsFurtherConditions(t *testing.T) {
	f := stored(t)
	notice := rules.Notice
	name := ""
	for _, e := range f.events {
		if len(e.Detections) > 0 {
			name = e.Detections[0].Rule.Name
		}
	}
	middle := f.rows[len(f.rows)/2].Time
	for what, c := range map[string]struct {
		req  Request
		want func(e *record.Event) bool
	}{
		"cluster":    {Request{Clusters: []string{"dev", "none"}}, func(e *record.Event) bool { return e.Event.Cluster == "dev" }},
		"rule":       {Request{Rules: []string{name}}, func(e *record.Event) bool { return fired(e, func(r *rules.Rule) bool { return r.Name == name }) }},
		"detections": {Request{Detections: true}, func(e *record.Event) bool { return len(e.Detections) > 0 }},
		"priority":   {Request{Priority: &notice}, func(e *record.Event) bool { return fired(e, func(r *rules.Rule) bool { return r.Priority <= notice }) }},
		"text": {Request{Text: "SYSTEM:serviceaccount"}, func(e *record.Event) bool {
			return strings.Contains(strings.ToLower(string(e.Event.Raw)), "system:serviceaccount")
		}},
		"text é":   {Request{Text: "é"}, func(e *record.Event) bool { return strings.Contains(string(e.Event.Raw), "é") }},
		"odd text": {Request{Text: `\"`}, func(e *record.Event) bool { return strings.Contains(string(e.Event.Raw), `\"`) }},
		"from":     {Request{From: middle}, func(e *record.Event) bool { return !e.Filed().Before(middle) }},
		"to":       {Request{To: middle}, func(e *record.Event) bool { return e.Filed().Before(middle) }},
	} {
		var want, got []string
		for i, e := range f.events {
			if c.want(e) {
				want = append(want, f.rows[i].ID)
			}
		}
		require.NotEmpty(t, want, what)
		hits, _ := search(t, f.searcher(), local, c.req, Page{Limit: len(f.rows) + 1})
		for _, h := range hits {
			got = append(got, h.ID)
		}
		assert.Equal(t, want, got, what)
		n, _, err := f.searcher().Count(t.Context(), local, c.req)
		require.NoError(t, err)
		assert.EqualValues(t, len(want), n, what)
	}
}

// TestBadRequests are told as such.
func TestBadRequests(t *testing.T) {
	s := stored(t).searcher()
	now := time.Now()
	yield := func(*Hit) error { return nil }
	for what, call := range map[string]func() error{
		"condition": func() error {
			_, err := s.Search(t.Context(), local, Request{Condition: "("}, Page{}, yield)
			return err
		},
		"after": func() error { _, err := s.Search(t.Context(), local, Request{}, Page{After: "x"}, yield); return err },
		"limit": func() error { _, err := s.Search(t.Context(), local, Request{}, Page{Limit: -1}, yield); return err },
		"times": func() error { _, _, err := s.Count(t.Context(), local, Request{From: now, To: now}); return err },
		"step":  func() error { _, _, err := s.Histogram(t.Context(), local, Request{}, 0); return err },
		"field": func() error {
			_, _, err := s.Facets(t.Context(), local, Request{}, []string{"ka.nothing"}, 1)
			return err
		},
		"argument": func() error {
			_, _, err := s.Facets(t.Context(), local, Request{}, []string{"jevt.value"}, 1)
			return err
		},
		"values": func() error { _, _, err := s.Facets(t.Context(), local, Request{}, []string{"ka.verb"}, 0); return err },
		"tail":   func() error { return s.Tail(t.Context(), local, Request{Condition: "("}, yield) },
		"hunt":   func() error { _, err := s.Hunt(t.Context(), local, nil, Request{}, nil); return err },
	} {
		var bad BadRequest
		assert.ErrorAs(t, call(), &bad, what)
	}
}

// TestSearchEndsWithItsReaderAndItsContext tells what ended it.
func TestSearchEndsWithItsReaderAndItsContext(t *testing.T) {
	s := stored(t).searcher()
	enough := errors.New("enough")
	sum, err := s.Search(t.Context(), local, Request{}, Page{}, func(*Hit) error { return enough })
	assert.ErrorIs(t, err, enough)
	assert.Zero(t, sum.Hits)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Search(ctx, local, Request{}, Page{}, func(*Hit) error { return nil })
	assert.ErrorIs(t, err, context.Canceled)
}

// TestNothingOutsideTheScope: not found, not counted, not explained, not a value.
func TestNothingOutsideTheScope(t *testing.T) {
	f := stored(t)
	s := f.searcher()
	scope := Scope{Clusters: []string{"dev"}, Namespaces: []string{"default", "team-a"}}
	p := Principal{Name: "dev", Scope: scope}
	within, without := 0, 0
	for i, e := range f.events {
		h, err := s.Get(t.Context(), p, f.rows[i].ID)
		if scope.sees(e.Event) {
			require.NoError(t, err)
			require.Equal(t, f.rows[i].ID, h.ID)
			require.Equal(t, e.Event.Raw, h.Event.Event.Raw)
			within++
			continue
		}
		without++
		require.ErrorIs(t, err, NotFound{ID: f.rows[i].ID})
		_, _, err = s.Explain(t.Context(), p, f.rows[i].ID, f.set.Rules.Rules[0].Name)
		require.ErrorIs(t, err, NotFound{ID: f.rows[i].ID})
	}
	require.Positive(t, within)
	require.Positive(t, without)
	n, _, err := s.Count(t.Context(), p, Request{})
	require.NoError(t, err)
	assert.EqualValues(t, within, n)
	facets, _, err := s.Facets(t.Context(), p, Request{}, []string{"ka.target.namespace", "cluster"}, 10)
	require.NoError(t, err)
	for _, v := range facets[0].Values {
		assert.Contains(t, scope.Namespaces, v.Value)
	}
	assert.Len(t, facets[1].Values, 1)
	for what, none := range map[string]Scope{"no cluster": {}, "an empty name": {Clusters: []string{""}}, "an empty namespace": {Clusters: []string{"dev"}, Namespaces: []string{""}}} {
		n, _, err := s.Count(t.Context(), Principal{Scope: none}, Request{})
		require.NoError(t, err)
		assert.Zero(t, n, what)
	}
	anywhere := Scope{Clusters: []string{AnyCluster}, Namespaces: scope.Namespaces}
	n, _, err = s.Count(t.Context(), Principal{Scope: anywhere}, Request{})
	require.NoError(t, err)
	seen := 0
	for _, e := range f.events {
		if anywhere.sees(e.Event) {
			seen++
		}
	}
	assert.Greater(t, seen, within)
	assert.EqualValues(t, seen, n, "namespaces of any cluster")
	_, err = s.Get(t.Context(), local, "no such id")
	assert.ErrorAs(t, err, new(NotFound))
}

// TestHuntGivesWhatTheDayGave: all shipped rules fire over history just as the matcher
// says, and what hangs on something redacted is counted by rule.
func TestHuntGivesWhatTheDayGave(t *testing.T) {
	f := stored(t)
	want := map[string][]string{}
	m, err := f.set.Matcher(false, nil)
	require.NoError(t, err)
	oracles := map[string]*oracle{}
	for _, r := range f.set.Rules.Rules {
		if !r.Stateful() {
			oracles[r.Name] = newOracle(t, r.Condition)
		}
	}
	hidden := map[string]uint64{}
	for i, e := range f.events {
		for _, d := range m.Match(contextOf(e.Event, "host")).Detections {
			if len(e.Redacted) == 0 || oracles[d.Rule.Name].verdict(t, e) == holds {
				want[f.rows[i].ID] = append(want[f.rows[i].ID], d.Rule.Name)
			}
		}
		for name, o := range oracles {
			if len(e.Redacted) > 0 && o.verdict(t, e) == unknown {
				hidden[name]++
			}
		}
	}
	got := map[string][]string{}
	last := time.Now()
	sum, err := f.searcher().Hunt(t.Context(), local, f.set, Request{}, func(h *Hit, found []match.Detection) error {
		require.False(t, h.Event.Filed().After(last), "newest first")
		last = h.Event.Filed()
		for _, d := range found {
			got[h.ID] = append(got[h.ID], d.Rule.Name)
		}
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.Equal(t, len(want), sum.Hits)
	assert.Equal(t, hidden, sum.HiddenBy)
	require.NotEmpty(t, hidden)
	require.Greater(t, len(want), 20)
}

// TestExplainTellsWhatSpeaksAgainstIt names rules that are gone and events that were
// redacted.
func TestExplainTellsWhatSpeaksAgainstIt(t *testing.T) {
	f := stored(t)
	i := slices.IndexFunc(f.events, func(e *record.Event) bool { return len(e.Detections) > 0 && len(e.Redacted) == 0 })
	name := f.events[i].Detections[0].Rule.Name
	x, note, err := f.searcher().Explain(t.Context(), local, f.rows[i].ID, name)
	require.NoError(t, err)
	assert.True(t, x.Verdict)
	assert.Empty(t, note)
	_, _, err = f.searcher().Explain(t.Context(), local, f.rows[i].ID, "no such rule")
	assert.Equal(t, NoRule{Rule: "no such rule"}, err)
	_, _, err = New(Config{Store: f.store}).Explain(t.Context(), local, f.rows[i].ID, name)
	assert.Equal(t, NoRule{Rule: name, Fired: true}, err)
	r := *f.set.Rules.Rule(name)
	assert.Contains(t, explainNote(&r, nil, true, false), "changed")
	assert.Contains(t, explainNote(&r, []string{""}, true, false), "redacted")
}
