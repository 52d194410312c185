package correlate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

const seenRule = "- rule: %s\n  desc: d\n  source: k8s_audit\n  condition: %s\n  output: \"%%ka.target.name %%kw.pod.privileged %%kw.pod.images %%kw.workload %%kw.pod.node\"\n  priority: WARNING\n  skip-if-unknown-filter: true\n"

// pod is an event about a pod; rest is further members.
func podEvent(t *testing.T, seconds float64, verb, name, sub, rest string) *audit.Event {
	t.Helper()
	raw := fmt.Sprintf(`{"kind":"Event","auditID":"%s-%s-%v","stage":"ResponseComplete","verb":%q,"requestURI":"/x","user":{"username":"jane"},"responseStatus":{"code":200},`+
		`"objectRef":{"resource":"pods","namespace":"shop","name":%q,"subresource":%q,"apiVersion":"v1"},"stageTimestamp":%q%s}`, name, verb, seconds, verb, name, sub, at(seconds).Format("2006-01-02T15:04:05.000000Z"), rest)
	e, err := audit.NewReader(strings.NewReader(raw), "test", audit.Limits{}).Next()
	require.NoError(t, err)
	e.Cluster = "prod"
	return e
}

func podBody(key, name, uid, image, more string) string {
	return fmt.Sprintf(`,%q:{"kind":"Pod","metadata":{"name":%q,"uid":%q,"labels":{"pod-template-hash":"5d4f"}%s},"spec":{"containers":[{"image":%q,"securityContext":{"privileged":%t}}],"initContainers":[{"image":"init:1"}]}}`,
		key, name, uid, more, image, strings.HasPrefix(image, "bad"))
}

// TestExecIntoWhatWasSeen: an exec says where, not into what; events before it do.
func TestExecIntoWhatWasSeen(t *testing.T) {
	r := load(t, fmt.Sprintf(seenRule, "privileged", "ka.target.subresource = exec and kw.pod.privileged = true")+
		fmt.Sprintf(seenRule, "unknown", "ka.target.subresource = exec and not kw.pod.images exists")+
		fmt.Sprintf(seenRule, "named", "kw.workload = Deployment/web and ka.target.subresource = exec"))
	s := NewStream(r, Options{})
	exec := func(seconds float64, name string) []string {
		return observe(s, podEvent(t, seconds, "get", name, "exec", ""))
	}
	assert.Equal(t, []string{"unknown: web-1 <NA> <NA> <NA> <NA>"}, exec(0, "web-1"))

	owner := `,"ownerReferences":[{"kind":"Other","name":"x"},{"controller":true,"kind":"ReplicaSet","name":"web-5d4f"}]`
	observe(s, podEvent(t, 1, "create", "", "", podBody("responseObject", "web-1", "u1", "bad:1", owner))) // generateName: the answer has the name
	observe(s, podEvent(t, 2, "create", "web-1", "binding", `,"requestObject":{"target":{"kind":"Node","name":"n1"}}`))
	want := "web-1 true (bad:1,init:1) Deployment/web n1"
	assert.Equal(t, []string{"privileged: " + want, "named: " + want}, exec(3, "web-1"))
	assert.Equal(t, []string{"unknown: other <NA> <NA> <NA> <NA>"}, exec(3, "other"))

	observe(s, podEvent(t, 0.5, "update", "web-1", "", podBody("responseObject", "web-1", "u1", "old:1", owner)))
	assert.Len(t, exec(4, "web-1"), 2, "what is older does not count")
	denied := podEvent(t, 5, "create", "web-1", "", strings.Replace(podBody("requestObject", "web-1", "u2", "fine:1", ""), `,"requestObject"`, `,"requestObject"`, 1))
	denied.Raw = []byte(strings.Replace(string(denied.Raw), `"code":200`, `"code":403`, 1))
	e, err := audit.NewReader(strings.NewReader(string(denied.Raw)), "test", audit.Limits{}).Next()
	require.NoError(t, err)
	e.Cluster = "prod"
	observe(s, e)
	assert.Len(t, exec(6, "web-1"), 2, "a refused request makes no pod")

	observe(s, podEvent(t, 7, "create", "web-1", "", podBody("requestObject", "web-1", "u2", "fine:1", "")))
	assert.Empty(t, exec(8, "web-1"), "another pod of that name, of which only the request was recorded")
	observe(s, podEvent(t, 9, "patch", "web-1", "ephemeralcontainers", podBody("responseObject", "web-1", "u2", "bad:2", "")))
	assert.Equal(t, []string{"privileged: web-1 true (bad:2,init:1) <NA> <NA>"}, exec(10, "web-1"))

	observe(s, podEvent(t, 11, "delete", "web-1", "", `,"responseObject":{"metadata":{"deletionGracePeriodSeconds":30}}`))
	assert.Len(t, exec(12, "web-1"), 1, "it is still there for a while")
	observe(s, podEvent(t, 13, "delete", "web-1", "", `,"responseObject":{"metadata":{"deletionGracePeriodSeconds":0}}`))
	assert.Equal(t, []string{"unknown: web-1 <NA> <NA> <NA> <NA>"}, exec(14, "web-1"))
}

// TestSeenInAThreshold: what was seen before can be part of any stateful rule.
func TestSeenInAThreshold(t *testing.T) {
	r := load(t, ruleText("r", "ka.target.subresource = exec and kw.pod.privileged = true", "kw_threshold: {count: 2, within: 1m, by: kw.workload}"))
	s := NewStream(r, Options{})
	for _, name := range []string{"a", "b"} {
		observe(s, podEvent(t, 0, "create", name, "", podBody("responseObject", name, name, "bad:1", `,"ownerReferences":[{"controller":true,"kind":"Job","name":"j"}]`)))
	}
	observe(s, podEvent(t, 0, "create", "c", "", podBody("responseObject", "c", "c", "bad:1", "")))
	assert.Empty(t, observe(s, podEvent(t, 1, "get", "a", "exec", ""), podEvent(t, 2, "get", "c", "exec", "")), "c belongs to nothing")
	assert.Equal(t, []string{"r: jane 2 <NA>"}, observe(s, podEvent(t, 3, "get", "b", "exec", "")))
}
