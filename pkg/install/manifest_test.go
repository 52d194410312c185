package install

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

var update = flag.Bool("update", false, "write the manifests into testdata and deploy/admission")

// TestManifests: what is printed is what the files have; those of deploy/admission are for who
// installs by himself.
func TestManifests(t *testing.T) {
	deploy := filepath.Join(corpora.Root(t), "deploy", "admission")
	url := Options{URL: "https://kubewitness.example.com:9444/admission/prod", CABundle: []byte("CA")}
	for _, c := range []struct {
		file    string
		options Options
	}{
		{filepath.Join("testdata", "own.yaml"), Options{Mutate: true}},
		{filepath.Join("testdata", "certmanager.yaml"), Options{CertManager: true, Namespace: "security", Cluster: "eu-1", Port: 9444, Exclude: []string{"istio-system", "kube-system"}}},
		{filepath.Join(deploy, "validatingwebhook.yaml"), url},
	} {
		text, err := c.options.Manifest()
		require.NoError(t, err)
		if filepath.Dir(c.file) == deploy {
			text = byHand + text
		}
		if *update {
			require.NoError(t, os.WriteFile(c.file, []byte(text), 0o644))
		}
		want, err := os.ReadFile(c.file)
		require.NoError(t, err)
		assert.Equal(t, string(want), text, "%s: run go test ./pkg/install -update and read the difference", c.file)
	}
}

// byHand is the head of what is applied by hand.
const byHand = `# What an API server asks kubewitness about, for who applies it by himself: replace the URL (or name
# a service) and the CA. It is what "kubewitness admission install --url" writes.
#
# sideEffects: a dry run is asked about, too, and says so. matchPolicy: deployments of an older version
# of the API are deployments. failurePolicy, timeoutSeconds: a cluster goes on without kubewitness.
# rules: all that is made, changed and deleted, and scaling; not status, which controllers write all
# the time. namespaceSelector: without its own namespace it cannot keep itself from coming back; without
# kube-system it cannot keep the cluster from it. matchConditions: what the control plane and the nodes
# do by themselves, many times a second, and what only asks.
#
`
