package deploy_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/rig"
)

// commands are the lines of a document's blocks that are marked sh, in order.
func commands(t *testing.T, document string) (lines []string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(corpora.Root(t), filepath.FromSlash(document)))
	require.NoError(t, err)
	inside := false
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```sh"
		case inside && line != "":
			lines = append(lines, line)
		}
	}
	require.NotEmpty(t, lines)
	return lines
}

// volume is what a provisioner would make for the claim: the rig has none.
const volume = `apiVersion: v1
kind: PersistentVolume
metadata: {name: kubewitness-test}
spec:
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteOnce]
  hostPath: {path: /nonexistent}
  claimRef: {namespace: kubewitness, name: data-kubewitness-0}
`

// privileged is a pod that "restricted" refuses.
const privileged = `apiVersion: v1
kind: Pod
metadata: {name: privileged, namespace: kubewitness}
spec:
  containers: [{name: c, image: i, securityContext: {privileged: true}}]
`

// callReady says of the pod, once it is there, what a kubelet would. That of the rig asks
// for a token first, for every pod, which an API server refuses to give for this one.
func callReady(ctx context.Context, c *rig.Cluster) {
	const status = `{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"},{"type":"ContainersReady","status":"True"}],` +
		`"containerStatuses":[{"name":"kubewitness","image":"kubewitness:local","imageID":"none","ready":true,"started":true,"restartCount":0,` +
		`"state":{"running":{"startedAt":"2026-01-01T00:00:00Z"}}}]}}`
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		r, err := c.Admin().Do(ctx, rig.Request{
			Method: http.MethodPatch, Path: "/api/v1/namespaces/kubewitness/pods/kubewitness-0/status",
			Type: "application/strategic-merge-patch+json", Body: status,
		})
		if err == nil && r.Code == http.StatusOK {
			return
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// TestCommandsOfTheREADME runs all that deploy/kubernetes/README.md tells people to run
// with kubectl, line by line: a real API server takes the manifests without a warning,
// and a pod comes of them under Pod Security "restricted".
func TestCommandsOfTheREADME(t *testing.T) {
	c := rig.Start(t, rig.Options{Controllers: true, Nodes: 1, Policy: filepath.Join(corpora.Root(t), "deploy", "apiserver", "audit-policy.yaml")})
	dir := t.TempDir() // which has certs in it afterwards
	require.NoError(t, os.Symlink(filepath.Join(corpora.Root(t), "deploy"), filepath.Join(dir, "deploy")))
	file := filepath.Join(dir, "volume.yaml")
	require.NoError(t, os.WriteFile(file, []byte(volume), 0o600))
	out, err := c.Kubectl("apply", "-f", file)
	require.NoError(t, err, out)

	go callReady(t.Context(), c)
	for _, line := range commands(t, "deploy/kubernetes/README.md") {
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, "HOME="+dir, "PATH="+rig.Binaries(t)+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s\n%s", line, out)
		assert.NotContains(t, string(out), "Warning", line)
	}
	phase, err := c.Kubectl("-n", "kubewitness", "get", "pod", "kubewitness-0", "-o", "jsonpath={.status.phase} {.spec.automountServiceAccountToken} {.spec.volumes[*].name}")
	require.NoError(t, err, phase)
	assert.Equal(t, "Running false data config tls", phase, "the volumes that are meant, and no token")
	address, err := c.Kubectl("-n", "kubewitness", "get", "service", "kubewitness", "-o", "jsonpath={.spec.clusterIP}")
	require.NoError(t, err, address)
	assert.Equal(t, "10.96.0.50", address)

	for _, variant := range variants {
		out, err := c.Kubectl("apply", "--dry-run=server", "-k", manifestPath(t, variant))
		require.NoError(t, err, out)
		assert.NotContains(t, out, "Warning", variant)
	}
	require.NoError(t, os.WriteFile(file, []byte(privileged), 0o600))
	out, err = c.Kubectl("apply", "-f", file)
	assert.Error(t, err)
	assert.Contains(t, out, `violates PodSecurity "restricted:latest"`, "the profile is in force")
}
