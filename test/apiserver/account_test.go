package apiserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// what tells an event of an API server from its others, as far as outputs print it.
type what struct{ auditID, stage, at string }

// detection is a rule that tells of an event.
type detection struct {
	rule string
	of   what
}

// logged is what an API server wrote into its log: its events, and what the rules in
// force must say of them. Every event has an identity of its own, and the output can
// tell it from all others, so that what comes out is the identities, too.
func logged(t *testing.T, path string, files []string) (events int, expected map[detection]int) {
	t.Helper()
	set, err := ruleset.Load(ruleset.Options{Paths: files, MinPriority: rules.Debug})
	require.NoError(t, err)
	matcher, err := set.Matcher(false, nil)
	require.NoError(t, err)
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	expected = map[detection]int{}
	identities := map[audit.Identity]what{}
	for r := audit.NewReader(f, path, audit.Limits{}); ; events++ {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, "every line of a real log is an event")
		e.Cluster = cluster
		w := what{e.AuditID, e.Stage, e.Root().Path("stageTimestamp").Text()}
		require.NotContains(t, identities, e.Identity(), "%v: two events, one identity", w)
		identities[e.Identity()] = w
		res := matcher.Match(&field.Context{Event: e, Num: uint64(events + 1), First: e.Time})
		require.Empty(t, res.Faults)
		for _, d := range res.Detections {
			expected[detection{d.Rule.Name, w}]++
		}
		require.Equal(t, 1, expected[detection{everyEvent, w}], "%v: two events that the output cannot tell apart", w)
	}
	require.NotZero(t, events)
	return events, expected
}

// builtIn holds that the rules in force are those that kubewitness brings along, and
// the one that tells of everything.
func builtIn(t *testing.T, files []string) {
	t.Helper()
	names := func(paths ...string) (names []string) {
		set, err := ruleset.Load(ruleset.Options{Paths: paths, MinPriority: rules.Debug})
		require.NoError(t, err)
		for _, r := range set.Rules.Rules {
			names = append(names, r.Name)
		}
		return names
	}
	assert.ElementsMatch(t, append(names(), everyEvent), names(files...))
}

// together are the rules about several events: what they find hangs on the time in which
// events come, and is held against an undisturbed run elsewhere.
func together(t *testing.T, files []string) map[string]bool {
	t.Helper()
	set, err := ruleset.Load(ruleset.Options{Paths: files, MinPriority: rules.Debug})
	require.NoError(t, err)
	names := map[string]bool{}
	for _, r := range set.Rules.Rules {
		if r.Stateful() {
			names[r.Name] = true
		}
	}
	return names
}

// cameOut reads what the service wrote of single events. In the piece of each process
// nothing may come twice. A process that was killed while it wrote leaves half a line.
func (s *service) cameOut() (got map[detection]int, torn int) {
	s.t.Helper()
	b, err := os.ReadFile(s.output)
	require.NoError(s.t, err)
	got = map[detection]int{}
	others := together(s.t, s.rules)
	begin := int64(0)
	for _, end := range append(s.ends, int64(len(b))) {
		here := map[detection]int{}
		for line := range bytes.Lines(b[begin:end]) {
			if line = bytes.TrimSpace(line); len(line) == 0 {
				continue
			}
			d, err := readDetection(line)
			if err != nil {
				torn++
				continue
			}
			if others[d.rule] {
				continue
			}
			got[d]++
			here[d]++
			assert.Equal(s.t, 1, here[d], "%v: one process tells it twice", d)
		}
		begin = end
	}
	return got, torn
}

func readDetection(line []byte) (detection, error) {
	var l struct {
		Rule   string
		Fields struct {
			AuditID string `json:"ka.auditid"`
			Stage   string `json:"jevt.value[/stage]"`
			At      string `json:"jevt.value[/stageTimestamp]"`
		} `json:"output_fields"`
	}
	err := json.Unmarshal(line, &l)
	return detection{l.Rule, what{l.Fields.AuditID, l.Fields.Stage, l.Fields.At}}, err
}

// balance is what comparing a log and an output gives.
type balance struct {
	events, detections int // in the log
	repeated           int // detections that came out once more
	torn               int // half lines in the output
}

// balanced holds the output against the log of an API server that has ended: nothing
// is missing, nothing is unknown.
func (s *service) balanced(log string) balance {
	s.t.Helper()
	builtIn(s.t, s.rules)
	events, expected := logged(s.t, log, s.rules)
	got, torn := s.cameOut()
	b := balance{events: events, detections: len(expected) - events, torn: torn}
	var missing, unknown []detection
	for d := range expected {
		if got[d] == 0 {
			missing = append(missing, d)
		}
	}
	for d, n := range got {
		if expected[d] == 0 {
			unknown = append(unknown, d)
		}
		b.repeated += n - 1
	}
	assert.Empty(s.t, missing, "in the log, and not out of kubewitness")
	assert.Empty(s.t, unknown, "out of kubewitness, and not in the log")
	assert.NotZero(s.t, b.detections)
	return b
}
