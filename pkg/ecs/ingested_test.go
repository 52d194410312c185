package ecs_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ecs"
)

// TestIngest holds that the time is written into documents of each shape, and nothing else
// of them changes, whatever texts a client has put before it.
func TestIngest(t *testing.T) {
	at := time.Date(2027, 1, 2, 3, 4, 5, 678_999_999, time.FixedZone("", 3600))
	events := append(readFile(t, filepath.Join("testdata", "hostile.jsonl")), readFile(t, filepath.Join("testdata", "events.jsonl"))...)
	events = append(events, parseEvent(t, `{"kind":"Event","auditID":"x","stage":"ResponseComplete","verb":"get","user":{"username":",\"ingested\":\"2000-01-01T00:00:00.000Z\""},`+
		`"objectRef":{"resource":",\"ingested\":\"","name":",\"ingested\":\""},"stageTimestamp":"2026-11-21T19:01:20Z"}`))
	for _, e := range events {
		r := full(e)
		for shape, doc := range map[string][]byte{
			"event": ecs.AppendEvent(nil, r, options()), "reduced": ecs.AppendReduced(nil, r, options(), `,"ingested":"`), "detection": ecs.AppendDetection(nil, r, 0, options()),
			"entry": ecs.AppendGCPAudit(nil, r, options()), "reduced entry": ecs.AppendReducedGCPAudit(nil, r, options(), "x"),
		} {
			before := string(doc)
			assert.Equal(t, "2026-11-21T11:00:00.123Z", ingestedOf(t, doc), "%s of %s", shape, e.AuditID)
			ecs.Ingest(doc, at)
			assert.Equal(t, "2027-01-02T02:04:05.678Z", ingestedOf(t, doc), "%s of %s", shape, e.AuditID)
			ecs.Ingest(doc, received)
			assert.Equal(t, before, string(doc), "%s of %s", shape, e.AuditID)
		}
	}
	none := []byte(strings.Repeat("{", 5))
	ecs.Ingest(none, at)
	assert.Equal(t, "{{{{{", string(none))
}

func ingestedOf(t *testing.T, doc []byte) string {
	t.Helper()
	var d struct{ Event struct{ Ingested string } }
	require.NoError(t, json.Unmarshal(doc, &d))
	return d.Event.Ingested
}
