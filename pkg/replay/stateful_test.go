package replay_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/replay"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

const statefulRules = `
- rule: Every Delete
  desc: d
  source: k8s_audit
  condition: ka.verb = delete
  output: "%evt.num delete"
  priority: NOTICE
- rule: Many
  desc: d
  source: k8s_audit
  condition: ka.stage = ResponseComplete
  kw_threshold: {count: 5, within: 10s, by: ka.user.name}
  output: "%evt.num %ka.user.name %kw.correlate.count"
  priority: NOTICE
  skip-if-unknown-filter: true
- rule: New
  desc: d
  source: k8s_audit
  condition: ka.stage = ResponseComplete
  kw_new_terms: {fields: ka.target.resource, by: ka.user.name, learning: 0s}
  output: "%evt.num %ka.user.name %kw.correlate.values"
  priority: NOTICE
  skip-if-unknown-filter: true
- rule: Silent
  desc: d
  source: k8s_audit
  condition: ka.verb exists
  kw_absence: {silence: 1m, by: ka.user.name}
  output: "%evt.num %ka.user.name"
  priority: NOTICE
  skip-if-unknown-filter: true
`

// TestManyWorkersFindTheSame: what several events tell comes in the order of the input,
// and is the same, however many judge.
func TestManyWorkersFindTheSame(t *testing.T) {
	set, err := ruleset.Compile([]rules.File{{Name: "r.yaml", Content: []byte(statefulRules)}}, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	data, err := os.ReadFile(filepath.Join("..", "..", "examples", "sample", "audit.jsonl"))
	require.NoError(t, err)
	long := filepath.Join(t.TempDir(), "long.jsonl") // of several tasks
	require.NoError(t, os.WriteFile(long, bytes.Repeat(data, 20), 0o600))
	outputs := map[string]int{}
	for _, workers := range []int{1, 2, 8} {
		var out bytes.Buffer
		opt := options(t, &out, long)
		opt.Matcher, opt.Workers = m, workers
		opt.Stateful, err = set.Stateful(nil)
		require.NoError(t, err)
		summary, err := replay.Run(t.Context(), opt)
		require.NoError(t, err)
		require.Equal(t, int64(strings.Count(out.String(), "\n")), summary.Alerts)
		found := map[string]bool{}
		for _, r := range summary.ByRule() {
			found[r.Name] = true
		}
		assert.Len(t, found, 4, "each rule fires")
		outputs[out.String()]++
	}
	assert.Len(t, outputs, 1, fmt.Sprint(len(outputs), " outputs"))
}
