package field_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

func took(received, stage string) string {
	return `{"requestReceivedTimestamp":"` + received + `","stageTimestamp":"` + stage + `"}`
}

func uri(s string) string { return `{"requestURI":"` + s + `"}` }

const deleted = `{"requestURI":"/x","verb":"delete","requestObject":{"kind":"DeleteOptions","dryRun":["All"]}}`

var whatCases = []extractCase{
	{"kw.level", `{"level":"Metadata"}`, texts("Metadata")},
	{"kw.level", `{"level":null}`, nil},
	{"kw.object.name", `{"objectRef":{"name":"web"},"responseObject":{"metadata":{"name":"other"}}}`, texts("web")},
	{"kw.object.name", `{"objectRef":{"resource":"pods"},"requestObject":{"metadata":{"generateName":"web-"}},"responseObject":{"metadata":{"name":"web-x1"}}}`, texts("web-x1")},
	{"kw.object.name", `{"objectRef":{"name":""},"requestObject":{"metadata":{"name":"web"}}}`, texts("web")},
	{"kw.object.apigroup", `{"objectRef":{"apiGroup":"apps"}}`, texts("apps")},
	{"kw.object.apigroup", `{"objectRef":{"resource":"pods"}}`, texts("")},
	{"kw.object.apiversion", `{"objectRef":{"apiVersion":"v1"}}`, texts("v1")},
	{"kw.object.uid", `{"objectRef":{"uid":"u-1"},"responseObject":{"metadata":{"uid":"u-2"}}}`, texts("u-1")},
	{"kw.object.uid", `{"responseObject":{"metadata":{"uid":"u-2"}}}`, texts("u-2")},
	{"kw.response.code", `{"responseStatus":{"code":201}}`, texts("201")},
	{"kw.response.code", `{"responseStatus":{"code":"201"}}`, nil},
	{"kw.response.code", `{"responseStatus":{"code":-1}}`, nil},
	{"kw.response.status", `{"responseStatus":{"status":"Failure"}}`, texts("Failure")},
	{"kw.response.message", `{"responseStatus":{"message":"no"}}`, texts("no")},
	{"kw.latency", took("2024-01-02T03:04:05.000001Z", "2024-01-02T03:04:05.500002Z"), texts("500001000")},
	{"kw.latency", took("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"), texts("0")},
	{"kw.latency", took("2024-01-02T03:04:06Z", "2024-01-02T03:04:05Z"), nil},
	{"kw.latency", took("yesterday", "2024-01-02T03:04:05Z"), nil},
	{"kw.latency.ms", took("2024-01-02T03:04:05.000001Z", "2024-01-02T03:04:05.500002Z"), texts("500")},
	{"kw.annotations[a/b]", `{"annotations":{"a/b":"c"}}`, texts("c")},
	{"kw.dryrun", uri("/api?dryRun=All"), texts("true")},
	{"kw.dryrun", uri("/api?x=%zz&dryRun=&dryRun=All"), texts("true")},
	{"kw.dryrun", uri("/api?dryRun=None"), texts("false")},
	{"kw.dryrun", uri("/api"), texts("false")},
	{"kw.dryrun", deleted, texts("true")},
	{"kw.owner.kinds", `{"verb":"create","requestObject":{"metadata":{"ownerReferences":[{"kind":"ReplicaSet"},{"kind":"Rollout"}]}}}`, texts("ReplicaSet", "Rollout")},
	{"kw.owner.kinds", `{"verb":"delete","responseObject":{"metadata":{"ownerReferences":[{"kind":"ReplicaSet"}]}}}`, nil},
	{"kw.duplicate_keys", `{}`, texts("false")},
}

func TestWhatFields(t *testing.T) { checkBoth(t, whatCases) }

func TestTypesOfNumbers(t *testing.T) {
	for name, typ := range map[string]condition.Type{
		"kw.response.code": condition.TypeUint64,
		"kw.latency":       condition.TypeRelTime,
		"kw.latency.ms":    condition.TypeUint64,
		"kw.dryrun":        condition.TypeBool,
	} {
		f, _ := lookup(t, name)
		assert.Equal(t, typ, f.Type, name)
	}
	f, arg := lookup(t, "kw.response.code")
	assert.Equal(t, uint64(201), f.Extract(contextOf(t, `{"responseStatus":{"code":201}}`, false), arg)[0].Num)
	f, arg = lookup(t, "kw.dryrun")
	assert.Equal(t, uint64(1), f.Extract(contextOf(t, uri("/?dryRun=All"), false), arg)[0].Num)
}

func TestDuplicateKeys(t *testing.T) {
	f, arg := lookup(t, "kw.duplicate_keys")
	c := contextOf(t, `{}`, false)
	c.Event.DuplicateKeys = true
	assert.Equal(t, "true", f.Extract(c, arg)[0].Text)
}
