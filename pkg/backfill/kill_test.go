//go:build unix

package backfill_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/backfill"
)

// Variables that make the test's own binary an import to be killed.
const (
	envDir = "BACKFILL_TEST_DIR"
	envLog = "BACKFILL_TEST_LOG"
)

// TestKilledImport is no test by itself: it is the process that TestKill kills. It prints
// how many events it has written.
func TestKilledImport(t *testing.T) {
	if os.Getenv(envDir) == "" {
		t.Skip("it is a part of TestKill")
	}
	s := open(t, os.Getenv(envDir))
	cfg := config(t, s)
	cfg.Now = ticking(time.Now())
	cfg.Progress = func(g backfill.Progress) {
		if g.Events%2000 == 0 {
			require.NoError(t, s.Sync(t.Context())) // or all would be in memory when it dies
		}
		fmt.Printf("at %d\n", g.Events)
	}
	_, err := backfill.Run(t.Context(), cfg, backfill.Files([]string{os.Getenv(envLog)}, nil))
	require.NoError(t, err)
}

// TestKill kills imports at different points, at last lets one through, and finds each
// event exactly once.
func TestKill(t *testing.T) {
	const events = 8000
	dir, input := t.TempDir(), file(t, "audit.log", log(0, events))
	for _, until := range []int{1000, 3000, 6000} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledImport$")
		cmd.Env = append(os.Environ(), envDir+"="+dir, envLog+"="+input)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		reached := false
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var n int
			if _, err := fmt.Sscanf(lines.Text(), "at %d", &n); err == nil && n >= until {
				reached = true
				break
			}
		}
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
		require.True(t, reached, "it ended before "+strconv.Itoa(until))
	}
	s := open(t, dir)
	sum, err := backfill.Run(t.Context(), config(t, s), backfill.Files([]string{input}, nil))
	require.NoError(t, err)
	assert.EqualValues(t, events, sum.Events)
	got := stored(t, s)
	assert.Len(t, got, events)
	for n := range events {
		e := got[fmt.Sprintf("a-%d", n)]
		require.NotNil(t, e, n)
		if n%10 == 0 {
			require.Len(t, e.Detections, 1)
		}
	}
	assert.GreaterOrEqual(t, sum.Known, int64(6000))
	t.Logf("%d of %d were there before the last import", sum.Known, events)
}
