package row_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// corpus are the recorded events of the repository, odd ones among them.
func corpus(tb testing.TB) []*audit.Event {
	tb.Helper()
	root := corpora.Root(tb)
	var events []*audit.Event
	for _, file := range []string{
		"pkg/audit/testdata/events.jsonl.gz", "pkg/audit/testdata/webhook-body.json.gz", "pkg/redact/testdata/events.jsonl",
		"test/bench/testdata/events-1k.jsonl.gz", "test/bench/testdata/events-3k.jsonl.gz",
	} {
		events = append(events, readFile(tb, filepath.Join(root, filepath.FromSlash(file)))...)
	}
	return events
}

func readFile(tb testing.TB, path string) (events []*audit.Event) {
	tb.Helper()
	f, err := os.Open(path)
	require.NoError(tb, err)
	defer f.Close()
	r := audit.NewReader(audit.Decompress(f), path, audit.Limits{})
	for {
		e, err := r.Next()
		if err == io.EOF {
			return events
		}
		require.NoError(tb, err)
		events = append(events, e)
	}
}

func parseEvent(tb testing.TB, raw string) *audit.Event {
	tb.Helper()
	e, err := audit.NewReader(strings.NewReader(raw), "test", audit.Limits{}).Next()
	require.NoError(tb, err, raw)
	return e
}

var received = time.Date(2026, 11, 21, 11, 0, 0, 123456789, time.UTC)

// recordOf is an event as it comes out of the log when nothing is to be said of it.
func recordOf(e *audit.Event) *record.Event {
	e.Cluster = "prod"
	return &record.Event{Event: e, ID: e.Identity(), Source: "webhook", Received: received, Ruleset: strings.Repeat("0123456789abcdef", 4)}
}

// full is an event with all that the log can say of one.
func full(e *audit.Event) *record.Event {
	r := recordOf(e)
	r.Labels = map[string]string{"region": "eu", "Team": `"<a>"`}
	r.Redacted = []string{"/requestObject/data/a~1b", `/x"\` + "\x01"}
	r.Faults = []string{"rule: it failed", ""}
	r.Flags = record.Expired
	r.Link = &record.Link{Review: "u-1", At: received, Audit: "a-1", Told: []string{`Exec "into" pod`}}
	r.Event.Review = r.Link.Review
	r.Detections = []match.Detection{
		{
			Rule:   &rules.Rule{Name: `Exec "into" pod`, Priority: rules.Warning, Source: "k8s_audit", Tags: []string{"T1609", "k8s"}},
			Output: "jane <b> ran\nsh & \u2028", Fields: []match.OutputField{
				{Key: "ka.user.name", Value: "jane"}, {Key: "evt.num", Value: uint64(1<<64 - 1)}, {Key: "b", Value: true},
				{Key: "absent", Value: nil}, {Key: "list", Value: []string{"a", ""}}, {Key: "none", Value: []string{}},
			},
		},
		{Rule: &rules.Rule{Name: "second", Priority: rules.Emergency, Tags: []string{"k8s"}}, Fields: []match.OutputField{}},
		{Rule: &rules.Rule{Name: "second", Priority: rules.Debug}, Fields: []match.OutputField{}},
	}
	return r
}
