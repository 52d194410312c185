package ruletest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ruletest"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// made gives the events of a template.
func made(t *testing.T, template map[string]any) []*audit.Event {
	t.Helper()
	content, err := json.Marshal([]any{map[string]any{"test": "made", "event": template, "detect": []any{}}})
	require.NoError(t, err)
	f, err := ruletest.Parse(ruletest.Source{Name: "made", Content: content})
	require.NoError(t, err, "%s", content)
	return f.Tests[0].Events
}

// decode reads an event by the API server's own types, which must know all that is in it.
func decode(t *testing.T, raw []byte) *auditv1.Event {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	e := new(auditv1.Event)
	require.NoError(t, dec.Decode(e), "%s", raw)
	return e
}

// templateOf describes a recorded request. ok is false for what a template does not try to
// describe.
func templateOf(t *testing.T, last *auditv1.Event) (template map[string]any, ok bool) {
	t.Helper()
	u, err := url.Parse(last.RequestURI)
	require.NoError(t, err)
	template = map[string]any{"verb": last.Verb, "agent": last.UserAgent, "source_ip": last.SourceIPs, "audit_id": string(last.AuditID)}
	if last.User.Username != "" {
		user := map[string]any{"name": last.User.Username, "groups": last.User.Groups}
		if last.User.UID != "" {
			user["uid"] = last.User.UID
		}
		if len(last.User.Extra) > 0 {
			user["extra"] = last.User.Extra
		}
		template["user"] = user
	}
	query := map[string]any{}
	for name, values := range u.Query() {
		if name != "watch" || last.Verb != "watch" {
			query[name] = values
		}
	}
	ref := last.ObjectRef
	if ref == nil {
		template["uri"] = last.RequestURI
	} else {
		if ref.Name != "" && (last.Verb == "list" || last.Verb == "watch") || ref.Subresource == "proxy" {
			return nil, false
		}
		resource := ref.Resource
		if ref.APIGroup != "" {
			resource += "." + ref.APIGroup
		}
		if ref.Subresource == "exec" || ref.Subresource == "attach" {
			template["container"] = query["container"].([]string)[0]
			if query["command"] != nil {
				template["command"] = query["command"]
			}
			for _, key := range []string{"command", "container", "stdin", "stdout", "stderr", "tty"} {
				delete(query, key)
			}
		}
		if ref.Subresource != "" {
			resource += "/" + ref.Subresource
		}
		template["resource"], template["version"] = resource, ref.APIVersion
		if ref.Namespace != "" && ref.Resource != "namespaces" {
			template["namespace"] = ref.Namespace
		}
		if ref.Name != "" {
			template["name"] = ref.Name
		}
		template["query"] = query
	}
	switch {
	case last.RequestObject != nil:
		template["request"] = json.RawMessage(last.RequestObject.Raw)
	case ref != nil && ref.UID != "": // the object was there, and is not recorded
		template["request"] = map[string]any{"metadata": map[string]any{"uid": ref.UID, "resourceVersion": ref.ResourceVersion}}
	}
	if status := last.ResponseStatus; status != nil {
		template["code"] = status.Code
		if status.Message != "" {
			template["message"] = status.Message
		}
	}
	if decision := last.Annotations["authorization.k8s.io/decision"]; decision != "" {
		template["decision"], template["annotations"] = decision, last.Annotations
	}
	return template, true
}

// requests gives recorded events by the request that they belong to.
func requests(t *testing.T, path string) (order []string, of map[string][]*auditv1.Event) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	of = map[string][]*auditv1.Event{}
	for r := audit.NewReader(f, path, audit.Limits{}); ; {
		e, err := r.Next()
		if err == io.EOF {
			return order, of
		}
		require.NoError(t, err)
		decoded := decode(t, e.Raw)
		id := fmt.Sprint(e.AuditID, decoded.RequestURI, decoded.RequestReceivedTimestamp) // the auditID alone is the client's choice
		if of[id] == nil {
			order = append(order, id)
		}
		of[id] = append(of[id], decoded)
	}
}

// TestFaithful describes recorded requests by templates: they give the events that the API
// server wrote, all but times and what only the server knows. Of this recording stages,
// and objects of some events, were left out.
func TestFaithful(t *testing.T) {
	order, of := requests(t, filepath.Join(corpora.Root(t), "examples", "sample", "audit.jsonl"))
	compared := 0
	for _, id := range order {
		recorded := of[id]
		last := recorded[len(recorded)-1]
		template, ok := templateOf(t, last)
		if !ok {
			continue
		}
		var stages []string
		for _, e := range recorded {
			stages = append(stages, string(e.Stage))
		}
		template["stage"], template["level"] = stages, last.Level
		compareAll(t, recorded, made(t, template), true)
		compared++
	}
	assert.Greater(t, compared, 150)
}

