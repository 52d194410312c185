package field_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// TestConformance compares every value in alerts recorded from Falco with ours
// in strict mode. The recordings are sets of events.jsonl.gz and
// expected-all.jsonl.gz in test/conformance; KUBEWITNESS_CONFORMANCE names a
// folder with more.
func TestConformance(t *testing.T) {
	folders := []string{"../../test/conformance", os.Getenv("KUBEWITNESS_CONFORMANCE")}
	sets := map[string]string{}
	for _, folder := range folders {
		found, err := filepath.Glob(filepath.Join(folder, "*", "expected-all.jsonl.gz"))
		require.NoError(t, err)
		for _, file := range found {
			sets[filepath.Base(filepath.Dir(file))] = filepath.Dir(file)
		}
	}
	if len(sets) == 0 {
		t.Skip("no recordings")
	}
	for name, folder := range sets {
		t.Run(name, func(t *testing.T) { compareWithFalco(t, folder) })
	}
}

func compareWithFalco(t *testing.T, folder string) {
	var events []*audit.Event
	readLines(t, filepath.Join(folder, "events.jsonl.gz"), func(line []byte) { events = append(events, &audit.Event{Raw: line}) })
	values, different := 0, 0
	readLines(t, filepath.Join(folder, "expected-all.jsonl.gz"), func(line []byte) {
		var alert struct {
			N      int                        `json:"n"`
			Rule   string                     `json:"rule"`
			Time   time.Time                  `json:"time"`
			Fields map[string]json.RawMessage `json:"output_fields"`
		}
		require.NoError(t, json.Unmarshal(line, &alert))
		event := events[alert.N-1]
		event.Time = alert.Time
		c := &field.Context{Event: event, Num: uint64(alert.N), Strict: true}
		for name, want := range alert.Fields {
			f, arg := lookup(t, name)
			values++
			got := outputField(t, f, f.Extract(c, arg))
			if got != string(want) && !assert.JSONEq(t, string(want), got, "event %d, rule %s: %s", alert.N, alert.Rule, name) {
				different++
			}
		}
	})
	t.Logf("%d values compared, %d different", values, different)
}

// outputField writes items as they stand in output_fields; all recorded fields
// are text.
func outputField(t *testing.T, f *field.Field, items []field.Item) string {
	var v any
	switch {
	case items == nil:
	case f.List:
		all := []string{}
		for _, it := range items {
			all = append(all, it.Text)
		}
		v = all
	default:
		v = items[0].Text
	}
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return string(b)
}

// readLines calls do for each line of a gzip file; do may keep the line.
func readLines(t testing.TB, path string, do func(line []byte)) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		do(append([]byte(nil), lines.Bytes()...))
	}
	require.NoError(t, lines.Err())
}
