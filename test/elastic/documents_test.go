package elastic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
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
	"github.com/kubewitness/kubewitness/test/corpora"
)

// stream is a data stream for documents as they come, with a template of its own.
type stream struct {
	t    *testing.T
	url  string
	name string
	opts ecs.Options
}

// newStream puts the template of a data stream up that has the mapping and no more.
func newStream(t *testing.T, dataset, namespace string) *stream {
	s := &stream{t, server(t).URL, ecs.Stream(dataset, namespace), ecs.Options{
		Namespace: namespace, EventURL: "https://kubewitness.example/events/", KibanaURL: "https://kibana.example",
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.96.0.0/16")},
	}}
	template := fmt.Sprintf(`{"index_patterns":[%q],"priority":900,"data_stream":{},"template":{"mappings":%s,`+
		`"settings":{"index.number_of_replicas":0,"index.mapping.total_fields.limit":2000}}}`, s.name, ecs.Mapping(dataset))
	s.call("PUT", "/_index_template/"+s.name, []byte(template), nil)
	return s
}

// call sends a request that must succeed, and reads its answer.
func (s *stream) call(method, path string, body []byte, out any) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	require.NoError(s.t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	require.Less(s.t, resp.StatusCode, 300, "%s %s: %s", method, path, answer[:min(len(answer), 2000)])
	if out != nil {
		require.NoError(s.t, json.Unmarshal(answer, out))
	}
}

// bulk is documents on their way.
type bulk struct {
	s        *stream
	body     []byte
	n        int
	refused  []string // reasons
	accepted int
}

func (b *bulk) add(id string, document func(dst []byte) []byte) {
	b.body = append(b.body, `{"create":{"_id":"`+id+`"}}`+"\n"...)
	b.body = append(document(b.body), '\n')
	if b.n++; len(b.body) > 5<<20 {
		b.flush()
	}
}

func (b *bulk) flush() {
	if b.n == 0 {
		return
	}
	var answer struct {
		Items []map[string]struct {
			ID     string `json:"_id"`
			Status int
			Error  json.RawMessage
		}
	}
	b.s.call("POST", "/"+b.s.name+"/_bulk?filter_path=items.*._id,items.*.status,items.*.error", b.body, &answer)
	require.Len(b.s.t, answer.Items, b.n)
	for _, item := range answer.Items {
		switch r := item["create"]; r.Status {
		case http.StatusCreated, http.StatusConflict:
			b.accepted++
		default:
			b.refused = append(b.refused, fmt.Sprintf("%s: %d %s", r.ID, r.Status, r.Error))
		}
	}
	b.body, b.n = b.body[:0], 0
}

// put indexes events in their full shape; each must be taken. They can be found then.
func (s *stream) put(events []*record.Event) {
	s.t.Helper()
	b := &bulk{s: s}
	for _, e := range events {
		b.add(ecs.ID(e), func(dst []byte) []byte { return ecs.AppendEvent(dst, e, &s.opts) })
	}
	b.flush()
	require.Empty(s.t, b.refused, "refused")
	s.call("POST", "/"+s.name+"/_refresh", nil, nil)
}

// count is how many documents a query finds.
func (s *stream) count(query string) int {
	s.t.Helper()
	var answer struct{ Count int }
	s.call("POST", "/"+s.name+"/_count", []byte(`{"query":`+query+`}`), &answer)
	return answer.Count
}

func kql(query string) string {
	b, _ := json.Marshal(query)
	return `{"kql":{"query":` + string(b) + `}}`
}

var documentsReceived = time.Date(2026, 11, 30, 12, 0, 0, 123456789, time.UTC)

// readRecords are the events of a file as they come out of the log.
func readRecords(t *testing.T, path string) (events []*record.Event) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	r := audit.NewReader(audit.Decompress(f), path, audit.Limits{})
	for {
		e, err := r.Next()
		if err == io.EOF {
			return events
		}
		require.NoError(t, err)
		events = append(events, recordOf(e))
	}
}

