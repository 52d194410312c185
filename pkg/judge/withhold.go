package judge

import (
	"github.com/kubewitness/kubewitness/pkg/audit"
)

// withheldKeys are the members of an event that hold no secrets but by abuse,
// and without which it does not tell who did what, when and where.
var withheldKeys = []string{
	"kind", "apiVersion", "level", "auditID", "stage", "verb", "user", "impersonatedUser", "objectRef", "sourceIPs",
	"requestReceivedTimestamp", "stageTimestamp",
}

// withhold gives an event without anything but its envelope, and the members
// that are left out.
func withhold(e *audit.Event) (stored *audit.Event, paths []string) {
	keep := map[string]bool{}
	for _, k := range withheldKeys {
		keep[k] = true
	}
	out := []byte{'{'}
	for key, v := range e.Root().Members() {
		if !keep[key] {
			paths = append(paths, "/"+key)
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, '"')
		out = append(out, key...) // one of ours, nothing to escape
		out = append(out, `":`...)
		out = append(out, v.Raw()...)
	}
	out = append(out, '}')
	return &audit.Event{
		Raw: out, AuditID: e.AuditID, Stage: e.Stage, Time: e.Time,
		Cluster: e.Cluster, Input: e.Input, Line: e.Line, Offset: e.Offset,
	}, paths
}
