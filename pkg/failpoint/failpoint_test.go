package failpoint

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// program passes a point three times and tells how far it came.
const program = `package main

import "github.com/kubewitness/kubewitness/pkg/failpoint"

func main() {
	for range 3 {
		failpoint.Hit("here")
		failpoint.Hit("there")
		print("x")
	}
	if failpoint.On("light") {
		print("y")
	}
	if failpoint.On("wait") {
		n := 0
		failpoint.Watch("thrice", func() bool { n++; return n%2 == 0 })
		failpoint.Watch("never", func() bool { print("z"); return true })
		select {}
	}
}
`

func TestHit(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600))
	for _, c := range []struct {
		tags, env, out string
		killed         bool
		exit           int
	}{
		{"", "here:2,light", "xxx", false, 0},
		{"failpoint", "", "xxx", false, 0},
		{"failpoint", "light", "xxxy", false, 0},
		{"failpoint", "here:2", "x", true, 0},
		{"failpoint", "elsewhere:1,there:3,light", "xx", true, 0},
		{"failpoint", "light,wait,thrice:3", "xxxy", true, 0},
		{"failpoint", "here:0", "failpoint: KUBEWITNESS_FAILPOINT is \"here:0\"; write name:count\n", false, 2},
	} {
		binary := filepath.Join(dir, "program-"+c.tags)
		if _, err := os.Stat(binary); err != nil {
			out, err := exec.Command("go", "build", "-tags", c.tags, "-o", binary, filepath.Join(dir, "main.go")).CombinedOutput()
			require.NoError(t, err, "%s", out)
		}
		cmd := exec.Command(binary)
		cmd.Env = append(os.Environ(), "KUBEWITNESS_FAILPOINT="+c.env)
		out, err := cmd.CombinedOutput()
		require.Equal(t, c.out, string(out), "%+v", c)
		var exit *exec.ExitError
		switch {
		case c.killed:
			require.True(t, errors.As(err, &exit), "%+v", c)
			require.Equal(t, syscall.SIGKILL, exit.Sys().(syscall.WaitStatus).Signal(), "%+v", c)
		case c.exit != 0:
			require.True(t, errors.As(err, &exit), "%+v", c)
			require.Equal(t, c.exit, exit.ExitCode(), "%+v", c)
		default:
			require.NoError(t, err, "%+v", c)
		}
	}
}