func recordOf(e *audit.Event) *record.Event {
	e.Cluster = "prod"
	return &record.Event{Event: e, ID: e.Identity(), Source: "file", Received: documentsReceived,
		Labels: map[string]string{"environment": "production", "region": "eu-west"}, Ruleset: strings.Repeat("ab", 32)}
}

// TestDocumentsOfCorpora holds that the server takes the recorded events in their full
// shape: of tens of thousands two of each kind of request, and every 50th.
func TestDocumentsOfCorpora(t *testing.T) {
	t.Parallel()
	s := newStream(t, ecs.AuditLogs, "documents")
	kinds := map[string]int{}
	var events []*record.Event
	for _, file := range []string{"attacks-a.jsonl.gz", "normal.jsonl.gz"} {
		for i, e := range readRecords(t, corpora.Shared(t, "corpora", file)) {
			kind := kindOf(e.Event)
			if kinds[kind]++; kinds[kind] <= 2 || i%50 == 0 {
				events = append(events, e)
			}
		}
	}
	s.put(events)
	assert.Equal(t, len(events), s.count(`{"match_all":{}}`))
	assert.Zero(t, s.count(`{"exists":{"field":"kubewitness.reduced"}}`))
	t.Logf("%d events of %d kinds", len(events), len(kinds))
}

// kindOf is what decides which fields an event has, for the most part.
func kindOf(e *audit.Event) string {
	root := e.Root()
	ref := root.Get("objectRef")
	var kind []string
	for _, v := range []audit.Value{root.Get("verb"), root.Get("level"), ref.Get("resource"), ref.Get("apiGroup"), ref.Get("subresource"), root.Path("responseStatus", "code")} {
		kind = append(kind, v.Text())
	}
	return strings.Join(append(kind, e.Stage), " ")
}

// hostileEvents are events made to be refused, besides those in files.
func hostileEvents(t *testing.T) []*record.Event {
	long := func(n int, s string) string { return strings.Repeat(s, n) }
	many := func(n int, format string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(format, i)
		}
		return strings.Join(parts, ",")
	}
	var events []*record.Event
	for name, members := range map[string]string{
		"long-texts": `"requestURI":"/` + long(100_000, "a") + `","userAgent":"` + long(40_000, "€") + `","verb":"` + long(20_000, "😀") +
			`","user":{"username":"` + long(33_000, "u") + `","groups":["` + long(8191, "€") + `","` + long(8192, "€") + `"]}`,
		"long-flattened": `"annotations":{"` + long(40_000, "k") + `":"v","k":"` + long(8191, "€") + `","` + long(1024, "k") + `":"` + long(8191, "€") + `","l":"` + long(100_000, "v") + `"}`,
		"many-keys":      `"annotations":{` + many(20_000, `"key-%d":"v"`) + `},"requestObject":{"metadata":{"labels":{` + many(5000, `"a.%d.b":"v"`) + `}},` + many(20_000, `"field%d":{"x":1}`) + `}`,
		"many-values":    `"sourceIPs":[` + many(5000, `"10.0.0.%d"`) + `],"user":{"groups":[` + many(20_000, `"g%d"`) + `]},"requestObject":{"rules":[` + many(20_000, `{"verbs":["v%d"]}`) + `]}`,
		"deep-labels":    `"requestObject":{"metadata":{"labels":` + long(3000, `{"a":`) + `1` + long(3000, "}") + `}}`,
		"deep-arrays":    `"requestObject":{"spec":{"containers":` + long(3000, `[`) + `{"name":"x"}` + long(3000, "]") + `}}`,
		"large":          `"requestObject":{"kind":"ConfigMap","data":{"x":"` + long(1<<20, `\\\"`) + `"}}`,
	} {
		raw := `{"kind":"Event","auditID":"` + name + `","stage":"ResponseComplete",` + members + `,"stageTimestamp":"2026-11-21T19:01:20Z"}`
		e, err := audit.NewReader(strings.NewReader(raw), name, audit.Limits{}).Next()
		require.NoError(t, err, name)
		events = append(events, recordOf(e))
	}
	return events
}

