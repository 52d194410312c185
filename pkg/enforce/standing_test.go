package enforce

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// TestBefore: which updates leave an object what it was.
func TestBefore(t *testing.T) {
	const spec = `"spec":{"replicas":2,"template":{"spec":{"image":"a"}}}`
	const old = `,"oldObject":{"kind":"Deployment","metadata":{"name":"web"},` + spec + `,"status":{"ready":1}}`
	sent := func(object string) string { return `,"requestObject":` + object }
	for _, tt := range []struct {
		name, verb, bodies string
		want               bool
	}{
		{"a label, a finalizer that goes", "update", sent(`{"kind":"Deployment","metadata":{"name":"web","labels":{"a":"b"}},`+spec+`}`) + old, true},
		{"scaled down, paused", "update", sent(`{"kind":"Deployment","metadata":{},"spec":{"replicas":0,"paused":true,"template":{"spec":{"image":"a"}}}}`) + old, true},
		{"spelled otherwise", "update", sent(`{ "metadata":{}, "spec": {"template": {"spec": {"image":"a"}}}, "kind":"Deployment"}`) + old, true},
		{"another image", "update", sent(`{"kind":"Deployment","metadata":{},"spec":{"replicas":2,"template":{"spec":{"image":"b"}}}}`) + old, false},
		{"less of it", "update", sent(`{"kind":"Deployment","metadata":{},"spec":{"replicas":2}}`) + old, false},
		{"more of it", "update", sent(`{"kind":"Deployment","metadata":{},"data":{"a":"b"},`+spec+`}`) + old, false},
		{"a spec that is none", "update", sent(`{"kind":"Deployment","spec":null}`) + old, false},
		{"the spec is gone", "update", sent(`{"kind":"Deployment"}`) + old, false},
		{"made", "create", sent(`{"kind":"Deployment","metadata":{},`+spec+`}`) + old, false},
		{"nothing is told of it before", "update", sent(`{"kind":"Deployment","metadata":{},` + spec + `}`), false},
		{"removed", "delete", sent(`{"kind":"DeleteOptions"}`) + old, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := audit.NewReader(strings.NewReader(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","verb":"`+tt.verb+`","stage":"ResponseComplete"`+
				`,"objectRef":{"resource":"deployments","namespace":"shop","name":"web"}`+tt.bodies+`,"stageTimestamp":"2026-11-30T12:00:00Z"}`), "test", audit.Limits{}).Next()
			require.NoError(t, err)
			e.Cluster = "prod"
			before, ok := Before(e)
			require.Equal(t, tt.want, ok)
			if !ok {
				return
			}
			assert.Equal(t, string(before.Root().Get("oldObject").Compact()), string(before.Root().Get("requestObject").Compact()))
			assert.Equal(t, "prod", before.Cluster)
			assert.Equal(t, e.Root().Get("objectRef").Compact(), before.Root().Get("objectRef").Compact())
			assert.Equal(t, e.Time, before.Time)
		})
	}
}
