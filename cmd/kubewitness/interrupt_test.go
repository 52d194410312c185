package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// session is a running command whose input stays open.
type session struct {
	cmd    *exec.Cmd
	out    *bufio.Reader
	stderr bytes.Buffer
}

// start runs the command in a folder with the files of testdata/given. The time
// limit only keeps a failing test from running for ever.
func start(t *testing.T, stdin io.Reader, args ...string) *session {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	s := &session{cmd: exec.CommandContext(ctx, "kubewitness", args...)}
	s.cmd.Dir = t.TempDir()
	require.NoError(t, os.CopyFS(s.cmd.Dir, os.DirFS("testdata/given")))
	s.cmd.Stdin = stdin
	s.cmd.Stderr = &s.stderr
	out, err := s.cmd.StdoutPipe()
	require.NoError(t, err)
	s.out = bufio.NewReader(out)
	return s
}

// firstLine waits for a line of output: then the command is well under way.
func (s *session) firstLine(t *testing.T) string {
	t.Helper()
	line, err := s.out.ReadString('\n')
	require.NoError(t, err)
	return line
}

func (s *session) end(t *testing.T) int {
	t.Helper()
	_, err := io.Copy(io.Discard, s.out)
	require.NoError(t, err)
	var ee *exec.ExitError
	if err := s.cmd.Wait(); err != nil {
		require.ErrorAs(t, err, &ee)
	}
	return s.cmd.ProcessState.ExitCode()
}

func givenEvents(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("testdata/given/events.jsonl")
	require.NoError(t, err)
	return string(b)
}

// TestInterrupt: Ctrl-C and SIGTERM end a replay that waits for input, with
// the summary of what was read.
func TestInterrupt(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			r, w, err := os.Pipe()
			require.NoError(t, err)
			defer w.Close()
			s := start(t, r, "replay", "--rules", "rules.yaml", "--output", "text", "missing.jsonl", "-", "events.jsonl")
			require.NoError(t, s.cmd.Start())
			r.Close()
			_, err = io.WriteString(w, givenEvents(t))
			require.NoError(t, err)
			assert.Equal(t, "19:17:56.428497000: Notice secret db read by jane (ns=shop)\n", s.firstLine(t))
			require.NoError(t, s.cmd.Process.Signal(sig))
			assert.Equal(t, exitInterrupted, s.end(t))
			assert.True(t, strings.HasPrefix(s.stderr.String(), "3 events read, 3 alerts in "), s.stderr.String())
			assert.Contains(t, s.stderr.String(), "         1  Error          Deletion\n")
			assert.Contains(t, s.stderr.String(), "kubewitness: open missing.jsonl: no such file or directory\ninterrupted\n")
		})
	}
}

// TestInterruptFifo: so does it when the input is a file that never ends.
func TestInterruptFifo(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "audit.log")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	s := start(t, nil, "replay", "--rules", "rules.yaml", "--output", "text", fifo)
	require.NoError(t, s.cmd.Start())
	w, err := os.OpenFile(fifo, os.O_WRONLY, 0) // waits for the reader
	require.NoError(t, err)
	defer w.Close()
	_, err = io.WriteString(w, givenEvents(t))
	require.NoError(t, err)
	s.firstLine(t)
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	assert.Equal(t, exitInterrupted, s.end(t))
	assert.Contains(t, s.stderr.String(), "3 events read, 3 alerts in ")
}

// TestInterruptExplain: the other commands that read events can be ended too.
func TestInterruptExplain(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer w.Close()
	s := start(t, r, "rules", "explain", "--rules", "rules.yaml", "--rule", "Deletion", "--event", "-")
	require.NoError(t, s.cmd.Start())
	r.Close()
	_, err = io.WriteString(w, givenEvents(t))
	require.NoError(t, err)
	assert.Contains(t, s.firstLine(t), `-:1: rule "Deletion" does not fire: `)
	require.NoError(t, s.cmd.Process.Signal(os.Interrupt))
	assert.Equal(t, exitInterrupted, s.end(t))
}
