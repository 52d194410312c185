package attacks

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/alert"
	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/replay"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// env names a folder with other recordings.
const env = "KUBEWITNESS_ATTACKS"

// recordings are the files that rules are measured on.
type recordings struct {
	attacks, labels, normal string
	normalEvents            int // events of normal before it was cut down, 0: it is whole
}

// inTree are those of testdata. The number is that of the whole recording, which
// TestWholeRecordings holds.
var inTree = recordings{"testdata/attacks.jsonl.gz", "testdata/labels.jsonl.gz", "testdata/normal.jsonl.gz", 30000}

// given are those of the folder that env names, else those of testdata.
func given(t *testing.T) recordings {
	t.Helper()
	dir := os.Getenv(env)
	if dir == "" {
		return inTree
	}
	find := func(name string) string {
		for _, path := range []string{filepath.Join(dir, name), filepath.Join(dir, name+".gz")} {
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
		require.FailNow(t, env+" is set", "%s has neither %s nor %s.gz", dir, name, name)
		return ""
	}
	return recordings{attacks: find("attacks.jsonl"), labels: find("labels.jsonl"), normal: find("normal.jsonl")}
}

// whole are the reference data that testdata was cut from.
func whole(t *testing.T) recordings {
	t.Helper()
	return recordings{
		attacks: corpora.Shared(t, "corpora", "attacks-a.jsonl.gz"),
		labels:  corpora.Shared(t, "corpora", "attacks-a-labels.jsonl"),
		normal:  corpora.Shared(t, "corpora", "normal.jsonl.gz"),
	}
}

// readLabels reads which request belongs to which scenarios, and the scenarios
// in the order in which they begin.
func readLabels(t *testing.T, path string) (order []string, of map[string][]string) {
	t.Helper()
	of = map[string][]string{}
	for line := range strings.Lines(string(readAll(t, path))) {
		var label struct{ AuditID, Scenario string }
		require.NoError(t, json.Unmarshal([]byte(line), &label))
		if !slices.Contains(order, label.Scenario) {
			order = append(order, label.Scenario)
		}
		if !slices.Contains(of[label.AuditID], label.Scenario) {
			of[label.AuditID] = append(of[label.AuditID], label.Scenario)
		}
	}
	return order, of
}

// alarm is a detection at Notice or above.
type alarm struct {
	rule                 *falco.Rule
	auditID, user, where string
}

// judge replays a recording as the command does, by our rules and others after
// them, and returns the alerts at Notice or above and the number of events.
func judge(t *testing.T, path string, others ...falco.File) (alarms []alarm, events int) {
	t.Helper()
	files, err := ruleset.Files(nil)
	require.NoError(t, err)
	set, err := ruleset.Compile(append(files, others...), ruleset.Options{MinPriority: falco.Notice})
	require.NoError(t, err, "%v", set)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	stateful, err := set.Stateful(nil)
	require.NoError(t, err)
	var one sync.Mutex // alerts of one event and of several come from different goroutines
	summary, err := replay.Run(t.Context(), replay.Options{
		Source:   replay.Source{Inputs: []string{path}},
		Matcher:  m,
		Stateful: stateful,
		Workers:  1,
		Line: func(dst []byte, a *alert.Alert) []byte {
			root := a.Event.Root()
			one.Lock()
			defer one.Unlock()
			alarms = append(alarms, alarm{
				rule:    a.Detection.Rule,
				auditID: strings.Clone(a.Event.AuditID),
				user:    strings.Clone(root.Get("user").Get("username").Text()),
				where:   strings.Clone(root.Get("verb").Text() + " " + root.Get("requestURI").Text()),
			})
			return dst
		},
		Out:   io.Discard,
		Fault: func(_ string, _ int64, f match.Fault) { assert.Fail(t, "fault", "%+v", f) },
		Now:   time.Now,
	})
	require.NoError(t, err)
	require.Empty(t, summary.Rejected)
	return alarms, int(summary.Events)
}
