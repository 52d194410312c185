package elastic

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/record"
	sinkelastic "github.com/kubewitness/kubewitness/pkg/sink/elastic"
	"github.com/kubewitness/kubewitness/test/rig/elastic"
)

// TestServerDies has Elasticsearch die under load, as by kill -9: while a sink writes, and
// while the whole service takes events, which is killed as well meanwhile. When both are
// back each event is there once, and what was acknowledged before. A server takes half a
// minute to come back, so that one death is everybody's.
func TestServerDies(t *testing.T) {
	s := server(t)
	c := open(t, s, nil)
	require.NoError(t, c.Do(t.Context(), http.MethodPut, "/test-kill/_doc/1", []byte(`{"a":1}`), nil))
	all := bodies(t, 8_000)
	h := newHouse(t, s, s.URL, "outage")
	h.start()
	var b *bereaved
	for i, body := range all {
		switch i {
		case len(all) / 4:
			b = bereave(t, s)
			err := c.Do(t.Context(), http.MethodGet, "/test-kill/_doc/1", nil, nil)
			var unavailable *elasticsearch.Unavailable
			require.ErrorAs(t, err, &unavailable)
			assert.ErrorContains(t, err, "connection refused")
		case len(all) / 2:
			h.kill()
			h.start()
		}
		h.post(body)
	}
	b.requireTold()
	require.Eventually(t, func() bool {
		m, err := h.s.Metrics()
		require.NoError(t, err)
		return m["sink_oldest_unsettled_seconds"] > 0 && m["sink_lag_messages"] > 0
	}, time.Minute, 100*time.Millisecond, "the age of what waits is told")
	if os.Getenv("KUBEWITNESS_CRASH") == "1" {
		<-time.After(2 * time.Minute) // as long as people restart things
	}

	require.NoError(t, s.Restart())
	require.NoError(t, c.Do(t.Context(), http.MethodGet, "/test-kill/_doc/1", nil, nil))
	h.settled()
	requireIndexed(t, s, "logs-kubernetes.audit_logs-outage", identities(t, all))
	require.NoError(t, h.s.Stop())
	b.requireRecovers()
}

// bereaved is a sink whose server died at its fourth bulk request.
type bereaved struct {
	*indexer
	begin   time.Time
	events  []*record.Event
	written chan error
}

const bereavedNamespace = "sink_outage"

// bereave has a sink write until the server is dead.
func bereave(t *testing.T, s *elastic.Server) *bereaved {
	t.Helper()
	setUp(t, open(t, s, nil), bereavedNamespace)
	killed := make(chan struct{})
	p := newProxy(t, s, func(int) fault { return none })
	p.before = func(n int) {
		if n == 4 {
			s.Kill()
			close(killed)
		}
	}
	c := open(t, s, func(cfg *elasticsearch.Config) { cfg.Nodes = []string{p.URL} })
	b := &bereaved{begin: time.Now(), events: sinkEvents(t, 2000), written: make(chan error, 1)}
	b.indexer = newIndexer(t, c, bereavedNamespace, func(cfg *sinkelastic.Config) { cfg.BulkBytes = 256 << 10 })
	go func() { b.written <- b.Write(t.Context(), b.events) }()
	<-killed
	return b
}

// requireTold holds that the sink tells what is wrong, and does not wait for ever.
func (b *bereaved) requireTold() {
	for deadline := time.Now().Add(time.Minute); b.Sync(b.t.Context()) == nil; {
		require.True(b.t, time.Now().Before(deadline))
	}
	st := b.State()
	assert.Equal(b.t, sinkelastic.Unavailable, st.Cause)
	assert.False(b.t, st.Oldest.IsZero())
	assert.WithinRange(b.t, st.Oldest, b.begin, time.Now())
}

// requireRecovers holds that it indexes everything, once, as soon as the server is back.
func (b *bereaved) requireRecovers() {
	require.NoError(b.t, <-b.written)
	b.settle()
	requireOnce(b.t, bereavedNamespace, b.events)
	assert.Empty(b.t, b.State().Trouble)
}
