package file

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// saveEnv makes this test, run again as a child, store a position at its value.
const saveEnv = "KUBEWITNESS_TEST_SAVE_POSITION"

// A power cut must leave the old position or the new one: between the write and the
// rename stands an fsync, and one of the folder behind it. A kill would not show that
// they are missing, so the calls are watched.
func TestPositionIsSyncedBeforeItIsRenamed(t *testing.T) {
	if path := os.Getenv(saveEnv); path != "" {
		require.NoError(t, position{Version: positionVersion}.save(path))
		return
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed; the calls are not watched")
	}
	dir := t.TempDir()
	trace, path := filepath.Join(dir, "trace"), filepath.Join(dir, "position")
	cmd := exec.CommandContext(t.Context(), strace, "-f", "-y", "-o", trace, "-e", "trace=fsync,rename,renameat,renameat2",
		os.Args[0], "-test.run", "^TestPositionIsSyncedBeforeItIsRenamed$")
	cmd.Env = append(os.Environ(), saveEnv+"="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("strace does not work here: %v: %s", err, out)
	}
	calls, err := os.ReadFile(trace)
	require.NoError(t, err)
	// A call can end on a line of its own ("<unfinished ...>"), so where one ends is not asked for.
	assert.Regexp(t, `(?s)fsync\(\d+<`+regexp.QuoteMeta(path)+`\.new>.*rename\S*\(.*fsync\(\d+<`+regexp.QuoteMeta(dir)+`>`, string(calls))
}
