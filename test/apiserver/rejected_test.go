package apiserver

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/rig"
)

// TestRejected: API servers that may not speak for the cluster are turned away, they
// and kubewitness count it, and the one that may goes on meanwhile.
func TestRejected(t *testing.T) {
	rig.Binaries(t)
	s := newService(t, "\nlog: {level: debug}")
	s.start()
	good := rig.Start(t, rig.Options{Webhook: s.rightful(), Flags: webhookFlags("200ms", "100", "3s"), Nodes: 1})
	began := time.Now()
	tr := newTraffic(t, good)
	var bad *rig.Cluster
	for _, tt := range []struct {
		name, path string
		proof      pair
		code       int // of the answers; 0: it does not come to a request
	}{
		{"the certificate of somebody else", "/audit/prod", s.clients.issue("somebody"), 401},
		{"the path of another cluster", "/audit/lab", s.clients.issue(apiServerName), 403},
		{"the right name, of an unknown authority", "/audit/prod", newAuthority(t, "strange-ca").issue(apiServerName), 0},
	} {
		config := s.kubeconfig(fmt.Sprintf("bad-%d", tt.code), tt.path, tt.proof)
		tr.once(rig.Ordinary(fmt.Sprintf("during-%d", tt.code)))
		if bad == nil {
			bad = rig.Start(t, rig.Options{Webhook: config, Flags: webhookFlags("200ms", "100", "100ms")})
		} else {
			bad.KillAPIServer()
			bad.StartAPIServer("--audit-webhook-config-file=" + config)
		}
		s.until("the API server counts an error: "+tt.name, func() bool {
			m, err := bad.Metrics()
			return err == nil && m.Sum("apiserver_audit_error_total", `plugin="webhook"`) > 0
		})
		if tt.code != 0 {
			answers := s.metrics().Sum("kubewitness_webhook_answers_total", fmt.Sprintf(`code="%d"`, tt.code))
			assert.GreaterOrEqual(t, answers, 5.0, "%s: an API server tries five times", tt.name)
			t.Logf("%s: %g answers %d", tt.name, answers, tt.code)
		} else {
			assert.Contains(t, s.messages(), "certificate signed by unknown authority", "what ends before a request is told to those who ask")
		}
		s.goesOn(1)
	}
	bad.KillAPIServer()
	tr.wait()
	m, err := good.Metrics()
	require.NoError(t, err)
	good.StopAPIServer(time.Minute)
	assert.Zero(t, m.Sum("apiserver_audit_error_total"))
	assert.Zero(t, lostByWebhook(t, good))
	s.settled()
	m = s.metrics()
	assert.Zero(t, m.Sum("kubewitness_ingest_events_total", `cluster="lab"`))
	assert.Zero(t, s.end(syscall.SIGTERM))

	b := s.balanced(good.AuditLog)
	assert.EqualValues(t, b.events, stored(m))
	assert.Zero(t, b.repeated)
	assert.Zero(t, b.torn)
	s.unhurt()
	t.Logf("%d requests, %d events, %d detections by our rules; %s", tr.sent.Load(), b.events, b.detections, time.Since(began).Round(time.Millisecond))
}
