package rig

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBlinding shows the API server's defect that the tail of its log is for: of a
// patch in YAML the log has the beginning alone. Should a later version mend it,
// this test says so. It also restarts the API server, once gently and once not.
func TestBlinding(t *testing.T) {
	c := Start(t, Options{})
	cast := c.Cast()
	_, err := cast.Play(t.Context(), []Step{Blinding("default", "warm-up")})
	require.NoError(t, err)
	c.StopAPIServer(grace)
	c.StartAPIServer()

	before, err := c.Metrics()
	require.NoError(t, err)
	played, err := cast.Play(t.Context(), []Step{Blinding("default", "blind")})
	require.NoError(t, err)
	after, err := c.Metrics()
	require.NoError(t, err)
	assert.Equal(t, 1.0, after.Sum("apiserver_audit_error_total", `plugin="log"`)-before.Sum("apiserver_audit_error_total", `plugin="log"`))

	c.KillAPIServer()
	c.StartAPIServer()
	r, err := c.Admin().Do(t.Context(), get("/api/v1/namespaces/default/configmaps/blind"))
	require.NoError(t, err)
	assert.Equal(t, 200, r.Code, "the object was made")
	c.StopAPIServer(grace)
	assert.Equal(t, []string{"RequestReceived"}, stages(of(readLog(t, c.AuditLog), played[0].AuditID)))
}
