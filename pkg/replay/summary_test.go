package replay

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

// filled is a summary with something of everything.
func filled() *Summary {
	s := newSummary()
	s.Events, s.Bytes, s.Faults, s.Elapsed = 12345, 1<<30, 2, 1500*time.Millisecond
	for name, n := range map[string]int{"Secret read": 3, "Exec into pod": 12, "Anonymous request": 3} {
		r := &rules.Rule{Name: name, Priority: rules.Warning}
		for range n {
			s.detect(r)
		}
	}
	s.detect(&rules.Rule{Name: "Privileged pod", Priority: rules.Critical})
	s.detect(&rules.Rule{Name: "Everything", Priority: rules.Informational})
	for _, reason := range []audit.Reason{audit.ReasonTime, audit.ReasonSyntax, audit.ReasonTime} {
		s.reject(&audit.Rejection{Reason: reason})
	}
	return s
}

func TestSummaryText(t *testing.T) {
	one := newSummary()
	one.Events, one.Elapsed = 1, time.Second
	one.detect(&rules.Rule{Name: "a rule", Priority: rules.Error})
	one.reject(&audit.Rejection{Reason: audit.ReasonKind})
	one.Faults = 1
	var b bytes.Buffer
	for _, s := range []*Summary{newSummary(), one, filled()} {
		n, err := s.WriteTo(&b)
		require.NoError(t, err)
		assert.Positive(t, n)
		b.WriteString("\n")
	}
	const golden = "testdata/summary.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())
}

func TestSummaryWriteError(t *testing.T) {
	full := errors.New("full")
	_, err := filled().WriteTo(writerFunc(func([]byte) (int, error) { return 0, full }))
	assert.ErrorIs(t, err, full)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestByRule: most urgent first, then most frequent, then by name.
func TestByRule(t *testing.T) {
	var names []string
	for _, c := range filled().ByRule() {
		names = append(names, c.Name)
	}
	assert.Equal(t, []string{"Privileged pod", "Exec into pod", "Anonymous request", "Secret read", "Everything"}, names)
}

// TestFaultsAreCounted: a fault is told with its place and counted, and the
// replay goes on.
func TestFaultsAreCounted(t *testing.T) {
	defect := errors.New("defect")
	var told []faultAt
	r := &run{summary: newSummary()}
	r.Out = io.Discard
	r.Fault = func(input string, line int64, f match.Fault) { told = append(told, faultAt{input, line, f}) }
	fault := faultAt{"audit.log", 7, match.Fault{Rule: &rules.Rule{Name: "broken"}, Err: defect}}
	require.NoError(t, r.settle(&task{events: 3, faults: []faultAt{fault, fault}}))
	assert.Equal(t, []faultAt{fault, fault}, told)
	assert.Equal(t, int64(2), r.summary.Faults)
	assert.Equal(t, int64(3), r.summary.Events)
	r.Fault = nil
	require.NoError(t, r.settle(&task{faults: []faultAt{fault}}))
	assert.Equal(t, int64(3), r.summary.Faults)
}

// TestProgress: told at most every 200 milliseconds, in bytes as stored.
func TestProgress(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var told []Progress
	r := &run{summary: newSummary(), start: now, total: 1000, done: 100}
	r.Now = func() time.Time { return now }
	r.Progress = func(p Progress) { told = append(told, p) }
	for i := range int64(10) {
		require.NoError(t, r.settle(&task{read: 10 * i, events: 1}))
		now = now.Add(90 * time.Millisecond)
	}
	var at []time.Duration
	for _, p := range told {
		at = append(at, p.Elapsed)
		assert.Equal(t, int64(1000), p.Total)
	}
	assert.Equal(t, []time.Duration{0, 270 * time.Millisecond, 540 * time.Millisecond, 810 * time.Millisecond}, at)
	assert.Equal(t, Progress{Bytes: 190, Total: 1000, Events: 10, Elapsed: 810 * time.Millisecond}, told[3])
}

// TestTotalSize: the sum of the files; nothing when one of the inputs has no
// size.
func TestTotalSize(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		require.NoError(t, os.WriteFile(dir+"/"+name, make([]byte, 10), 0o600))
	}
	size := func(inputs ...string) int64 { return (&Source{Inputs: inputs}).totalSize() }
	assert.Equal(t, int64(20), size(dir+"/a", dir+"/b"))
	assert.Zero(t, size(dir+"/a", Stdin))
	assert.Zero(t, size(dir+"/a", dir+"/missing"))
	assert.Zero(t, size(dir))
	assert.Zero(t, size())
}
