package apiserver

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/rig"
)

// webhookFlags are flags of an API server. In small batches many are under way at any
// time; the back-off decides how long it tries.
func webhookFlags(wait, size, backoff string) []string {
	return []string{
		"--audit-webhook-mode=batch", "--audit-webhook-batch-max-wait=" + wait, "--audit-webhook-batch-max-size=" + size,
		"--audit-webhook-batch-throttle-enable=false", "--audit-webhook-initial-backoff=" + backoff,
	}
}

// TestNothingIsLost: a real API server sends its events over mTLS while kubewitness is
// killed, ended and started again. What the API server's own log has at the end came
// out of kubewitness, and so did all that the rules say of it; nothing else did. What
// a process that was killed had stored and not acknowledged may come again.
func TestNothingIsLost(t *testing.T) {
	rig.Binaries(t)
	s := newService(t, "")
	s.start()
	// The API server tries for 24 s at least. Without controllers default roles are empty.
	c := rig.Start(t, rig.Options{Webhook: s.rightful(), Flags: webhookFlags("50ms", "20", "3s"), Controllers: true, Nodes: 1})
	began := time.Now()
	tr := newTraffic(t, c)
	working, rest := context.WithCancel(t.Context())
	defer rest()
	tr.once(append(rig.Setting(), rig.Attacks()...))
	for _, name := range []string{"red", "green", "blue"} {
		tr.days(working, name)
	}
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL} {
		s.goesOn(250)
		s.until("a body is being stored", func() bool { return s.metrics().Sum("kubewitness_webhook_bodies_taking") > 0 })
		code := s.end(sig)
		if sig == syscall.SIGTERM {
			assert.Zero(t, code, "it ends as told")
		}
		before := size(c.AuditLog)
		await(t, "the API server has events to send meanwhile", nil, func() bool { return size(c.AuditLog) > before+200<<10 })
		s.start()
	}
	s.goesOn(250)
	rest()
	tr.wait()
	m, err := c.Metrics()
	require.NoError(t, err)
	c.StopAPIServer(time.Minute) // which sends what it holds
	assert.Zero(t, m.Sum("apiserver_audit_error_total"))
	assert.Zero(t, lostByWebhook(t, c))
	s.settled()
	again := s.metrics().Sum("kubewitness_ingest_known_events_total")
	assert.Zero(t, s.end(syscall.SIGTERM))

	b := s.balanced(c.AuditLog)
	assert.LessOrEqual(t, b.torn, 2, "half a line for each process that was killed")
	s.unhurt()
	t.Logf("%d requests, %d events, %d detections by our rules; %d came out again, %d half lines; the last process was sent %g again; %s",
		tr.sent.Load(), b.events, b.detections, b.repeated, b.torn, again, time.Since(began).Round(time.Millisecond))
}

func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
