package deploy_test

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/rig"
)

// serveAsInTheCluster runs kubewitness here with the configuration of the pod.
func serveAsInTheCluster(t *testing.T, certs string) *service {
	t.Helper()
	dir := t.TempDir()
	b, err := os.ReadFile(manifestPath(t, "base/kubewitness.yaml"))
	require.NoError(t, err)
	cfg := filepath.Join(dir, "kubewitness.yaml")
	require.NoError(t, os.WriteFile(cfg, []byte(strings.ReplaceAll(string(b), "/etc/kubewitness-tls", certs)), 0o600))
	bin := filepath.Join(dir, "kubewitness")
	out, err := exec.Command("go", "build", "-o", bin, "github.com/kubewitness/kubewitness/cmd/kubewitness").CombinedOutput()
	require.NoError(t, err, string(out))
	cmd := exec.Command(bin, "serve", "--config", cfg, "--data", filepath.Join(dir, "data"), "--webhook-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0")
	return start(t, cmd)
}

// way is one way to point an API server at kubewitness.
type way struct {
	name   string
	server string // URL without the port; "%" is where it belongs
	lines  string // further lines of the cluster in the kubeconfig
	client string // name of the client's certificate
	says   string // what the API server says when it cannot send; "": it can
}

// ways are the ways that docs/apiserver.md tells of, and those that it warns of.
var ways = []way{
	{name: "address in the certificate", server: "https://127.0.0.1:%/audit/prod", client: "kube-apiserver-prod"},
	{name: "name in the certificate, told", server: "https://localhost:%/audit/prod", lines: "      tls-server-name: kubewitness.kubewitness.svc\n", client: "kube-apiserver-prod"},
	{name: "address not in the certificate", server: "https://localhost:%/audit/prod", client: "kube-apiserver-prod",
		says: "x509: certificate is valid for "},
	{name: "cluster DNS", server: "https://kubewitness.kubewitness.svc:%/audit/prod", client: "kube-apiserver-prod",
		says: "lookup kubewitness.kubewitness.svc"},
	{name: "a certificate that nobody knows", server: "https://127.0.0.1:%/audit/prod", client: "somebody",
		says: "the server has asked for the client to provide credentials"},
	{name: "another cluster", server: "https://127.0.0.1:%/audit/dev", client: "kube-apiserver-prod",
		says: "the credential is not for this cluster"},
}

// TestAPIServerReachesIt points a real API server at kubewitness in each of the ways,
// with the kubeconfig of deploy/apiserver and the certificates of certificates.sh. What
// does not work is told by the API server in the words that docs/apiserver.md has.
func TestAPIServerReachesIt(t *testing.T) {
	rig.Binaries(t)
	certs := certificates(t, "127.0.0.1", "kubewitness.kubewitness.svc")
	issue(t, certs, "client", "somebody")
	s := serveAsInTheCluster(t, certs)
	docs, err := os.ReadFile(filepath.Join(corpora.Root(t), "docs", "apiserver.md"))
	require.NoError(t, err)

	file := filepath.Join(t.TempDir(), "webhook-kubeconfig.yaml")
	var c *rig.Cluster
	seen := 0
	for _, w := range ways {
		writeKubeconfig(t, file, s, certs, w)
		if c == nil {
			c = rig.Start(t, rig.Options{Webhook: file, Flags: []string{
				"--audit-webhook-batch-max-wait=100ms",
				"--audit-webhook-initial-backoff=10ms", // gives up soon
			}})
		} else {
			c.StopAPIServer(within)
			seen = logSize(t, c)
			c.StartAPIServer()
		}
		before := s.metric(t, `kubewitness_ingest_events_total{cluster="prod",source="webhook"}`)
		_, err := c.Admin().Do(t.Context(), rig.Request{Method: http.MethodGet, Path: "/api/v1/namespaces"})
		require.NoError(t, err)
		if w.says == "" {
			require.Eventually(t, func() bool {
				return s.metric(t, `kubewitness_ingest_events_total{cluster="prod",source="webhook"}`) != before
			}, within, 100*time.Millisecond, w.name)
			continue
		}
		assert.Contains(t, string(docs), w.says, "docs/apiserver.md lists the symptom")
		assert.Eventually(t, func() bool { return strings.Contains(logText(t, c)[seen:], w.says) }, within, 100*time.Millisecond, w.name)
		m, err := c.Metrics()
		require.NoError(t, err)
		assert.Positive(t, m.Sum("apiserver_audit_error_total", `plugin="webhook"`), w.name)
		t.Log(w.name, ": ", firstLine(logText(t, c)[seen:], "Error in audit plugin"))
	}
}

func writeKubeconfig(t *testing.T, file string, s *service, certs string, w way) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(corpora.Root(t), "deploy", "apiserver", "webhook-kubeconfig.yaml"))
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(s.webhook)
	require.NoError(t, err)
	text := string(b)
	for from, to := range map[string]string{
		"https://127.0.0.1:9443/audit/prod":         strings.Replace(w.server, "%", port, 1),
		"      certificate-authority:":              w.lines + "      certificate-authority:",
		"/etc/kubernetes/kubewitness/ca.crt":        filepath.Join(certs, "ca.crt"),
		"/etc/kubernetes/kubewitness/apiserver.crt": filepath.Join(certs, w.client+".crt"),
		"/etc/kubernetes/kubewitness/apiserver.key": filepath.Join(certs, w.client+".key"),
	} {
		require.Contains(t, text, from)
		text = strings.ReplaceAll(text, from, to)
	}
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
}

// metric is the value of a metric of kubewitness, as text; "" without it.
func (s *service) metric(t *testing.T, name string) string {
	for line := range strings.Lines(s.get(t, "/metrics")) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			return v
		}
	}
	return ""
}

func logText(t *testing.T, c *rig.Cluster) string {
	b, err := os.ReadFile(filepath.Join(c.Dir, "kube-apiserver.log"))
	require.NoError(t, err)
	return string(b)
}

func logSize(t *testing.T, c *rig.Cluster) int { return len(logText(t, c)) }

func firstLine(text, with string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, with) {
			return line
		}
	}
	return ""
}
