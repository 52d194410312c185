package ecs_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ecs"
)

// fieldsOf is the document of an event with these members, as far as tests look at it.
type fieldsOf struct {
	Event struct {
		Outcome        string
		Category, Type []string
	}
	Source, Client struct{ IP string }
	Related        struct{ IP, User []string }
	Kubewitness    struct {
		LastStage bool `json:"last_stage"`
	}
}

func documentOf(t *testing.T, members string, o *ecs.Options) (doc fieldsOf) {
	t.Helper()
	r := recordOf(parseEvent(t, `{"kind":"Event","auditID":"a","stageTimestamp":"2026-11-21T19:01:20Z",`+members+`}`))
	require.NoError(t, json.Unmarshal(ecs.AppendEvent(nil, r, o), &doc))
	return doc
}

func TestSource(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for _, c := range []struct {
		ips     string
		want    string
		related []string
	}{
		{`[]`, "", nil},
		{`["203.0.113.9"]`, "203.0.113.9", []string{"203.0.113.9"}},
		{`["198.51.100.1","203.0.113.9","10.1.1.1","2001:db8::7"]`, "203.0.113.9", []string{"198.51.100.1", "203.0.113.9", "10.1.1.1", "2001:db8::7"}},
		{`["10.2.2.2","10.1.1.1"]`, "10.2.2.2", []string{"10.2.2.2", "10.1.1.1"}},
		{`["203.0.113.9","::ffff:10.1.1.1"]`, "203.0.113.9", []string{"203.0.113.9", "10.1.1.1"}},
		{`["203.0.113.9","203.0.113.9","unknown"]`, "203.0.113.9", []string{"203.0.113.9"}},
		{`["fe80::1%eth0","10.1.1.1:443"]`, "", nil},
	} {
		doc := documentOf(t, `"stage":"ResponseComplete","sourceIPs":`+c.ips, &ecs.Options{Proxies: proxies})
		assert.Equal(t, c.want, doc.Source.IP, c.ips)
		assert.Equal(t, c.want, doc.Client.IP, c.ips)
		assert.Equal(t, c.related, doc.Related.IP, c.ips)
	}
	doc := documentOf(t, `"stage":"ResponseComplete","sourceIPs":["203.0.113.9","10.1.1.1"]`, &ecs.Options{})
	assert.Equal(t, "10.1.1.1", doc.Source.IP, "nobody is trusted unless told")
}

func TestOutcomeAndLastStage(t *testing.T) {
	for _, c := range []struct {
		stage, decision string
		code            int
		want            string
		last            bool
	}{
		{"RequestReceived", "", 0, "unknown", false},
		{"RequestReceived", "allow", 200, "unknown", false},
		{"ResponseStarted", "allow", 101, "success", false},
		{"ResponseStarted", "", 401, "failure", false},
		{"ResponseComplete", "allow", 200, "success", true},
		{"ResponseComplete", "allow", 399, "success", true},
		{"ResponseComplete", "allow", 400, "failure", true},
		{"ResponseComplete", "allow", 404, "failure", true},
		{"ResponseComplete", "forbid", 200, "failure", true},
		{"ResponseComplete", "allow", 0, "unknown", true},
		{"Panic", "allow", 200, "failure", true},
		{"", "", 200, "success", false},
	} {
		doc := documentOf(t, fmt.Sprintf(`"stage":%q,"responseStatus":{"code":%d},"annotations":{"authorization.k8s.io/decision":%q}`, c.stage, c.code, c.decision), &ecs.Options{})
		assert.Equal(t, c.want, doc.Event.Outcome, "%v", c)
		assert.Equal(t, c.last, doc.Kubewitness.LastStage, "%v", c)
	}
}