// TestFaithfulStages does so for a recording of everything: the stages too are those that
// the API server wrote.
func TestFaithfulStages(t *testing.T) {
	order, of := requests(t, corpora.Shared(t, "corpora", "attacks-a.jsonl.gz"))
	compared := 0
	for _, id := range order {
		recorded := of[id]
		last := recorded[len(recorded)-1]
		if last.ResponseStatus == nil || last.ResponseStatus.Code != 401 &&
			(last.Stage != auditv1.StageResponseComplete || recorded[0].Stage != auditv1.StageRequestReceived) {
			continue // cut off by the begin or end of the recording, or open to the end
		}
		if template, ok := templateOf(t, last); ok {
			template["level"] = last.Level
			compareAll(t, recorded, made(t, template), false)
			compared++
		}
		if t.Failed() {
			return
		}
	}
	assert.Greater(t, compared, 1000)
}

func compareAll(t *testing.T, recorded []*auditv1.Event, events []*audit.Event, stripped bool) {
	t.Helper()
	last := recorded[len(recorded)-1]
	require.Len(t, events, len(recorded), "%s %s", last.Verb, last.RequestURI)
	for i, want := range recorded {
		assertSame(t, want, decode(t, events[i].Raw), stripped)
	}
}

func assertSame(t *testing.T, want, got *auditv1.Event, stripped bool) {
	t.Helper()
	msg := fmt.Sprintf("%s %s %s", want.Stage, want.Verb, want.RequestURI)
	wantURI, _ := url.Parse(want.RequestURI)
	gotURI, err := url.Parse(got.RequestURI)
	require.NoError(t, err)
	assert.Equal(t, wantURI.Path, gotURI.Path, msg)
	wantQuery, gotQuery := wantURI.Query(), gotURI.Query()
	for _, stream := range []string{"stdin", "stdout", "stderr", "tty"} { // kubectl's choice, others choose differently
		delete(wantQuery, stream)
		delete(gotQuery, stream)
	}
	assert.Equal(t, wantQuery, gotQuery, msg)
	assert.Equal(t, want.TypeMeta, got.TypeMeta)
	if !stripped {
		assert.Equal(t, want.Level, got.Level, msg)
	}
	assert.Equal(t, want.AuditID, got.AuditID)
	assert.Equal(t, want.User, got.User, msg)
	assert.Equal(t, want.ImpersonatedUser, got.ImpersonatedUser, msg)
	assert.Equal(t, want.SourceIPs, got.SourceIPs)
	assert.Equal(t, want.UserAgent, got.UserAgent)
	assert.Equal(t, want.ObjectRef, got.ObjectRef, msg)
	for _, of := range []map[string]string{want.Annotations, got.Annotations} {
		maps.DeleteFunc(of, func(key, _ string) bool { return strings.HasPrefix(key, "apiserver.latency.k8s.io/") }) // of slow ones, at the end
	}
	assert.Equal(t, want.Annotations, got.Annotations, msg)
	if !strings.HasPrefix(want.Verb, "delete") && !stripped { // kubectl sends options, other clients do not
		assert.Equal(t, want.RequestObject == nil, got.RequestObject == nil, "%s: request object", msg)
	}
	if want.RequestObject != nil && got.RequestObject != nil {
		assert.Equal(t, object(t, want.RequestObject.Raw), object(t, got.RequestObject.Raw), msg)
	}
	if want.ResponseStatus != nil && want.ResponseStatus.Code >= 400 && want.ResponseStatus.Status == "" {
		return // no API answered, as where a group is not served
	}
	if want.ResponseStatus != nil && assert.NotNil(t, got.ResponseStatus, msg) {
		w, g := *want.ResponseStatus, *got.ResponseStatus
		w.Details, g.Details = nil, nil
		if w.Status == "Success" && g.Status == "" {
			g.Status = "Success" // which a deletion's answer has or not, by the kind
		}
		assert.Equal(t, w, g, msg)
	}
}

// object reads a request's object, without what kubectl fills in and other clients need not.
func object(t *testing.T, raw []byte) any {
	t.Helper()
	var o any
	require.NoError(t, json.Unmarshal(raw, &o))
	if whole, ok := o.(map[string]any); ok {
		meta, _ := whole["metadata"].(map[string]any)
		delete(meta, "name")
		delete(meta, "namespace")
		if len(meta) == 0 {
			delete(whole, "metadata")
		}
	}
	return o
}

