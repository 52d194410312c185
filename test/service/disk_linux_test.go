package service

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

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

// strace is the command that runs another under strace; without it the test is skipped.
func strace(t *testing.T, args ...string) []string {
	t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed; the calls of the service are not watched")
	}
	if out, err := exec.Command(path, "-f", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("strace does not work here: %v: %s", err, out)
	}
	return append([]string{path, "-f", "-qq"}, args...)
}

// fill posts bodies, each with an event of a megabyte, until one is not taken, and
// returns the answer to that one.
func fill(t *testing.T, s *senders, p *process, m *maker) (code int, text string) {
	t.Helper()
	m.big, m.most = 1, 3
	for range 500 {
		b := m.next()
		code, text = s.once(t.Context(), p, b)
		if code != http.StatusOK {
			return code, text
		}
	}
	require.Fail(t, "the disk does not become full")
	return 0, ""
}

// requireReady waits for what /readyz answers.
func requireReady(t *testing.T, p *process, want int) {
	t.Helper()
	eventually(t, fmt.Sprintf("/readyz answers %d", want), func() bool {
		code, _, err := p.get(t.Context(), "/readyz")
		return err == nil && code == want
	})
}

// TestDiskFloor: below the floor of free space senders are told to come back; when
// the outputs have caught up they are taken again.
func TestDiskFloor(t *testing.T) {
	long(t)
	dir := mountTmpfs(t, 96<<20)
	r, s := newReceiver(t), newSenders(1)
	r.setRefuse(true)
	p := start(t, plan{binary: binary(t, ""), dir: t.TempDir(), config: withHTTP(filepath.Join(dir, "data"), "48MiB", r)})
	require.NotEmpty(t, p.webhook, "%s", p.log())
	m := newMaker(t, 1)
	code, text := fill(t, s, p, m)
	require.Equal(t, http.StatusTooManyRequests, code, text)
	require.Equal(t, "3", s.retryAfter)
	var disk syscall.Statfs_t
	require.NoError(t, syscall.Statfs(dir, &disk))
	require.Greater(t, int64(disk.Bavail)*int64(disk.Bsize), int64(40<<20), "the floor is left free")
	code, text, err := p.get(t.Context(), "/healthz")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code, "a restart would make no room: %s", text)

	r.setRefuse(false)
	m.big = 0
	eventually(t, "events are taken again", func() bool {
		code, _ := s.once(t.Context(), p, m.next())
		return code == http.StatusOK
	})
	p.drained(t)
	requireAll(t, s, r)
	p.terminate(t)
}

// TestDiskFull: the disk is full under the log, by somebody else's doing. What
// was acknowledged is kept, the service is not ready, and goes on by itself once there
// is room.
func TestDiskFull(t *testing.T) {
	long(t)
	dir := mountTmpfs(t, 64<<20)
	ballast := filepath.Join(dir, "ballast")
	require.NoError(t, os.WriteFile(ballast, make([]byte, 32<<20), 0o600))
	r, s := newReceiver(t), newSenders(1)
	r.setRefuse(true)
	p := start(t, plan{binary: binary(t, ""), dir: t.TempDir(), config: withHTTP(filepath.Join(dir, "data"), "64KiB", r) + "store: {enabled: false}\n"})
	require.NotEmpty(t, p.webhook, "%s", p.log())
	requireReady(t, p, http.StatusOK)
	m := newMaker(t, 2)
	code, text := fill(t, s, p, m)
	require.Equal(t, http.StatusServiceUnavailable, code, "nobody knows about the write that failed: %s", text)
	require.Equal(t, "3", s.retryAfter)
	code, text = s.once(t.Context(), p, m.next())
	require.Equal(t, http.StatusTooManyRequests, code, text)
	requireReady(t, p, http.StatusServiceUnavailable)
	code, text, err := p.get(t.Context(), "/healthz")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code, "a restart would make no room: %s", text)

	require.NoError(t, os.Remove(ballast))
	requireReady(t, p, http.StatusOK)
	m.big = 0
	for range 10 {
		code, text := s.once(t.Context(), p, m.next())
		require.Equal(t, http.StatusOK, code, text)
	}
	r.setRefuse(false)
	p.drained(t)
	requireAll(t, s, r)
	p.terminate(t)
}

// TestDiskBroken fails one fsync of the log with EIO: the process ends, since a second
// fsync would tell a lie, and the next one has all that was acknowledged.
func TestDiskBroken(t *testing.T) {
	long(t)
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	block := filepath.Join(data, "spool", "jetstream", "$G", "streams", "KUBEWITNESS", "msgs", "1.blk")
	r, s := newReceiver(t), newSenders(1)
	r.setRefuse(true) // so that all is written to the first block
	cfg := withHTTP(data, "1MiB", r)
	p := start(t, plan{binary: binary(t, ""), dir: dir, config: cfg,
		under: strace(t, "-o", os.DevNull, "-P", block, "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=30")})
	require.NotEmpty(t, p.webhook, "%s", p.log())
	m := newMaker(t, 3)
	m.big = 0
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !p.await(0) && ctx.Err() == nil {
		s.once(ctx, p, m.next())
	}
	require.NoError(t, ctx.Err(), "it does not end: %s", p.log())
	var exit *exec.ExitError
	require.ErrorAs(t, p.fails, &exit)
	require.Equal(t, 1, exit.ExitCode(), "%s", p.log())
	require.Contains(t, p.log(), "the durable log is broken")
	require.Positive(t, s.counts(http.StatusServiceUnavailable), "the write that failed is told to its sender")

	r.setRefuse(false)
	p = start(t, plan{binary: binary(t, ""), dir: dir, config: cfg})
	require.NotEmpty(t, p.webhook, "%s", p.log())
	p.drained(t)
	requireAll(t, s, r)
	p.terminate(t)
}
