package rig

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

// TestUnit has systemd itself read the unit of deploy/apiserver, and judge how much
// of the host it opens to the service.
func TestUnit(t *testing.T) {
	corpora.Integration(t)
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd here")
	}
	b, err := os.ReadFile(filepath.Join(corpora.Root(t), "deploy", "apiserver", "kubewitness.service"))
	require.NoError(t, err)
	self, err := os.Executable() // the unit's own need not be installed
	require.NoError(t, err)
	require.Contains(t, string(b), "/usr/local/bin/kubewitness ")
	unit := filepath.Join(t.TempDir(), "kubewitness.service")
	require.NoError(t, os.WriteFile(unit, []byte(strings.ReplaceAll(string(b), "/usr/local/bin/kubewitness ", self+" ")), 0o644))

	out, err := exec.Command(analyze, "verify", unit).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Empty(t, string(out), "no warning either: an unknown setting is one")
	out, err = exec.Command(analyze, "security", "--offline=true", "--threshold=20", unit).CombinedOutput()
	assert.NoError(t, err, string(out))
}
