package output_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/sink/output"
)

// open opens a file output and closes it with the test.
func open(t *testing.T, path string, format output.Format) *output.File {
	t.Helper()
	f, err := output.OpenFile(output.FileConfig{Path: path, Format: format})
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

// TestFileLines: appended, for the owner's eyes only.
func TestFileLines(t *testing.T) {
	for _, format := range formats {
		t.Run(format.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			first, second := delivery(t, 0, 6), delivery(t, 6, 6)
			f := open(t, path, format)
			require.NoError(t, f.Write(t.Context(), first))
			require.NoError(t, f.Write(t.Context(), delivery(t, 0, 1)), "no detections")
			require.NoError(t, f.Close())
			requireRecoverable(t, f.Write(t.Context(), second))

			f = open(t, path, format)
			require.NoError(t, f.Write(t.Context(), second))
			assert.Equal(t, text(append(wanted(first, format), wanted(second, format)...)), content(t, path))
			info, err := os.Stat(path)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode())
			assert.EqualValues(t, len(ids(second)), f.Counters().Detections)
			assert.Zero(t, f.Counters().Completed+f.Counters().Reopened)
		})
	}
}

// TestFileSyncedBeforeWriteReturns: what is acknowledged is not in the page cache
// only.
func TestFileSyncedBeforeWriteReturns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f := open(t, path, output.Text)
	events := delivery(t, 0, 6)
	synced := 0
	f.SetSync(func(file *os.File) error {
		synced++
		assert.Equal(t, text(wanted(events, output.Text)), content(t, path), "all of it, then the sync")
		return file.Sync()
	})
	require.NoError(t, f.Write(t.Context(), events))
	assert.Equal(t, 1, synced)
}

// TestFileTornLine: what a crash left of a line is ended, not run into.
func TestFileTornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	require.NoError(t, os.WriteFile(path, []byte("whole\n{\"torn"), 0o600))
	f := open(t, path, output.Text)
	assert.Equal(t, "whole\n{\"torn", content(t, path), "opening writes nothing: the disk may be full")
	for i := range 2 {
		require.NoError(t, f.Write(t.Context(), delivery(t, 3*i, 3)))
	}
	assert.Equal(t, "whole\n{\"torn\n"+text(wanted(delivery(t, 0, 6), output.Text)), content(t, path))
	assert.EqualValues(t, 1, f.Counters().Completed)
}

// TestFileFollowsThePath: all that programs do to rotate a log.
func TestFileFollowsThePath(t *testing.T) {
	first, second := text(wanted(delivery(t, 0, 6), output.Text)), text(wanted(delivery(t, 6, 6), output.Text))
	for name, c := range map[string]struct {
		rotate   func(t *testing.T, path string, f *output.File)
		old, now string
		reopened int
	}{
		"renamed": {func(t *testing.T, path string, _ *output.File) {
			require.NoError(t, os.Rename(path, path+".1"))
		}, first, second, 1},
		"renamed and made anew": {func(t *testing.T, path string, _ *output.File) {
			require.NoError(t, os.Rename(path, path+".1"))
			require.NoError(t, os.WriteFile(path, []byte("header\n"), 0o640))
		}, first, "header\n" + second, 1},
		"renamed, and told": {func(t *testing.T, path string, f *output.File) {
			require.NoError(t, os.Rename(path, path+".1"))
			require.NoError(t, f.Reopen())
			assert.Empty(t, content(t, path))
		}, first, second, 1},
		"deleted": {func(t *testing.T, path string, _ *output.File) {
			require.NoError(t, os.Remove(path))
		}, "", second, 1},
		"copied and cut": {func(t *testing.T, path string, _ *output.File) {
			require.NoError(t, os.WriteFile(path+".1", []byte(content(t, path)), 0o600))
			require.NoError(t, os.Truncate(path, 0))
		}, first, second, 0},
		"told for nothing": {func(t *testing.T, _ string, f *output.File) {
			require.NoError(t, f.Reopen())
		}, "", first + second, 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			f := open(t, path, output.Text)
			require.NoError(t, f.Write(t.Context(), delivery(t, 0, 6)))
			c.rotate(t, path, f)
			require.NoError(t, f.Write(t.Context(), delivery(t, 6, 6)))
			assert.Equal(t, c.now, content(t, path))
			if c.old != "" {
				assert.Equal(t, c.old, content(t, path+".1"))
			}
			assert.EqualValues(t, c.reopened, f.Counters().Reopened)
		})
	}
}

