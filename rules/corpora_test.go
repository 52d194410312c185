package rules_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/test/corpora"
)

var update = flag.Bool("update", false, "write the golden file and the table of README.md")

// The bounds that a change of the rules must keep.
const (
	maxNoise     = 2.0 // alerts at Notice or above in 1,000 ordinary events
	minScenarios = 74  // labelled scenarios told of at Notice or above
)

// tally counts detections by rule.
type tally map[string]int

func (c tally) sum() (n int) {
	for _, v := range c {
		n += v
	}
	return n
}

func (c tally) String() string {
	parts := make([]string, 0, len(c))
	for _, rule := range slices.Sorted(maps.Keys(c)) {
		parts = append(parts, fmt.Sprintf("%s %d", rule, c[rule]))
	}
	return strings.Join(parts, ", ")
}

// replay hands the detections in a recording to f and returns the number of
// its events.
func replay(t *testing.T, m *match.Matcher, path string, f func(*audit.Event, *falco.Rule)) (events int) {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	for r := audit.NewReader(file, path, audit.Limits{}); ; events++ {
		e, err := r.Next()
		if err == io.EOF {
			return events
		}
		require.NoError(t, err)
		res := m.Match(&field.Context{Event: e, Num: uint64(events + 1), First: e.Time})
		require.Empty(t, res.Faults)
		for _, d := range res.Detections {
			f(e, d.Rule)
		}
	}
}

// scenarios reads which request belongs to which attacks.
func scenarios(t *testing.T) (order []string, of map[string][]string) {
	t.Helper()
	file, err := os.Open(corpora.Shared(t, "corpora", "attacks-a-labels.jsonl"))
	require.NoError(t, err)
	defer file.Close()
	of = map[string][]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var label struct{ AuditID, Scenario string }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &label))
		if !slices.Contains(order, label.Scenario) {
			order = append(order, label.Scenario)
		}
		of[label.AuditID] = append(of[label.AuditID], label.Scenario)
	}
	return order, of
}

// TestCorpora replays the recordings: which attacks are found, and how much is
// said about ordinary traffic.
func TestCorpora(t *testing.T) {
	m := compile(t, ours(), false)
	order, of := scenarios(t)
	found, unlabelled, noise := map[string]tally{}, tally{}, tally{}
	told := map[string]int{}
	attackEvents := replay(t, m, corpora.Shared(t, "corpora", "attacks-a.jsonl.gz"), func(e *audit.Event, r *falco.Rule) {
		told[e.AuditID+" "+e.Root().Get("requestURI").Text()+" "+r.Name]++
		if r.Priority > falco.Notice {
			return
		}
		if of[e.AuditID] == nil {
			unlabelled[r.Name]++
		}
		for _, s := range slices.Compact(of[e.AuditID]) {
			if found[s] == nil {
				found[s] = tally{}
			}
			found[s][r.Name]++
		}
	})
	events := replay(t, m, corpora.Shared(t, "corpora", "normal.jsonl.gz"), func(_ *audit.Event, r *falco.Rule) {
		if r.Priority <= falco.Notice {
			noise[r.Name]++
		}
	})

	for request, n := range told {
		assert.Equal(t, 1, n, "told more than once: %s", request)
	}
	assert.GreaterOrEqual(t, len(found), minScenarios)
	assert.LessOrEqual(t, float64(noise.sum())*1000/float64(events), maxNoise)

	var report strings.Builder
	fmt.Fprintf(&report, "# attacks: %d of %d scenarios found at Notice or above, in %d events\n", len(found), len(order), attackEvents)
	for _, s := range order {
		fmt.Fprintf(&report, "%s: %s\n", s, found[s])
	}
	fmt.Fprintf(&report, "\n# the same recording, set-up and clean-up by its administrator: %d alerts\n%s\n", unlabelled.sum(), unlabelled)
	fmt.Fprintf(&report, "\n# ordinary traffic: %d alerts at Notice or above in %d events\n%s\n", noise.sum(), events, noise)
	golden(t, "testdata/corpora.golden", report.String())
}

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "run the test with -update and read the difference")
}
