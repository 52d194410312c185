package ecs_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// logEntry is a log entry with the event that is made of it.
type logEntry struct {
	name  string // file/name
	entry map[string]any
	event *record.Event
}

// logEntries are those of the converter's tests that it makes an event of.
func logEntries(t testing.TB) (all []logEntry) {
	t.Helper()
	files, err := filepath.Glob("../ingest/gcp/testdata/entries/*.txtar")
	require.NoError(t, err)
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		require.NoError(t, err)
		for _, f := range a.Files {
			name, isEntry := strings.CutSuffix(f.Name, ": entry")
			if !isEntry {
				continue
			}
			made, err := gcp.Converter{}.Convert(f.Data)
			if err != nil {
				continue
			}
			x := logEntry{name: strings.TrimSuffix(filepath.Base(file), ".txtar") + "/" + name, event: recordOf(parseEvent(t, string(made.Raw)))}
			x.event.ID, x.event.Source = made.Identity, "pubsub"
			require.NoError(t, json.Unmarshal(f.Data, &x.entry), name)
			all = append(all, x)
		}
	}
	return all
}

func (x *logEntry) has(keys ...string) any { return has(x.entry, keys...) }

// has goes down an object; nil where it ends.
func has(v any, keys ...string) any {
	for _, key := range keys {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func (x *logEntry) payload() map[string]any {
	for _, key := range []string{"protoPayload", "jsonPayload"} {
		if p, ok := x.entry[key].(map[string]any); ok {
			return p
		}
	}
	return nil
}

func gcpDocument(t testing.TB, e *record.Event) (doc map[string]any, raw []byte) {
	t.Helper()
	raw = ecs.AppendGCPAudit(nil, e, options())
	require.NoError(t, newCheck(ecs.GCPAudit).document(raw), string(e.Event.Raw))
	require.NoError(t, json.Unmarshal(raw, &doc))
	return doc, raw
}

// canonical is a resource name in the spelling that GKE writes: others the event does not
// keep.
func canonical(name string) string {
	for _, other := range [][2]string{{"/apis/apps/v1/", "apps/v1/"}, {"/api/v1/", "core/v1/"}} {
		if rest, ok := strings.CutPrefix(name, other[0]); ok {
			return other[1] + rest
		}
	}
	return strings.TrimSuffix(name, "/exec/web-1") + strings.Repeat("/exec", strings.Count(name, "/exec/web-1"))
}

// untold are the entries whose names do not stand where they do otherwise, or not as GKE
// writes them: of two groups that of the resource counts.
var untold = map[string]bool{"custom/method and resource from authorizationInfo": true, "custom/custom resources deleted as a collection": true,
	"writes/pod created, its name in the body alone": true}

// otherwise are entries whose members have other names, which the converter knows.
var otherwise = map[string]bool{"shapes/row of BigQuery": true, "shapes/row of BigQuery, the body cut off": true}

// TestGCPAuditIsTheEntry compares what Elastic's rules read in documents with the entries
// that their events were made of: nothing is got from elsewhere, and nothing is lost.
func TestGCPAuditIsTheEntry(t *testing.T) {
	seen := map[string]int{}
	for _, x := range logEntries(t) {
		if otherwise[x.name] {
			continue
		}
		if !ecs.FromGKE(x.event) {
			seen["as the API server wrote it"]++
			continue
		}
		t.Run(x.name, func(t *testing.T) {
			doc, _ := gcpDocument(t, x.event)
			p := x.payload()
			same := func(field string, want any) {
				t.Helper()
				if want == "" {
					want = nil
				}
				if want != nil {
					seen[field]++
				}
				assert.Equal(t, want, has(doc, strings.Split(field, ".")...), field)
			}
			if !untold[x.name] {
				method, _ := p["methodName"].(string)
				same("event.action", method)
				name, _ := p["resourceName"].(string)
				same("gcp.audit.resource_name", canonical(name))
			}
			id, _ := x.entry["insertId"].(string)
			if x.has("split") != nil {
				id = strings.TrimSuffix(id, ".1")
			}
			same("event.id", id)
			same("client.user.email", has(p, "authenticationInfo", "principalEmail"))
			same("user.email", has(p, "authenticationInfo", "principalEmail"))
			same("gcp.audit.authentication_info.authority_selector", has(p, "authenticationInfo", "authoritySelector"))
			same("user_agent.original", has(p, "requestMetadata", "callerSuppliedUserAgent"))
			cluster, named := x.has("resource", "labels", "cluster_name").(string)
			if !named {
				cluster = "prod"
			}
			same("orchestrator.cluster.name", cluster)
			same("cloud.project.id", x.has("resource", "labels", "project_id"))
			same("cloud.availability_zone", x.has("resource", "labels", "location"))
			caller, _ := has(p, "requestMetadata", "callerIp").(string)
			if _, err := netip.ParseAddr(caller); err == nil {
				same("source.ip", caller)
			} else {
				same("gcp.audit.request_metadata.raw.caller_ip", caller)
				same("source.ip", nil)
			}
			labels, _ := x.entry["labels"].(map[string]any)
			compareLabels(t, labels, has(doc, "gcp", "audit", "labels"))
			assert.Equal(t, elasticOutcome(x), has(doc, "event", "outcome"))
			assert.Equal(t, "k8s.io", has(doc, "service", "name"))
			assert.Equal(t, "gcp.audit", has(doc, "data_stream", "dataset"))
		})
	}
	for _, field := range []string{
		"event.action", "gcp.audit.resource_name", "client.user.email", "source.ip", "gcp.audit.request_metadata.raw.caller_ip",
		"gcp.audit.authentication_info.authority_selector", "user_agent.original", "cloud.project.id", "as the API server wrote it",
	} {
		assert.Positive(t, seen[field], "%s: no entry has it", field)
	}
	assert.Greater(t, seen["event.action"], 60)
}

// compareLabels holds that a document has the labels of an entry that are texts.
func compareLabels(t *testing.T, want map[string]any, got any) {
	t.Helper()
	texts := map[string]any{}
	for key, value := range want {
		if s, ok := value.(string); ok && !strings.HasPrefix(key, "gcp.kubewitness.io/") && key != "cluster_name" && key != "location" && key != "project_id" {
			texts[key] = s
		}
	}
	have, _ := got.(map[string]any)
	delete(have, "audit.k8s.io/truncated") // is added to an entry of which a part is missing
	assert.True(t, maps.Equal(texts, have), "labels: %v, not %v", have, texts)
}

// elasticOutcome is what Elastic's pipeline says of an entry, but of streams that were let
// through, whose code can be UNKNOWN.
func elasticOutcome(x logEntry) string {
	p := x.payload()
	code, coded := has(p, "status", "code").(float64)
	info, _ := p["authorizationInfo"].([]any)
	granted := len(info) == 1 && fmt.Sprint(has(info[0], "granted")) == "true" // or as a text
	name, _ := p["resourceName"].(string)
	stream := strings.Contains(name, "/exec") || strings.Contains(name, "/attach") || strings.Contains(name, "/portforward")
	switch {
	case coded && code == 2 && stream && (granted || x.has("labels", "authorization.k8s.io/decision") == "allow"):
		return "success"
	case coded && code == 0, !coded && granted:
		return "success"
	case coded, len(info) == 1:
		return "failure"
	}
	return "unknown"
}

// TestGCPAuditGolden shows documents of what Elastic's rules look for, and of some that are
// hard to read.
func TestGCPAuditGolden(t *testing.T) {
	names := map[string]bool{}
	for _, x := range logEntries(t) {
		file := strings.NewReplacer("/", "-", " ", "-", ",", "").Replace(x.name)
		if !shown[x.name] {
			continue
		}
		names[x.name] = true
		t.Run(file, func(t *testing.T) {
			_, raw := gcpDocument(t, x.event)
			golden(t, filepath.Join("testdata", "gcp", file+".json"), indented(t, raw))
		})
	}
	assert.Len(t, names, len(shown))
	x := logEntries(t)[0]
	reduced := ecs.AppendReducedGCPAudit(nil, x.event, options(), "it was refused: \xff")
	require.NoError(t, newCheck(ecs.GCPAudit).document(reduced))
	golden(t, filepath.Join("testdata", "gcp", "reduced.json"), indented(t, reduced))
}

var shown = map[string]bool{
	"access/cluster role bound": true, "access/webhook registered": true, "connections/exec, the begin": true, "connections/exec, the end": true,
	"connections/exec, denied": true, "connections/proxy to a node": true, "custom/custom resource created": true, "reads/secrets of the cluster": true,
	"reads/secret denied": true, "reads/path": true, "users/nobody, allowed": true, "users/acting as another": true, "users/known by subject only": true,
	"users/from inside Google": true, "users/everything of the wrong type": true, "writes/pod created": true, "writes/JSON patch": true,
	"statuses/exists already": true,
}

// TestGCPAuditOfOddEvents takes events that say they are of GKE and hold anything.
func TestGCPAuditOfOddEvents(t *testing.T) {
	check := newCheck(ecs.GCPAudit)
	events := append(readFile(t, "testdata/events.jsonl"), readFile(t, "testdata/hostile.jsonl")...)
	for _, e := range append(events, corpus(t)...) {
		r := full(e)
		assert.False(t, ecs.FromGKE(r), e.AuditID)
		require.NoError(t, check.document(ecs.AppendGCPAudit(nil, r, options())), string(e.Raw))
		require.NoError(t, check.document(ecs.AppendReducedGCPAudit(nil, r, options(), "why")), string(e.Raw))
	}
	for _, odd := range []string{
		`"annotations":{"gcp.kubewitness.io/insert-id":7}`, `"annotations":[]`, `"annotations":{"gcp.kubewitness.io/insert-id":"a","gcp.kubewitness.io/insert-id":"b","x":["y"],"":"z"}`,
		`"annotations":{"gcp.kubewitness.io/insert-id":"a","gcp.kubewitness.io/receive-timestamp":"never","gcp.kubewitness.io/reconstructed":"user.username"},"user":{"username":"x"},"sourceIPs":["fe80::1%eth0"]`,
		`"requestObject":[{"op":"add"}],"responseObject":{"status":"Failure","status_value":{},"status":null,"a":null}`, `"requestObject":"x","responseObject":{"status":{"a":[[[[[[1]]]]]]}}`,
		`"requestObject":` + strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), `"objectRef":{"resource":"a/b","subresource":"c","namespace":7},"requestURI":"/%zz"`,
	} {
		e := parseEvent(t, `{"kind":"Event","auditID":"odd","stage":"ResponseComplete","stageTimestamp":"2026-11-21T19:01:20Z",`+odd+`}`)
		require.NoError(t, check.document(ecs.AppendGCPAudit(nil, recordOf(e), options())), odd)
	}
	for _, x := range logEntries(t) {
		require.NoError(t, check.document(ecs.AppendGCPAudit(nil, x.event, options())), x.name)
		require.NoError(t, check.document(ecs.AppendReducedGCPAudit(nil, x.event, options(), "why")))
	}
	for name := range check.fields {
		if !strings.HasPrefix(name, "source.as.") && !strings.HasPrefix(name, "source.geo.") {
			assert.True(t, check.seen[name], "%s: no document has it", name)
		}
	}
}

// gcpContract are the fields that Elastic's rules for GKE read, with the types that they
// need.
var gcpContract = map[string]string{
	"data_stream.dataset": "keyword", "event.action": "keyword", "event.outcome": "keyword", "event.type": "keyword", "service.name": "keyword",
	"client.user.email": "keyword", "user.email": "keyword", "user_agent.original": "keyword", "source.ip": "ip", "event.ingested": "date",
	"gcp.audit.resource_name": "keyword", "gcp.audit.labels": "flattened", "gcp.audit.request": "flattened", "gcp.audit.response": "flattened",
	"gcp.audit.status.message": "keyword", "gcp.audit.authentication_info.authority_selector": "keyword",
	"orchestrator.namespace": "keyword", "orchestrator.resource.name": "keyword", "source.as.number": "long", "source.as.organization.name": "keyword",
}

func TestGCPAuditMapping(t *testing.T) {
	root, types := mappingOf(t, ecs.GCPAudit), map[string]string{}
	assert.Equal(t, false, root.Dynamic)
	root.walk("", func(name string, p property) {
		types[name] = p.Type
		assert.Contains(t, everywhere, p.Type, name)
	})
	for name, typ := range gcpContract {
		assert.Equal(t, typ, types[name], name)
	}
	assert.Len(t, types, len(ecs.FieldsOf(ecs.GCPAudit)))
}

// FuzzGCPAudit takes any event.
func FuzzGCPAudit(f *testing.F) {
	for _, x := range logEntries(f) {
		f.Add([]byte(x.event.Event.Raw))
	}
	check := newCheck(ecs.GCPAudit)
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := audit.NewReader(bytes.NewReader(raw), "fuzz", audit.Limits{}).Next()
		if err != nil {
			return
		}
		for _, doc := range [][]byte{ecs.AppendGCPAudit(nil, full(e), options()), ecs.AppendReducedGCPAudit(nil, full(e), options(), string(raw))} {
			if err := check.document(doc); err != nil {
				t.Fatal(err)
			}
		}
	})
}
