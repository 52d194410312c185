package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/replay"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// TestRun runs what `make run` runs: what the service detects in what came
// through its webhook is what a replay of the log finds.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	for name, pkg := range map[string]string{"kubewitness": "../../cmd/kubewitness", "run": "."} {
		out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), pkg).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	sample := filepath.Join("..", "sample", "audit.jsonl")
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "run"), "-binary", filepath.Join(dir, "kubewitness"), "-sample", sample, "-once")
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), "%s", &stderr)
	assert.Equal(t, replayed(t, sample), stdout.String())
	assert.Contains(t, stderr.String(), "242 events of "+sample+" went through the webhook")
	left, err := filepath.Glob(filepath.Join(dir, "kubewitness-run-*"))
	require.NoError(t, err)
	assert.Empty(t, left, "its folder is removed")
}

func replayed(t *testing.T, log string) string {
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Notice})
	require.NoError(t, err)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	var out bytes.Buffer
	_, err = replay.Run(context.Background(), replay.Options{
		Source: replay.Source{Inputs: []string{log}, Cluster: "demo"}, Matcher: m, Workers: 1, Out: &out,
		Now: func() time.Time { return time.Time{} },
		Line: func(dst []byte, a *alert.Alert) []byte {
			return alert.AppendAnswer(dst, a, alert.Options{})
		},
	})
	require.NoError(t, err)
	return out.String()
}
