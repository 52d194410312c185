package service

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rule makes a rules file with one rule.
func rule(t *testing.T, path, name string) {
	t.Helper()
	text := fmt.Sprintf("- rule: %s\n  desc: d\n  condition: ka.verb = create\n  output: created by %%ka.user.name\n  priority: NOTICE\n  source: k8s_audit\n", name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

const created = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":%q,"stage":"ResponseComplete",` +
	`"requestURI":"/api/v1/namespaces/a/pods","verb":"create","user":{"username":"mallory"},` +
	`"requestReceivedTimestamp":"2026-01-01T00:00:00.000000Z","stageTimestamp":"2026-01-01T00:00:00.000000Z"}`

// TestSession: what comes in by the webhook goes out on standard output; SIGHUP puts
// changed rules in force, and not broken ones; SIGTERM ends it with code 0.
func TestSession(t *testing.T) {
	dir := t.TempDir()
	rules, out := filepath.Join(dir, "rules.yaml"), filepath.Join(dir, "stdout")
	rule(t, rules, "First")
	stdout, err := os.Create(out)
	require.NoError(t, err)
	defer stdout.Close()
	p := start(t, plan{binary: binary(t, ""), dir: dir, stdout: stdout, config: fmt.Sprintf(`
data: %s
webhook: {listen: "127.0.0.1:0", insecure: true, default_cluster: %s}
http: {listen: "127.0.0.1:0"}
log: {format: json}
rules: {paths: [%s], watch: false, append_fields: [ka.auditid]}
spool: {free_floor: 1MiB}
`, filepath.Join(dir, "data"), cluster, rules)})
	require.NotEmpty(t, p.webhook, "%s", p.log())
	send := func(auditID string) {
		t.Helper()
		code, text := post(t.Context(), p, fmt.Appendf(nil, created, auditID))
		require.Equal(t, http.StatusOK, code, text)
		assert.Equal(t, "stored 1, known 0, no events 0\n", text)
	}
	for _, page := range []string{"/healthz", "/readyz"} {
		code, text, err := p.get(t.Context(), page)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, code, text)
	}

	send("a")
	rule(t, rules, "Second")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
	p.wait(t, `"rules loaded"`)
	send("b")
	require.NoError(t, os.WriteFile(rules, []byte("- rule: broken\n"), 0o600))
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
	p.wait(t, "rules not loaded, those from before stay in force")
	send("c")
	code, text := post(t.Context(), p, fmt.Appendf(nil, created, "a"))
	require.Equal(t, http.StatusOK, code)
	assert.Equal(t, "stored 0, known 1, no events 0\n", text, "the first one came again")
	p.drained(t)
	p.terminate(t)
	got, torn := linesIn(t, out)
	assert.Zero(t, torn)
	assert.Equal(t, map[string]int{lineOf("a", "First"): 1, lineOf("b", "Second"): 1, lineOf("c", "Second"): 1}, got)
}