// The values of which random templates are made.
var (
	someUsers     = []any{"bob", "system:serviceaccount:a:b", "system:node:n", "system:anonymous", map[string]any{"name": "x", "uid": "u", "extra": map[string]any{"k": []any{"v", ""}}}}
	someVerbs     = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
	someResources = []string{"pods", "pods/exec", "pods/log", "pods/eviction", "pods/binding", "pods/ephemeralcontainers", "deployments", "deployments/scale",
		"cronjobs", "secrets", "serviceaccounts/token", "namespaces", "nodes", "nodes/proxy", "clusterroles", "widgets.example.org", "pods.metrics.k8s.io", "events.events.k8s.io"}
	someTexts = []string{"web", "a b", "ü\u2028<", `"\`, "x/../y", "%2f"}
)

func oneOf[T any](rnd *rand.Rand, list []T) T { return list[rnd.IntN(len(list))] }

// randomTemplate makes a template; not each is one that the reader takes.
func randomTemplate(rnd *rand.Rand) map[string]any {
	resource := oneOf(rnd, someResources)
	out := map[string]any{"verb": oneOf(rnd, someVerbs), "resource": resource, "name": oneOf(rnd, someTexts)}
	if !slices.Contains([]string{"namespaces", "nodes", "nodes/proxy", "clusterroles"}, resource) {
		out["namespace"] = oneOf(rnd, someTexts)
	}
	maybe := func(key string, value any) {
		if rnd.IntN(4) == 0 {
			out[key] = value
		}
	}
	maybe("user", oneOf(rnd, someUsers))
	maybe("as", oneOf(rnd, someUsers))
	maybe("code", oneOf(rnd, []int{101, 200, 201, 400, 401, 403, 404, 409, 422, 500, 503}))
	maybe("decision", oneOf(rnd, []string{"allow", "forbid"}))
	maybe("level", oneOf(rnd, []string{"Metadata", "Request", "RequestResponse"}))
	maybe("stage", []any{oneOf(rnd, []string{"RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"})})
	maybe("agent", oneOf(rnd, append(someTexts, "")))
	maybe("message", oneOf(rnd, someTexts))
	maybe("query", map[string]any{oneOf(rnd, someTexts): []any{oneOf(rnd, someTexts), 1}})
	maybe("annotations", map[string]any{"a/b": oneOf(rnd, someTexts)})
	maybe("request", map[string]any{"metadata": map[string]any{"labels": map[string]any{"a": oneOf(rnd, someTexts)}}, "spec": map[string]any{"n": 1.5}})
	maybe("response", map[string]any{"kind": "X", "list": []any{1, nil, true}})
	maybe("dry_run", true)
	maybe("at", oneOf(rnd, []string{"5s", "3d", "2026-02-03T04:05:06Z"}))
	maybe("source_ip", []any{"10.0.0.1", "2001:db8::1"})
	if strings.HasPrefix(resource, "pods/e") && rnd.IntN(2) == 0 {
		out["command"] = []any{"sh", oneOf(rnd, someTexts)}
	}
	if out["verb"] == "patch" {
		maybe("apply", true)
	}
	if resource == "pods" || resource == "cronjobs" {
		maybe("pod", map[string]any{"hostPID": true, "containers": []any{map[string]any{"name": "c", "image": "i"}}})
		maybe("image", "registry.example/i:1")
	}
	return out
}

// TestTemplatesDecode reads what random templates give by the API server's types.
func TestTemplatesDecode(t *testing.T) {
	taken := 0
	for seed := range uint64(800) {
		template := randomTemplate(rand.New(rand.NewPCG(seed, 0)))
		content, err := json.Marshal([]any{map[string]any{"test": "random", "event": template, "detect": []any{}}})
		require.NoError(t, err)
		f, err := ruletest.Parse(ruletest.Source{Name: "random", Content: content})
		if err != nil {
			continue
		}
		taken++
		for _, e := range f.Tests[0].Events {
			got := decode(t, e.Raw)
			assert.True(t, got.StageTimestamp.Time.Equal(e.Time))
			if template["code"] != 401 {
				assert.NotEmpty(t, got.User.Username, "seed %d", seed)
				assert.NotEmpty(t, got.User.Groups, "seed %d", seed)
			}
			_, err := url.ParseRequestURI(got.RequestURI)
			require.NoError(t, err, "seed %d", seed)
			assert.Equal(t, got.Stage != auditv1.StageRequestReceived, got.ResponseStatus != nil, "seed %d", seed)
		}
	}
	assert.Greater(t, taken, 400)
}
