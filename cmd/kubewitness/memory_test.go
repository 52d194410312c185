package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

// maxResident is what a replay may hold in memory, however long its input is.
const maxResident = 200 << 20

// TestMemory replays logs that are much longer than the memory it may take:
// the binary itself, from a pipe.
func TestMemory(t *testing.T) {
	corpora.Integration(t)
	if runtime.GOOS != "linux" {
		t.Skip("the unit of the resident size differs between systems")
	}
	binary := filepath.Join(t.TempDir(), "kubewitness")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, ".")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)

	log := recorded(t)
	lines := bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n"))
	items := bytes.Join(lines, []byte(","))
	const megabyte = 1 << 20
	for _, tt := range []struct {
		name  string
		input io.Reader
		want  string // in the summary
	}{
		{"a log of 2 GB", repeated("", log, "", 2048*megabyte), " events read, "},
		{"an EventList of 300 MB on one line", repeated(`{"kind":"EventList","items":[`, append(items, ','), string(lines[0])+"]}\n", 300*megabyte), " events read, "},
		{"an event of 300 MB on one line", repeated(`{"kind":"Event","stageTimestamp":"2026-11-21T19:17:56Z","x":"`, bytes.Repeat([]byte("x"), megabyte), "\"}\n"+string(log), 300*megabyte), "         1  size\n"},
		{"300 MB of brackets on one line", repeated("", bytes.Repeat([]byte("["), megabyte), "\n"+string(log), 300*megabyte), "         1  depth\n"},
		{"300 MB of blanks", repeated("", bytes.Repeat([]byte(" "), megabyte), string(log), 300*megabyte), " events read, "},
		{"300 MB of nonsense on one line", repeated("", bytes.Repeat([]byte("x"), megabyte), "\n"+string(log), 300*megabyte), "         1  syntax\n"},
		{"300 MB of empty lines", repeated("", bytes.Repeat([]byte("\n"), megabyte), string(log), 300*megabyte), " events read, "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command(binary, "replay", "-")
			cmd.Stdin = tt.input
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Run(), "%s", stderr.String()) // standard output goes nowhere
			usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			require.True(t, ok)
			resident := usage.Maxrss << 10 // the system counts in KiB
			assert.Less(t, resident, int64(maxResident))
			assert.Contains(t, stderr.String(), tt.want)
			assert.NotContains(t, stderr.String(), "\n0 events read")
			summary := stderr.String()[strings.LastIndex(stderr.String()[:strings.Index(stderr.String(), " events read")], "\n")+1:]
			first, _, _ := strings.Cut(summary, "\n")
			t.Logf("%d MB resident, %v of CPU: %s", resident>>20, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), first)
		})
	}
}

// recorded is what a real API server logged, some hundred lines.
func recorded(t *testing.T) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join(corpora.Root(t), "pkg", "audit", "testdata", "events.jsonl.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	data, err := io.ReadAll(z)
	require.NoError(t, err)
	return data
}

// repeated is a text over and over, for so many bytes at least, between two
// others.
func repeated(before string, text []byte, after string, size int) io.Reader {
	readers := []io.Reader{strings.NewReader(before)}
	for n := 0; n < size; n += len(text) {
		readers = append(readers, bytes.NewReader(text))
	}
	return io.MultiReader(append(readers, strings.NewReader(after))...)
}
