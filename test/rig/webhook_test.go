package rig

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// receiver takes what a webhook sends and keeps it.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	uris   []string
	peers  []string
	events map[audit.Identity]int
}

// receive starts a receiver over TLS that lets in only those with a certificate of
// the authority.
func receive(t *testing.T, ca *Authority) *receiver {
	t.Helper()
	r := &receiver{events: map[audit.Identity]int{}}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(r.take))
	r.TLS = &tls.Config{
		Certificates: []tls.Certificate{ca.Issue("receiver", "receiver").Certificate},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    ca.pool(),
	}
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var batch audit.Batch
	batch.Decode(body, audit.Position{Input: "webhook", Line: 1}, audit.Limits{})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.uris = append(r.uris, req.RequestURI)
	r.peers = append(r.peers, subjects(req.TLS.PeerCertificates))
	for _, e := range batch.Events {
		r.events[e.Identity()]++
	}
}

func subjects(certs []*x509.Certificate) string {
	if len(certs) == 0 {
		return ""
	}
	return certs[0].Subject.CommonName
}

// webhookKubeconfig is the file of deploy/apiserver with the places of this test.
func webhookKubeconfig(t *testing.T, dir, server string, ca *Authority, id Identity) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(corpora.Root(t), "deploy", "apiserver", "webhook-kubeconfig.yaml"))
	require.NoError(t, err)
	text := string(b)
	for from, to := range map[string]string{
		"https://127.0.0.1:9443":                    server,
		"/etc/kubernetes/kubewitness/ca.crt":        ca.File,
		"/etc/kubernetes/kubewitness/apiserver.crt": id.CertFile,
		"/etc/kubernetes/kubewitness/apiserver.key": id.KeyFile,
	} {
		require.Contains(t, text, from)
		text = strings.ReplaceAll(text, from, to)
	}
	path := filepath.Join(dir, "webhook-kubeconfig.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// readmeFlags are the flags that deploy/apiserver/README.md tells people to set,
// but for the files, which are this test's.
func readmeFlags(t *testing.T) (flags []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(corpora.Root(t), "deploy", "apiserver", "README.md"))
	require.NoError(t, err)
	for line := range strings.Lines(string(b)) {
		flag := strings.TrimSpace(line)
		if strings.HasPrefix(flag, "--audit-") && !strings.Contains(flag, "=/") {
			flags = append(flags, flag)
		}
	}
	require.NotEmpty(t, flags)
	return flags
}

// TestWebhook points a real API server at a receiver, with the kubeconfig and the
// flags of deploy/apiserver: what the log has, the webhook has, once each.
func TestWebhook(t *testing.T) {
	Binaries(t)
	dir := t.TempDir()
	ca := NewAuthority(t, dir, "webhook-ca")
	r := receive(t, ca)
	c := Start(t, Options{
		Webhook: webhookKubeconfig(t, dir, r.URL, ca, ca.Issue("apiserver-client", "kube-apiserver")),
		Flags:   readmeFlags(t),
		Nodes:   1,
	})
	cast, days := c.Cast(), []string{"monday", "tuesday", "wednesday", "thursday"}
	ends := make(chan error)
	for _, day := range days {
		go func() {
			_, err := cast.Play(t.Context(), Ordinary(day))
			ends <- err
		}()
	}
	for range days {
		assert.NoError(t, <-ends)
	}
	c.StopAPIServer(time.Minute) // which sends what it holds

	logged := map[audit.Identity]int{}
	for _, e := range readLog(t, c.AuditLog) {
		logged[e.Identity()]++
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	assert.Equal(t, logged, r.events)
	for i := range r.uris {
		assert.Equal(t, "/audit/prod?timeout=30s", r.uris[i])
		assert.Equal(t, "kube-apiserver", r.peers[i])
	}
	t.Logf("%d events in %d batches", len(logged), len(r.uris))
}
