package field_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// TestFieldsOfSeveralEvents: what one event does not tell is found where the context
// has it, and absent else.
func TestFieldsOfSeveralEvents(t *testing.T) {
	first := time.Date(2026, 11, 21, 10, 0, 0, 1000, time.UTC)
	full := contextOf(t, `{"auditID":"a"}`, false)
	full.Correlation = &field.Correlation{Count: 20, First: first, Last: first.Add(time.Minute), Key: []string{"jane", ""}, Values: []string{"x", "y"}}
	full.Seen = &field.SeenPod{UID: "u", Privileged: true, Images: []string{"a:1", "b"}, Workload: "Deployment/web", Node: "n1"}
	empty := contextOf(t, `{"auditID":"a"}`, false)
	empty.Correlation, empty.Seen = &field.Correlation{}, &field.SeenPod{}
	want := map[string][2][]string{
		"kw.correlate.count":  {{"20"}, {"0"}},
		"kw.correlate.first":  {{"2026-11-21T10:00:00.000001Z"}, nil},
		"kw.correlate.last":   {{"2026-11-21T10:01:00.000001Z"}, nil},
		"kw.correlate.key":    {{"jane", ""}, nil},
		"kw.correlate.values": {{"x", "y"}, nil},
		"kw.pod.privileged":   {{"true"}, {"false"}},
		"kw.pod.images":       {{"a:1", "b"}, nil},
		"kw.pod.node":         {{"n1"}, nil},
		"kw.workload":         {{"Deployment/web"}, nil},
	}
	for _, f := range field.Default().All() {
		if f.State == condition.OfEvent {
			continue
		}
		require.Contains(t, want, f.Name)
		for i, c := range []*field.Context{full, empty} {
			var got []string
			for _, it := range f.Extract(c, field.Arg{}) {
				got = append(got, it.Text)
			}
			assert.Equal(t, want[f.Name][i], got, f.Name)
		}
		delete(want, f.Name)
	}
	assert.Empty(t, want)
}