// TestFileFolderVanishes: writes fail while it is away, and lose nothing.
func TestFileFolderVanishes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "out")
	f := open(t, path, output.Text)
	require.NoError(t, os.Rename(dir, dir+".away"))
	require.ErrorIs(t, requireRecoverable(t, f.Write(t.Context(), delivery(t, 0, 3))), os.ErrNotExist)
	require.ErrorIs(t, f.Reopen(), os.ErrNotExist)
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, f.Write(t.Context(), delivery(t, 0, 3)))
	assert.Equal(t, text(wanted(delivery(t, 0, 3), output.Text)), content(t, path))
}

// TestFileWrongPath is known at the start.
func TestFileWrongPath(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for path, want := range map[string]string{
		dir: "not a regular file", pipe: "not a regular file", "/dev/null": "not a regular file", filepath.Join(dir, "no", "out"): "no such file",
	} {
		_, err := output.OpenFile(output.FileConfig{Path: path})
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "output: file: ")
	}
}

// TestFileSyncFails: the lines are taken back, and written and synced again in a
// file opened anew: a second sync of the first would prove nothing.
func TestFileSyncFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f := open(t, path, output.Text)
	first, second := delivery(t, 0, 6), delivery(t, 6, 6)
	require.NoError(t, f.Write(t.Context(), first))
	var failed, good *os.File
	f.SetSync(func(file *os.File) error { failed = file; return syscall.EIO })
	require.ErrorIs(t, requireRecoverable(t, f.Write(t.Context(), second)), syscall.EIO)
	assert.Equal(t, text(wanted(first, output.Text)), content(t, path))
	f.SetSync(func(file *os.File) error { good = file; return file.Sync() })
	require.NoError(t, f.Write(t.Context(), second))
	assert.Equal(t, text(wanted(append(first, second...), output.Text)), content(t, path))
	assert.NotSame(t, failed, good)
	c := f.Counters()
	assert.Equal(t, []uint64{1, 1, uint64(len(ids(first)) + len(ids(second)))}, []uint64{c.Withdrawn, c.Reopened, c.Detections})
}

// TestFileCutWhileAWriteFails: a file that somebody else shortened is not touched;
// the lines come again behind what is there.
func TestFileCutWhileAWriteFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f := open(t, path, output.Text)
	require.NoError(t, f.Write(t.Context(), delivery(t, 0, 6)))
	f.SetSync(func(*os.File) error {
		require.NoError(t, os.Truncate(path, 5))
		return syscall.EIO
	})
	requireRecoverable(t, f.Write(t.Context(), delivery(t, 6, 6)))
	f.SetSync((*os.File).Sync)
	require.NoError(t, f.Write(t.Context(), delivery(t, 6, 6)))
	got := content(t, path)
	assert.Equal(t, text(wanted(delivery(t, 6, 6), output.Text)), got[6:])
	assert.Equal(t, byte('\n'), got[5])
	assert.False(t, strings.Contains(got, "\x00"), "no hole")
	assert.Zero(t, f.Counters().Withdrawn)
}

// TestFileRace: rotation, signals and readings of counters beside writes; every
// line is in one of the files, whole and once.
func TestFileRace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	f := open(t, path, output.FalcoJSON)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := range 20 {
			_ = os.Rename(path, path+"."+string(rune('a'+i)))
			_ = f.Reopen()
			f.Counters()
		}
	}()
	const n = 60
	for i := range n {
		require.NoError(t, f.Write(t.Context(), delivery(t, 3*i, 3)))
	}
	<-ended
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	var all bytes.Buffer
	for _, file := range files {
		all.WriteString(content(t, file))
	}
	got := strings.Split(strings.TrimSuffix(all.String(), "\n"), "\n")
	assert.ElementsMatch(t, wanted(delivery(t, 0, 3*n), output.FalcoJSON), got)
}
