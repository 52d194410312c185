package elastic

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
)

// TestRowOfADocument: the row made of a document is that of the event, whatever is known of it.
func TestRowOfADocument(t *testing.T) {
	e, err := audit.NewReader(strings.NewReader(`{"kind":"Event","auditID":"a","stage":"ResponseComplete","verb":"create","user":{"username":"jane"},"stageTimestamp":"2026-11-21T10:00:00.123456Z"}`), "test", audit.Limits{}).Next()
	require.NoError(t, err)
	e.Cluster, e.Review = "prod", "u-1"
	received := time.Date(2026, 11, 21, 11, 0, 0, 123456789, time.UTC)
	r := &record.Event{
		Event: e, ID: e.Identity(), Source: "webhook", Received: received, Ruleset: "abc", Labels: map[string]string{"a": "b"},
		Redacted: []string{"/x"}, Faults: []string{"f"}, Flags: record.Expired,
		Link:       &record.Link{Review: "u-1", At: received, Told: []string{"rule"}},
		Detections: []match.Detection{{Rule: &rules.Rule{Name: "rule", Priority: rules.Notice, Tags: []string{"t"}}, Output: "o", Fields: []match.OutputField{}}},
	}
	want := row.Encode(r)
	require.Equal(t, "u-1", want.Value("kw.admission.uid"))
	got := rowOf(&hit{ID: row.ID(r.ID), Source: ecs.AppendEvent(nil, r, &ecs.Options{Namespace: "default"})})
	assert.Equal(t, want, got)
	back, err := row.Decode(got)
	require.NoError(t, err)
	assert.Equal(t, r.Link, back.Link)
	assert.Equal(t, "u-1", back.Event.Review)
}
