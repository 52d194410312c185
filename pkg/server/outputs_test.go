package server

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// TestFromCloud: what was found in several events goes by the last of them.
func TestFromCloud(t *testing.T) {
	r, err := gcp.Converter{}.Convert([]byte(`{"insertId":"x","logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity","timestamp":"2026-11-19T08:00:00Z",` +
		`"protoPayload":{"serviceName":"k8s.io","methodName":"io.k8s.core.v1.pods.create","resourceName":"core/v1/namespaces/a/pods/b"}}`))
	require.NoError(t, err)
	entry, err := audit.Converted{Raw: r.Raw}.Event()
	require.NoError(t, err)
	own, err := audit.NewReader(strings.NewReader(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","stageTimestamp":"2026-11-19T08:00:00Z"}`), "", audit.Limits{}).Next()
	require.NoError(t, err)
	for source, want := range map[string][2]bool{
		"pubsub": {true, true}, "cloudlogging": {true, true}, "webhook": {false, false}, "file": {false, false}, record.SourceCorrelate: {true, false},
	} {
		assert.Equal(t, want[0], fromCloud(&record.Event{Source: source, Event: entry}), source)
		assert.Equal(t, want[1], fromCloud(&record.Event{Source: source, Event: own}), source)
	}
}
