package output_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
	"github.com/kubewitness/kubewitness/pkg/sink/output"
)

// start is when the events begin.
var start = time.Date(2026, 11, 21, 19, 17, 56, 428_000_000, time.UTC)

// seen is an event in short.
type seen struct {
	user, verb, namespace, name, uri string
	code                             int
	after                            time.Duration
}

// event makes an event of it, with a detection for each rule.
func (s seen) event(tb testing.TB, n int, ruleNames ...string) *record.Event {
	tb.Helper()
	raw, err := json.Marshal(map[string]any{
		"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": fmt.Sprint("id-", n), "stage": "ResponseComplete", "verb": s.verb,
		"requestURI": s.uri, "user": map[string]any{"username": s.user}, "stageTimestamp": start.Add(s.after),
		"objectRef":      map[string]any{"resource": "secrets", "namespace": s.namespace, "name": s.name},
		"responseStatus": map[string]any{"code": s.code},
	})
	require.NoError(tb, err)
	e, err := audit.NewReader(strings.NewReader(string(raw)), "test", audit.Limits{}).Next()
	require.NoError(tb, err)
	e.Cluster = "prod"
	out := &record.Event{Event: e, ID: e.Identity(), Source: "webhook"}
	for _, name := range ruleNames {
		out.Detections = append(out.Detections, match.Detection{
			Rule:   &rules.Rule{Name: name, Priority: rules.Warning, Source: "k8s_audit", Tags: []string{"T1552", "k8s"}},
			Output: "secret read by " + s.user + " name=" + s.name,
			Fields: []match.OutputField{{Key: "ka.user.name", Value: s.user}, {Key: "ka.target.name", Value: s.name},
				{Key: "ka.req.pod.images", Value: []string{"a", "b"}}, {Key: "ka.response.code", Value: uint64(200)}, {Key: "absent"}},
		})
	}
	return out
}

// delivery makes n events, the first of them number from; of every three one has no
// detection, one has one, one has two. No two are alike.
func delivery(tb testing.TB, from, n int) (events []*record.Event) {
	tb.Helper()
	for i := from; i < from+n; i++ {
		s := seen{user: fmt.Sprint("user-", i), verb: "get", namespace: "shop", name: fmt.Sprint("s", i), code: 200, after: time.Duration(i) * time.Millisecond}
		events = append(events, s.event(tb, i, []string{"Secret read", "Secret read at night"}[:i%3]...))
	}
	return events
}

// wanted are the lines of events in a format without folding.
func wanted(events []*record.Event, format output.Format) (lines []string) {
	for _, e := range events {
		for _, d := range e.Detections {
			a := &alert.Alert{Event: e.Event, Detection: d}
			switch format {
			case output.FalcoJSON:
				lines = append(lines, string(alert.AppendFalcoJSON(nil, a, alert.Options{})))
			case output.Text:
				lines = append(lines, string(alert.AppendText(nil, a, alert.Options{})))
			case output.Answer:
				lines = append(lines, string(alert.AppendAnswer(nil, a, alert.Options{})))
			}
		}
	}
	return lines
}

// ids are the detection ids of events.
func ids(events []*record.Event) (ids []string) {
	for _, e := range events {
		for _, d := range e.Detections {
			ids = append(ids, record.DetectionID(e.ID, d.Rule.Name))
		}
	}
	return ids
}

// text is lines as they stand in a file.
func text(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

func requireRecoverable(tb testing.TB, err error) sink.Recoverable {
	tb.Helper()
	var again sink.Recoverable
	require.ErrorAs(tb, err, &again)
	return again
}

var errBroken = errors.New("broken")

var formats = []output.Format{output.FalcoJSON, output.Text, output.Answer}
