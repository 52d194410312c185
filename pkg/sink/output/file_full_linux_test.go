package output_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/sink/output"
)

// envFull tells the test binary to be the process whose files may not grow.
const envFull = "KUBEWITNESS_TEST_FULL"

// TestFileFull: the kernel takes a part of a delivery and then no more, as a full
// disk does. The part is taken back; with room again the delivery is written once.
// The limit holds for a whole process, so the test runs in one of its own.
func TestFileFull(t *testing.T) {
	if path := os.Getenv(envFull); path != "" {
		fullFile(t, path)
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "out")
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestFileFull$")
	cmd.Env = append(os.Environ(), envFull+"="+path)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, text(wanted(delivery(t, 0, 12), output.Text)), content(t, path))
}

func fullFile(t *testing.T, path string) {
	signal.Ignore(syscall.SIGXFSZ)
	f := open(t, path, output.Text)
	first, second := delivery(t, 0, 6), delivery(t, 6, 6)
	require.NoError(t, f.Write(t.Context(), first))
	whole := text(wanted(first, output.Text))
	var none syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &none))
	for _, room := range []int{0, 1, 100, len(text(wanted(second, output.Text))) - 1} {
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(len(whole) + room), Max: none.Max}))
		err := requireRecoverable(t, f.Write(t.Context(), second))
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &none))
		require.True(t, errors.Is(err, syscall.EFBIG), "%v", err)
		require.Equal(t, whole, content(t, path), "room for %d bytes", room)
	}
	require.NoError(t, f.Write(t.Context(), second))
	assert.EqualValues(t, 3, f.Counters().Withdrawn)
	assert.EqualValues(t, len(ids(first))+len(ids(second)), f.Counters().Detections)
}
