package store

import (
	"log"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNothingIsSaidAtTheStart: a program that links the engine says nothing before
// main, and its standard logger works.
func TestNothingIsSaidAtTheStart(t *testing.T) {
	require.Equal(t, os.Stderr, log.Writer())
	cmd := exec.Command(os.Args[0], "-test.run", "^$")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err)
	require.Contains(t, []string{"PASS\n", "testing: warning: no tests to run\nPASS\n"}, string(out))
}