// TestHostileDocuments holds that there is nothing in an event for which the server
// refuses its document.
func TestHostileDocuments(t *testing.T) {
	t.Parallel()
	s := newStream(t, ecs.AuditLogs, "hostile")
	testdata := filepath.Join(corpora.Root(t), "pkg", "ecs", "testdata")
	events := append(readRecords(t, filepath.Join(testdata, "hostile.jsonl")), readRecords(t, filepath.Join(testdata, "events.jsonl"))...)
	events = append(events, hostileEvents(t)...)
	s.put(events)
	assert.Equal(t, len(events), s.count(`{"match_all":{}}`))

	var mapping map[string]struct{ Mappings json.RawMessage }
	s.call("GET", "/"+s.name+"/_mapping", nil, &mapping)
	for index, m := range mapping {
		assert.NotContains(t, string(m.Mappings), "key-", "%s: no key of a client's is in the mapping", index)
		assert.Less(t, len(m.Mappings), 2*len(ecs.Mapping(ecs.AuditLogs)))
	}
	for query, want := range map[string]int{
		`kubewitness.annotations.key-19999: v`:                                    1,
		`kubewitness.annotations.a.b: 1`:                                          1,
		`kubewitness.odd: "related.ip"`:                                           2,
		`kubernetes.audit.user.groups: g19999`:                                    1,
		`kubernetes.audit.requestObject.rules.verbs: v19999`:                      1,
		`kubernetes.audit.requestObject.spec.containers.name: x`:                  1,
		`@timestamp < "1970-01-01"`:                                               3,
		`@timestamp > "9999-01-01"`:                                               1,
		`kubernetes.audit.auditID: "long-texts" and kubernetes.audit.verb: *`:     0, // too long to be found
		`kubernetes.audit.auditID: "large" and kubewitness.what.action: "create"`: 0,
	} {
		assert.Equal(t, want, s.count(kql(query)), query)
	}
}

// TestReducedAndDetections holds that the server takes documents of the other shapes.
func TestReducedAndDetections(t *testing.T) {
	t.Parallel()
	events, detections := newStream(t, ecs.AuditLogs, "reduced"), newStream(t, ecs.Detections, "reduced")
	reduced, found := &bulk{s: events}, &bulk{s: detections}
	for _, e := range append(hostileEvents(t), readRecords(t, filepath.Join(corpora.Root(t), "pkg", "ecs", "testdata", "hostile.jsonl"))...) {
		e.Detections = []match.Detection{{
			Rule:   &rules.Rule{Name: "A rule", Priority: rules.Critical, Tags: []string{"mitre_execution", "T1609", "T1552.007"}},
			Output: e.Event.AuditID, Fields: []match.OutputField{{Key: "ka.user.name", Value: "jane"}, {Key: "ka.user", Value: uint64(1<<64 - 1)}, {Key: "jevt.value[/x]", Value: []string{"a", ""}}},
		}}
		reduced.add(ecs.ID(e), func(dst []byte) []byte { return ecs.AppendReduced(dst, e, &events.opts, "a reason") })
		found.add(ecs.DetectionID(e, 0), func(dst []byte) []byte { return ecs.AppendDetection(dst, e, 0, &detections.opts) })
	}
	for _, b := range []*bulk{reduced, found} {
		b.flush()
		require.Empty(t, b.refused)
		b.s.call("POST", "/"+b.s.name+"/_refresh", nil, nil)
	}
	assert.Equal(t, reduced.accepted, events.count(kql(`kubewitness.reduced: true and kubewitness.rules: "A rule" and error.message: reason`)))
	assert.Equal(t, found.accepted, detections.count(kql(`rule.name: "A rule" and kubewitness.output_fields.ka.user.name: jane and threat.technique.subtechnique.id: T1552.007 and event.severity >= 90`)))
}
