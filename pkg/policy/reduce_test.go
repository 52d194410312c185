package policy_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/kubewitness/kubewitness/pkg/policy"
)

// whole is an event with something of everything.
const whole = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"1","stage":"ResponseComplete",
"requestURI":"/api/v1/namespaces/shop/configmaps?dryRun=All&fieldManager=x","verb":"create",
"user":{"username":"jane","uid":"7","groups":["dev","system:authenticated"]},"impersonatedUser":{"username":"joe","groups":["ops"]},
"objectRef":{"resource":"configmaps","namespace":"shop","name":"made-by-the-body","apiVersion":"v1"},"responseStatus":{"code":201},
"requestObject":{"metadata":{"name":"made-by-the-body","managedFields":[{"manager":"a"}]},"data":{"a":"<b>"}},
"responseObject":{"metadata":{"managedFields":[]},"items":[{"metadata":{"managedFields":1,"uid":"u"}}],"rows":[{"cells":[],"object":{"metadata":{"managedFields":2}}}]},
"stageTimestamp":"2026-11-30T08:00:00.000000Z"}`

const head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"

func TestReduce(t *testing.T) {
	for _, tt := range []struct {
		name, policy string
		want         string // what is left but for the envelope; "": nothing
	}{
		{"everything", "rules: [{level: RequestResponse}]", whole},
		{"nothing fits", "rules: [{level: Metadata, verbs: [get]}]", ""},
		{"none", "rules: [{level: None}]", ""},
		{"another stage", "omitStages: [ResponseComplete]\nrules: [{level: Metadata}]", ""},
		{"stage of the rule", "rules: [{level: Metadata, omitStages: [ResponseComplete]}]", ""},
		{"the name in the body does not count", "rules: [{level: Metadata, resources: [{group: '', resources: [configmaps], resourceNames: [made-by-the-body]}]}]", ""},
		{"a group", "rules: [{level: Metadata, userGroups: [dev]}]", "neither"},
		{"not the group of the other", "rules: [{level: Metadata, userGroups: [ops]}]", ""},
		{"metadata", "rules: [{level: Metadata}]", "neither"},
		{"request", "rules: [{level: Request}]", "request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := policy.Load("policy", []byte(head+tt.policy))
			require.NoError(t, err)
			e := read(t, "whole", []byte(whole))[0]
			got, err := policy.APIServer(p).Reduce(e)
			require.NoError(t, err)
			if tt.want == "" {
				assert.Nil(t, got)
				return
			}
			require.NotNil(t, got)
			var v auditv1.Event
			require.NoError(t, json.Unmarshal(got.Raw, &v))
			assert.Equal(t, "made-by-the-body", v.ObjectRef.Name)
			switch tt.want {
			case whole:
				assert.JSONEq(t, whole, string(got.Raw))
			case "neither":
				assert.Equal(t, auditv1.LevelMetadata, v.Level)
				assert.Nil(t, v.RequestObject)
				assert.Nil(t, v.ResponseObject)
			case "request":
				assert.Equal(t, auditv1.LevelRequest, v.Level)
				assert.NotNil(t, v.RequestObject)
				assert.Nil(t, v.ResponseObject)
			}
		})
	}
}

func TestReduceManagedFields(t *testing.T) {
	p, err := policy.Load("policy", []byte(head+"omitManagedFields: true\nrules: [{level: RequestResponse}]"))
	require.NoError(t, err)
	got, err := policy.APIServer(p).Reduce(read(t, "whole", []byte(whole))[0])
	require.NoError(t, err)
	assert.NotContains(t, string(got.Raw), "managedFields")
	assert.Contains(t, string(got.Raw), `{"metadata":{"uid":"u"}}`)
	assert.Contains(t, string(got.Raw), `"a":"<b>"`)
	again, err := policy.APIServer(p).Reduce(got)
	require.NoError(t, err)
	assert.Equal(t, string(got.Raw), string(again.Raw), "what was reduced stays so")
}

func TestReduceOnGKE(t *testing.T) {
	got, err := policy.GKE(policy.Builtin("full"), true).Reduce(read(t, "whole", []byte(whole))[0])
	require.NoError(t, err)
	assert.Contains(t, string(got.Raw), `"requestURI":"/api/v1/namespaces/shop/configmaps?dryRun=All"`)
	assert.Contains(t, string(got.Raw), `"user":{"username":"jane"}`)
	assert.Contains(t, string(got.Raw), `"impersonatedUser":{"username":"joe"}`)
	secret := `{"kind":"EventList","items":[{"auditID":"1","stage":"ResponseComplete","verb":"get","user":{"username":"jane"},"requestURI":"/api/v1/namespaces/shop/secrets/db","objectRef":{"resource":"secrets","namespace":"shop","name":"db"},"stageTimestamp":"2026-11-30T08:00:00Z"}]}`
	event := read(t, "secret", []byte(secret))[0]
	got, err = policy.GKE(nil, false).Reduce(event)
	require.NoError(t, err)
	assert.Nil(t, got, "a read is in the Data Access log")
	got, err = policy.GKE(nil, true).Reduce(event)
	require.NoError(t, err)
	assert.NotNil(t, got)
}

// TestRecord asks for the rule that fits, besides what the evaluator says.
func TestRecord(t *testing.T) {
	p := policy.Builtin("gce")
	nobody := policy.Request{Verb: "get", Path: "/api"}
	assert.Equal(t, policy.Metadata, p.Record(&nobody).Level, "a failed login is of no group")
	assert.Equal(t, p.Rules(), p.Record(&nobody).Rule, "the last one")
	node := policy.Request{Verb: "get", User: "system:node:n1", Groups: policy.GroupsOf("system:node:n1"), Resource: "nodes", Name: "n1"}
	assert.Equal(t, policy.None, p.Record(&node).Level)
	assert.Equal(t, 4, p.Record(&node).Rule)
	jane := policy.Request{Verb: "patch", User: "jane", Group: "apps", Resource: "deployments", Subresource: "scale", Namespace: "shop", Name: "web"}
	assert.Equal(t, policy.RequestResponse, p.Record(&jane).Level)
	assert.Equal(t, []string{"RequestReceived"}, p.Record(&jane).OmitStages)
	other, err := policy.Load("p", []byte(head+"rules: [{level: Metadata, verbs: [list]}]"))
	require.NoError(t, err)
	assert.Equal(t, policy.Recording{}, policy.Recording{Level: other.Record(&jane).Level, Rule: other.Record(&jane).Rule})
}

func TestLoadTells(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "it does not begin with apiVersion: audit.k8s.io/v1 and kind: Policy"},
		{"rules: [{level: Metadata}]", "it does not begin with apiVersion: audit.k8s.io/v1 and kind: Policy"},
		{head, "0 rules"},
		{head + "rules: [{level: All}]", `rules[0].level: Unsupported value: "All"`},
		{head + "rules: [{level: Metadata, nonResourceURLs: [healthz]}]", "rules[0].nonResourceURLs[0]"},
		{head + "omitStages: [Complete]\nrules: [{level: Metadata}]", "omitStages[0]"},
		{"apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: [{level: Metadata}]", "v1beta1"},
		{"{", "yaml"},
	} {
		_, err := policy.Load("x.yaml", []byte(tt.text))
		var le *policy.LoadError
		require.ErrorAs(t, err, &le, tt.text)
		assert.ErrorContains(t, err, "x.yaml: no audit policy: ", tt.text)
		assert.ErrorContains(t, err, tt.want, tt.text)
	}
	p, err := policy.Load("x.yaml", []byte(head+"rules: [{level: Metadata, verb: [get]}]"))
	require.NoError(t, err)
	assert.Equal(t, []string{`unknown field "rules[0].verb"; the API server passes over it`}, p.Warnings)
	assert.Equal(t, policy.Metadata, p.Record(&policy.Request{Verb: "list", Resource: "pods"}).Level, "it fits more than was meant")
}
