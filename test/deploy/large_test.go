package deploy_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/rig"
)

// truncation are the flags that docs/apiserver.md has against large bodies.
func truncation(t *testing.T) (flags []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(corpora.Root(t), "docs", "apiserver.md"))
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(b), "\n## Large bodies\n")
	require.True(t, ok)
	_, section, _ = strings.Cut(section, "```\n")
	section, _, _ = strings.Cut(section, "```")
	return strings.Fields(section)
}

// TestLargeBodies: with an API server's defaults, somebody who may create one kind of
// object loses the events of everybody by the size of his own. With the flags of
// docs/apiserver.md nothing is lost but the bodies.
func TestLargeBodies(t *testing.T) {
	rig.Binaries(t)
	flags := truncation(t)
	require.Len(t, flags, 5)
	certs := certificates(t, "127.0.0.1")
	s := serveAsInTheCluster(t, certs)
	file := filepath.Join(t.TempDir(), "webhook-kubeconfig.yaml")
	writeKubeconfig(t, file, s, certs, ways[0])
	c := rig.Start(t, rig.Options{Webhook: file, Flags: []string{"--audit-webhook-initial-backoff=10ms"}}) // a batch may fill for 30 s

	flood(t, c)
	c.StopAPIServer(within) // which sends what it holds
	assert.Contains(t, logText(t, c), "status code 413")
	assert.NotEqual(t, "0", s.metric(t, `kubewitness_webhook_answers_total{code="413"}`))

	seen, refused := logSize(t, c), s.metric(t, `kubewitness_webhook_answers_total{code="413"}`)
	c.StartAPIServer(flags...)
	flood(t, c)
	m, err := c.Metrics()
	require.NoError(t, err)
	assert.Zero(t, m.Sum("apiserver_audit_error_total", `plugin="webhook"`))
	c.StopAPIServer(within)
	assert.NotContains(t, logText(t, c)[seen:], "Error in audit plugin")
	assert.Equal(t, refused, s.metric(t, `kubewitness_webhook_answers_total{code="413"}`))
}

// flood sends more than a webhook takes in one body, without leaving anything behind.
func flood(t *testing.T, c *rig.Cluster) {
	t.Helper()
	padding := strings.Repeat("x", 1<<20)
	began := time.Now()
	for i := range 80 {
		r, err := c.Admin().Do(t.Context(), rig.Request{
			Method: http.MethodPost, Path: "/api/v1/namespaces/default/configmaps?dryRun=All",
			Body: fmt.Sprintf(`{"metadata":{"name":"large-%d"},"data":{"k":"%s"}}`, i, padding),
		})
		require.NoError(t, err)
		require.Equal(t, http.StatusCreated, r.Code, string(r.Body))
	}
	t.Logf("80 MiB in %s", time.Since(began))
}
