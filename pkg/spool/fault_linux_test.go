package spool

import (
	"bufio"
	"errors"
	"fmt"
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

// mountTmpfs mounts a small file system of memory; where that is not allowed the
// test is skipped.
func mountTmpfs(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("no small file system can be mounted here: %v; run as root", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return dir
}

// TestDiskFull fills a disk below the floor's nose: the write that fails is Unknown,
// later ones are refused, and when there is room again the log goes on by itself, with
// all that it acknowledged.
func TestDiskFull(t *testing.T) {
	dir := mountTmpfs(t, 32<<20)
	ballast := filepath.Join(dir, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, 16<<20), 0o600))
	cfg := testConfig(t, "a")
	cfg.Dir = filepath.Join(dir, "spool")
	cfg.FreeFloor = 64 << 10
	cfg.AppendTimeout = 5 * time.Second
	l := open(t, cfg)

	var acked []string
	noise := incompressible(900 << 10)
	add := func() error {
		r := event(fmt.Sprintf("e%d", len(acked)))
		r.Extra = noise
		err := l.Append(t.Context(), r)
		if err == nil {
			acked = append(acked, string(r.Events[0].Raw))
		}
		return err
	}
	var err error
	for err == nil {
		err = add()
	}
	require.ErrorAs(t, err, new(Unknown), "nobody knows about the write that failed")
	require.ErrorContains(t, err, syscall.ENOSPC.Error())
	require.False(t, errors.As(err, new(Full)), "which would say that it is not stored")
	var full Full
	require.ErrorAs(t, add(), &full, "the next one is refused")
	require.Equal(t, FullDisk, full.Reason)
	require.ErrorAs(t, l.Fault(), &full)

	require.NoError(t, os.Remove(ballast))
	eventually(t, func() bool { return l.Fault() == nil })
	require.NoError(t, add())
	require.Equal(t, uint64(1), status(t, l).Counters.Reopened)
	got := drained(t, l, "a")
	for _, id := range acked {
		require.Contains(t, got, id)
	}
}

// TestDiskFullReader: a consumer goes on over the reopening.
func TestDiskFullReader(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	s := newSink()
	consume(t, l, "a", s.handle)
	appendAll(t, l, "1")
	s.wait(t, 1)
	l.mu.Lock()
	l.setFault(Full{Reason: FullDisk, Detail: "as if"})
	l.mu.Unlock()
	require.ErrorAs(t, l.Append(t.Context(), event("x")), new(Full))
	eventually(t, func() bool { return l.Fault() == nil })
	appendAll(t, l, "2")
	require.Equal(t, []string{"1", "2"}, s.wait(t, 2))
}

// strace returns the command that runs a child under strace, or skips the test.
func strace(t *testing.T, args ...string) []string {
	t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed; the calls of the store are not watched")
	}
	if out, err := exec.Command(path, "-f", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("strace does not work here: %v: %s", err, out)
	}
	return append([]string{path, "-f", "-qq"}, args...)
}

// TestFsyncBeforeAnswer watches the system calls: between two answers stands an fsync
// of the block that holds the record. A log without fsync passes every other test,
// kill -9 included, since what it wrote is in the page cache; here it is told apart.
func TestFsyncBeforeAnswer(t *testing.T) {
	for role, synced := range map[string]bool{roleOneByOne: true, roleNoSync: false} {
		t.Run(role, func(t *testing.T) {
			trace := filepath.Join(t.TempDir(), "trace")
			cmd, out := child(t, role, t.TempDir(), strace(t, "-y", "-e", "trace=fsync,fdatasync,write", "-o", trace)...)
			answers := 0
			for lines := bufio.NewScanner(out); lines.Scan(); {
				answers++
			}
			require.NoError(t, cmd.Wait())
			require.Equal(t, 20, answers)
			calls, err := os.ReadFile(trace)
			require.NoError(t, err)
			fsyncs, unsynced := 0, 0
			for line := range strings.Lines(string(calls)) {
				switch {
				case strings.Contains(line, "sync(") && strings.Contains(line, ".blk>"):
					fsyncs++
				case strings.Contains(line, `"one-`) && strings.Contains(line, "write(1"):
					if fsyncs == 0 {
						unsynced++
					}
					fsyncs = 0
				}
			}
			if synced {
				require.Zero(t, unsynced, "answers without an fsync before them")
			} else {
				require.Positive(t, unsynced, "the test does not see a log without fsync")
			}
		})
	}
}

// TestBrokenDisk fails one fsync with EIO, as a disk does: the log is poisoned from
// then on though each later fsync would succeed, and the next start has everything
// that was acknowledged.
func TestBrokenDisk(t *testing.T) {
	cfg := testConfig(t, "a", "b")
	cmd, out := child(t, rolePoisoned, cfg.Dir, strace(t, "-o", os.DevNull, "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=25")...)
	var answers []string
	acked := map[string]bool{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		answers = append(answers, lines.Text())
		if strings.HasPrefix(lines.Text(), "p-") {
			acked[lines.Text()] = true
		}
	}
	require.NoError(t, cmd.Wait(), "%v", answers)
	require.NotEmpty(t, acked)
	require.Equal(t, []string{"unknown", "poisoned"}, answers[len(acked):])

	l := open(t, cfg)
	got := drained(t, l, "a")
	for id := range acked {
		require.Contains(t, got, id)
	}
}
