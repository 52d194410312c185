package apiserver

import (
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/rig"
)

// TestBlindingIsTold: patches that take whole batches of the webhook with them. The
// tail of the API server's log brings what the webhook lost, everything counts once,
// and the loss is told.
func TestBlindingIsTold(t *testing.T) {
	rig.Binaries(t)
	log := filepath.Join(t.TempDir(), "audit.log")
	s := newService(t, fmt.Sprintf("patience: 5s\ntail: [{file: %s, cluster: %s, from_start: true}]", log, cluster))
	s.start()
	// A second in a batch, so that a patch is not alone in it.
	flags := append(webhookFlags("1s", "400", "500ms"), "--audit-log-path="+log)
	c := rig.Start(t, rig.Options{Webhook: s.rightful(), Flags: flags, Nodes: 1})
	began := time.Now()
	s.goesOn(1) // it is known from when on the webhook should have brought everything
	tr := newTraffic(t, c)
	names := []string{"red", "green", "blue"}
	for _, name := range names {
		day := rig.Ordinary(name)
		tr.once(slices.Insert(day, len(day)/2, rig.Blinding(name, "blinding")))
	}
	tr.wait()
	m, err := c.Metrics()
	require.NoError(t, err)
	unlogged := int(m.Sum("apiserver_audit_error_total", `plugin="log"`))
	require.Equal(t, len(names), unlogged, "a patch in YAML cannot be logged; if it can, this test needs another way to lose a batch")
	c.StopAPIServer(time.Minute)
	lost := lostByWebhook(t, c) - unlogged
	require.Positive(t, lost, "the patches took others with them")

	events, _ := logged(t, log, s.rules)
	s.until("the log is read", func() bool { return given(s.metrics(), "file") >= float64(events) })
	assert.EqualValues(t, lost, events-int(given(s.metrics(), "webhook")), "what the API server says that it has lost did not come")
	told := func() float64 {
		return s.metrics().Sum("kubewitness_webhook_lost_events_total", `cluster="`+cluster+`"`)
	}
	s.until("the loss is told", func() bool { return told() >= float64(lost) })
	assert.Contains(t, s.messages(), `level=WARN msg="the webhook lost events that the API server's log has" cluster=`+cluster)
	s.settled()
	counted := told()
	assert.EqualValues(t, events, stored(s.metrics()), "what webhook and log bring at once is stored once")
	assert.Zero(t, s.end(syscall.SIGTERM))

	b := s.balanced(log)
	assert.Zero(t, b.repeated)
	assert.Zero(t, b.torn)
	s.unhurt()
	t.Logf("%d requests, %d events, %d detections by our rules; the API server's webhook lost %d events of its log, of which kubewitness counted %g; %s",
		tr.sent.Load(), b.events, b.detections, lost, counted, time.Since(began).Round(time.Millisecond))
}
