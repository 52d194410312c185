package enforce

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

func pastEvent(t testing.TB, id, stage, user, namespace, verb, more string, at time.Time) *audit.Event {
	t.Helper()
	e, err := audit.NewReader(strings.NewReader(fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":%q,"stage":%q,"verb":%q,"user":{"username":%q},`+
		`"objectRef":{"resource":"pods","namespace":%q,"name":"node-exporter-1"}%s,"stageTimestamp":%q}`, id, stage, verb, user, namespace, more, at.Format(time.RFC3339))), "test", audit.Limits{}).Next()
	require.NoError(t, err)
	e.Cluster = "prod"
	return e
}

func TestSimulation(t *testing.T) {
	s := NewSimulation(policy(t), noon)
	past := noon.AddDate(0, -1, 0)
	const done = "ResponseComplete"
	s.Add(pastEvent(t, "1", done, "jane", "shop", "create", "", past), "Privileged", nil)
	s.Add(pastEvent(t, "1", done, "jane", "shop", "create", "", past), "Privileged", nil) // another stage of the same
	s.Add(pastEvent(t, "2", done, "jane", "shop", "patch", "", past.Add(time.Hour)), "Privileged", nil)
	s.Add(pastEvent(t, "2", done, "jane", "shop", "patch", "", past), "Wildcards", nil)
	s.Add(pastEvent(t, "3", done, "sam", "monitoring", "create", "", past), "Privileged", nil)
	for i, not := range []*audit.Event{
		pastEvent(t, "4", done, "jane", "kube-system", "create", "", past), // observed
		pastEvent(t, "5", done, "jane", "shop", "get", "", past),
		pastEvent(t, "6", "RequestReceived", "jane", "shop", "create", "", past),
		pastEvent(t, "7", done, "jane", "shop", "create", `,"responseStatus":{"code":409}`, past),
		pastEvent(t, "8", done, "jane", "shop", "create", `,"responseStatus":{"code":403},"annotations":{"authorization.k8s.io/decision":"forbid"}`, past),
	} {
		before := len(s.seen)
		s.Add(not, "Privileged", nil)
		assert.Len(t, s.seen, before, "%d", i)
	}
	assert.Equal(t, []Row{
		{"deny", "Privileged", "prod", "shop", "jane", 2, past.Add(time.Hour)},
		{"warn", "Wildcards", "prod", "shop", "jane", 1, past},
		{"excepted", "Privileged", "prod", "monitoring", "sam", 1, past},
	}, s.Rows())
}

func TestReviewed(t *testing.T) {
	exec := pastEvent(t, "1", "ResponseStarted", "jane", "shop", "get", "", noon)
	assert.False(t, Reviewed(exec))
	e, err := audit.NewReader(strings.NewReader(strings.Replace(string(exec.Raw), `"name":`, `"subresource":"exec","name":`, 1)), "test", audit.Limits{}).Next()
	require.NoError(t, err)
	assert.True(t, Reviewed(e))
}

// TestSimulationOfWhatWasSoBefore: where the history has the object before, an update that leaves it
// what it was is denied to nobody.
func TestSimulationOfWhatWasSoBefore(t *testing.T) {
	const label = `,"requestObject":{"metadata":{"labels":{"a":"b"}},"spec":{"x":1}},"oldObject":{"spec":{"x":1}}`
	const more = `,"requestObject":{"spec":{"x":2}},"oldObject":{"spec":{"x":1}}`
	s := NewSimulation(policy(t), noon)
	s.Meets = func(e *audit.Event) []string {
		assert.Equal(t, `{"spec":{"x":1}}`, string(e.Root().Get("requestObject").Compact()))
		return []string{"Privileged"}
	}
	s.Add(pastEvent(t, "1", "ResponseComplete", "jane", "shop", "update", label, noon), "Privileged", nil)
	s.Add(pastEvent(t, "2", "ResponseComplete", "jane", "shop", "update", more, noon), "Privileged", nil)
	var verdicts []string
	for _, r := range s.Rows() {
		verdicts = append(verdicts, fmt.Sprint(r.Verdict, " ", r.Requests))
	}
	assert.Equal(t, []string{"deny 1", "standing 1"}, verdicts)
}
