package search

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// TestWhatSeveralEventsTellIsNoEvent: what is derived is found by who asks for
// detections, and is in no list, count, histogram, facet or hunt of events.
func TestWhatSeveralEventsTellIsNoEvent(t *testing.T) {
	st := openStore(t, "derived")
	defer st.Close()
	at := time.Now().UTC().Add(-time.Hour)
	var rows []store.Row
	for i := range 3 {
		raw := fmt.Sprintf(`{"kind":"Event","auditID":"a-%d","stage":"ResponseComplete","verb":"get","user":{"username":"jane"},"stageTimestamp":%q}`, i, at.Format(time.RFC3339Nano))
		e, err := audit.NewReader(strings.NewReader(raw), "test", audit.Limits{}).Next()
		require.NoError(t, err)
		rows = append(rows, row.Encode(&record.Event{Event: e, ID: e.Identity(), Source: "webhook", Received: at}))
		if i == 2 {
			found := match.Detection{Rule: &rules.Rule{Name: "Often", Priority: rules.Warning, Source: "k8s_audit", Tags: []string{}}, Output: "often"}
			rows = append(rows, row.Encode(&record.Event{
				Event: e, ID: audit.Identity{1}, Source: record.SourceCorrelate, Received: at, Flags: record.Derived, Detections: []match.Detection{found},
			}))
		}
	}
	_, err := st.Write(t.Context(), rows)
	require.NoError(t, err)
	require.NoError(t, st.Sync(t.Context()))
	set, err := ruleset.Compile([]rules.File{{Name: "r.yaml", Content: []byte("- rule: Get\n  desc: d\n  condition: ka.verb = get\n  output: o\n  priority: NOTICE\n  source: k8s_audit\n")}}, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	s := New(Config{Store: st, Hostname: "host", Now: time.Now})
	warning, everyone := rules.Warning, Principal{Name: "test", Scope: Everything}
	for name, tt := range map[string]struct {
		req  Request
		want uint64
	}{
		"all": {Request{}, 3}, "by condition": {Request{Condition: "ka.user.name = jane"}, 3}, "by what has to be judged": {Request{Condition: "jevt.value[/verb] = get"}, 3},
		"detections": {Request{Detections: true}, 1}, "rule": {Request{Rules: []string{"Often"}}, 1}, "priority": {Request{Priority: &warning}, 1},
		"detections of a user": {Request{Condition: "ka.user.name = jane", Detections: true}, 1},
	} {
		n, _, err := s.Count(t.Context(), everyone, tt.req)
		require.NoError(t, err)
		assert.Equal(t, tt.want, n, "count of %s", name)
		buckets, _, err := s.Histogram(t.Context(), everyone, tt.req, time.Hour)
		require.NoError(t, err)
		require.Len(t, buckets, 1)
		assert.Equal(t, tt.want, buckets[0].Events, "histogram of %s", name)
		facets, _, err := s.Facets(t.Context(), everyone, tt.req, []string{"ka.user.name"}, 5)
		require.NoError(t, err)
		assert.Equal(t, []FacetValue{{"jane", tt.want}}, facets[0].Values, "facets of %s", name)
		var hits []*Hit
		_, err = s.Search(t.Context(), everyone, tt.req, Page{}, func(h *Hit) error {
			hits = append(hits, h)
			return nil
		})
		require.NoError(t, err)
		assert.Len(t, hits, int(tt.want), name)
		if tt.want == 1 {
			assert.True(t, hits[0].Event.Derived())
			assert.Equal(t, "often", hits[0].Event.Detections[0].Output)
		}
		alerts := 0
		_, err = s.Hunt(t.Context(), everyone, set, tt.req, func(*Hit, []match.Detection) error {
			alerts++
			return nil
		})
		require.NoError(t, err)
		assert.Equal(t, int(tt.want)/3*3, alerts, "hunt of %s", name)
	}

	// The same for who reads along.
	q, err := s.query(everyone, Request{})
	require.NoError(t, err)
	detections, err := s.query(everyone, Request{Detections: true})
	require.NoError(t, err)
	for _, r := range rows {
		e, err := row.Decode(r)
		require.NoError(t, err)
		assert.Equal(t, !e.Derived(), q.admits(e))
		assert.Equal(t, e.Derived(), detections.admits(e))
	}
}