func TestCategoryAndType(t *testing.T) {
	for _, c := range []struct {
		verb, group, resource, sub string
		stage                      string
		code                       int
		category, typ              []string
	}{
		{"get", "", "pods", "", "ResponseComplete", 200, []string{"api"}, []string{"access", "allowed"}},
		{"list", "", "secrets", "", "ResponseComplete", 403, []string{"api"}, []string{"access", "denied"}},
		{"get", "", "secrets", "", "ResponseStarted", 401, []string{"api", "authentication"}, []string{"access", "denied"}},
		{"create", "", "configmaps", "", "ResponseComplete", 201, []string{"api", "configuration"}, []string{"creation", "allowed"}},
		{"patch", "apps", "deployments", "", "ResponseComplete", 200, []string{"api", "configuration"}, []string{"change", "allowed"}},
		{"deletecollection", "", "pods", "", "ResponseComplete", 200, []string{"api", "configuration"}, []string{"deletion", "allowed"}},
		{"watch", "", "pods", "", "ResponseStarted", 200, []string{"api"}, []string{"access", "allowed", "start"}},
		{"create", "", "pods", "exec", "ResponseComplete", 101, []string{"api", "process"}, []string{"access", "allowed", "end"}},
		{"create", "rbac.authorization.k8s.io", "roles", "", "ResponseComplete", 201, []string{"api", "iam"}, []string{"creation", "allowed"}},
		{"create", "", "serviceaccounts", "token", "ResponseComplete", 201, []string{"api", "iam"}, []string{"creation", "allowed"}},
		{"create", "authorization.k8s.io", "selfsubjectaccessreviews", "", "ResponseComplete", 201, []string{"api", "iam"}, []string{"access", "allowed"}},
	} {
		doc := documentOf(t, fmt.Sprintf(`"stage":%q,"verb":%q,"objectRef":{"apiGroup":%q,"resource":%q,"subresource":%q,"name":"x"},"responseStatus":{"code":%d},`+
			`"annotations":{"authorization.k8s.io/decision":"allow"}`, c.stage, c.verb, c.group, c.resource, c.sub, c.code), &ecs.Options{})
		assert.Equal(t, c.category, doc.Event.Category, "%v", c)
		assert.Equal(t, c.typ, doc.Event.Type, "%v", c)
	}
}

// TestWhatTheEventIs holds that an event of a webhook's list, whose elements say neither kind
// nor version, is found by queries that ask for these, as one of a log is.
func TestWhatTheEventIs(t *testing.T) {
	for raw, want := range map[string][3]string{
		`{"auditID":"a"}`: {"Event", "audit.k8s.io/v1", "audit.k8s.io/v1"},
		`{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a"}`: {"Event", "audit.k8s.io/v1", "audit.k8s.io/v1"},
		`{"kind":"Odd","auditID":"a"}`:                                  {"Odd", "", ""},
		`{"apiVersion":"v7","auditID":"a"}`:                             {"", "v7", "v7"},
		`{"kind":7,"auditID":"a"}`:                                      {"7", "", ""},
	} {
		r := recordOf(&audit.Event{Raw: []byte(raw)})
		for _, doc := range [][]byte{ecs.AppendEvent(nil, r, options()), ecs.AppendDetection(nil, full(r.Event), 0, options())} {
			var d struct {
				Kubernetes struct {
					Audit struct {
						AuditID    string
						Kind       any
						APIVersion string
					}
				}
				Orchestrator struct {
					APIVersion string `json:"api_version"`
				}
			}
			require.NoError(t, json.Unmarshal(doc, &d), string(doc))
			assert.Equal(t, "a", d.Kubernetes.Audit.AuditID, raw)
			got := [3]string{"", d.Kubernetes.Audit.APIVersion, d.Orchestrator.APIVersion}
			if d.Kubernetes.Audit.Kind != nil {
				got[0] = fmt.Sprint(d.Kubernetes.Audit.Kind)
			}
			assert.Equal(t, want, got, raw)
		}
	}
	var d map[string]any
	require.NoError(t, json.Unmarshal(ecs.AppendEvent(nil, recordOf(&audit.Event{Raw: []byte(`{}`)}), options()), &d))
	assert.Equal(t, map[string]any{"audit": map[string]any{"kind": "Event", "apiVersion": "audit.k8s.io/v1"}}, d["kubernetes"])
}
