package conformance

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/replay"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// TestFuzzSets: random rules over real events give Falco's alerts, in strict
// mode, to the letter.
func TestFuzzSets(t *testing.T) {
	for _, set := range []string{"fuzz-2", "fuzz-3", "fuzz-5"} {
		t.Run(set, func(t *testing.T) {
			compareRun(t, filepath.Join(set, "rules.yaml"), filepath.Join(set, "events.jsonl.gz"), filepath.Join(set, "expected-all.jsonl.gz"), false)
		})
	}
}

// TestStockRules: upstream's own rules over recorded attacks. The rules file
// is not ours to keep, so this runs where the reference data is.
func TestStockRules(t *testing.T) {
	dir := corpora.Shared(t, "conformance", "stock")
	rules, events := filepath.Join(dir, "k8s_audit_rules.yaml"), filepath.Join(dir, "events.jsonl.gz")
	t.Run("all", func(t *testing.T) { compareRun(t, rules, events, filepath.Join(dir, "expected-all.jsonl.gz"), false) })
	t.Run("first", func(t *testing.T) { compareRun(t, rules, events, filepath.Join(dir, "expected-first.jsonl.gz"), true) })
}

func compareRun(t *testing.T, rulesFile, events, expected string, first bool) {
	t.Helper()
	want, err := ReadExpected(expected)
	require.NoError(t, err)
	set, err := ruleset.Load(ruleset.Options{Paths: []string{rulesFile}, Strict: true, MinPriority: 7})
	require.NoError(t, err)
	got, err := ReadAlerts(bytes.NewReader(replayJSON(t, set, first, events)))
	require.NoError(t, err)
	report := Compare(want, got)
	require.True(t, report.Same(), "%s", report)
	t.Log(report)
}

// replayJSON gives the alerts as Falco's JSON lines.
func replayJSON(t *testing.T, set *ruleset.Set, first bool, inputs ...string) []byte {
	t.Helper()
	m, err := set.Matcher(first, []string{"evt.num"})
	require.NoError(t, err)
	var out bytes.Buffer
	summary, err := replay.Run(context.Background(), replay.Options{
		Source:  replay.Source{Inputs: inputs, Strict: true, Hostname: "host"},
		Matcher: m, Workers: 2, Out: &out, Now: func() time.Time { return time.Time{} },
		Line: func(dst []byte, a *alert.Alert) []byte {
			return alert.AppendFalcoJSON(dst, a, alert.Options{Hostname: "host", Raw: true})
		},
	})
	require.NoError(t, err)
	require.Zero(t, summary.Refused())
	require.Zero(t, summary.Faults)
	return out.Bytes()
}

func writeTemp(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}
