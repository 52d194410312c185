package server

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
)

func oftenRule(count int) string {
	return fmt.Sprintf(`
- rule: Often
  desc: d
  condition: ka.target.subresource = exec
  kw_threshold: {count: %d, within: 1h, by: ka.user.name, suppress: 30d}
  output: often by %%ka.user.name (%%kw.correlate.count)
  priority: WARNING
  source: k8s_audit
  skip-if-unknown-filter: true
`, count)
}

// TestSeveralEventsAreOneDetection: what is counted goes on over a restart, comes out
// once, and other rules begin anew.
func TestSeveralEventsAreOneDetection(t *testing.T) {
	cfg := testConfig(t)
	require.NoError(t, os.WriteFile(cfg.Rules.Paths[0], []byte(oftenRule(3)), 0o600))
	at := time.Now().Add(-time.Minute).Truncate(time.Minute)
	send := func(s *service, ids ...int) {
		t.Helper()
		for _, id := range ids {
			require.Equal(t, http.StatusOK, s.post(t, "/", event(fmt.Sprint("a-", id), "jane", at.Add(time.Duration(id)*time.Millisecond))))
		}
	}
	judged := func(s *service, n int) {
		t.Helper()
		line := fmt.Sprintf("kubewitness_correlate_events_total %d", n)
		s.until(t, line, func() bool { return s.metric(t, line) })
	}
	first := start(t, cfg)
	send(first, 1, 2, 2)
	judged(first, 2)
	require.NoError(t, first.stop())
	assert.NotContains(t, first.out.String(), "often")
	assert.FileExists(t, filepath.Join(cfg.Data, CorrelateFolder, "snapshot"))

	second := start(t, cfg)
	send(second, 3, 4)
	second.until(t, "it comes out", func() bool { return strings.Contains(second.out.String(), "often by jane (3)") })
	second.until(t, "the store has it as a detection, and not as an event", func() bool {
		return second.metric(t, `kubewitness_correlate_findings_total{rule="Often"} 1`) && second.metric(t, `kubewitness_sink_detections_total{sink="stdout"} 1`)
	})

	require.NoError(t, os.WriteFile(cfg.Rules.Paths[0], []byte(oftenRule(2)), 0o600))
	second.reload <- struct{}{}
	second.until(t, "the rule begins anew", func() bool {
		return strings.Contains(second.told.String(), `msg="rules loaded" why="asked for"`)
	})
	send(second, 5)
	second.until(t, "the rule begins anew", func() bool { return strings.Contains(second.told.String(), "rules=[Often]") })
	require.NoError(t, second.stop())
	assert.Equal(t, 1, strings.Count(second.out.String(), "often by jane"))
	assert.NotContains(t, second.told.String(), "level=ERROR")
}

// TestADamagedStateIsMovedAside: the service starts and says so.
func TestADamagedStateIsMovedAside(t *testing.T) {
	cfg := testConfigIn(t, t.TempDir())
	dir := filepath.Join(cfg.Data, CorrelateFolder)
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "snapshot"), []byte("kwcorr\x01\x00 and nothing of it"), 0o600))
	s := start(t, cfg)
	assert.Contains(t, s.told.String(), "was moved aside; they begin anew")
	assert.FileExists(t, filepath.Join(dir, "snapshot.damaged"))
	require.NoError(t, s.stop())
}
