package judge

import (
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// withhold gives an event without anything but its envelope, and the places of
// what is left out.
func withhold(e *audit.Event) (stored *audit.Event, paths []string) {
	raw, paths := record.Envelope(e)
	return &audit.Event{
		Raw: raw, AuditID: e.AuditID, Stage: e.Stage, Time: e.Time,
		Cluster: e.Cluster, Review: e.Review, Input: e.Input, Line: e.Line, Offset: e.Offset,
	}, paths
}
