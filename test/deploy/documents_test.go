package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

// TestCommandsOfTheDocument runs the commands by which docs/apiserver.md has people see
// whether it works.
func TestCommandsOfTheDocument(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("the commands are for curl, which is not here")
	}
	certs := certificates(t, "127.0.0.1")
	s := serveAsInTheCluster(t, certs)
	apiserver := mutualTLS(t, certs, "kube-apiserver-prod")
	s.send(t, apiserver, "https", "/audit/prod", sample(t))
	want := []string{`^ok\n$`, `"consumers"|"Consumers"`, `kubewitness_ingest_events_total\{cluster="prod"`, `^stored 0, known 0, no events 0\n$`}
	lines := commands(t, "docs/apiserver.md")
	require.Len(t, lines, len(want))
	for i, line := range lines {
		line = strings.NewReplacer("127.0.0.1:8080", s.http, "10.96.0.50:9443", s.webhook).Replace(line)
		cmd := exec.Command("sh", "-c", line)
		cmd.Dir = filepath.Dir(certs)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s\n%s", line, out)
		assert.Regexp(t, want[i], string(out), line)
	}
	s.stop(t)
}

var (
	testName   = regexp.MustCompile("`((?:Test|Fuzz)[A-Z]\\w*)`")
	testFunc   = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w*)\(`)
	metricName = regexp.MustCompile(`\b(?:kubewitness_)?((?:ingest|webhook|sink|tail|spool|rules|rule)_\w+(?:_total|_seconds|_failing|_up))\b`)
)

// TestDocumentsNameWhatThereIs: a test that docs/threat-model.md calls its witness is
// there, and so are the metrics that the documents tell people to watch.
func TestDocumentsNameWhatThereIs(t *testing.T) {
	root, have := corpora.Root(t), map[string]bool{}
	for _, dir := range []string{"cmd", "pkg", "rules", "test"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, dir), func(file string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(file, "_test.go") {
				return err
			}
			b, err := os.ReadFile(file)
			for _, m := range testFunc.FindAllStringSubmatch(string(b), -1) {
				have[m[1]] = true
			}
			return err
		}))
	}
	code, err := os.ReadFile(filepath.Join(root, "pkg", "server", "metrics.go"))
	require.NoError(t, err)
	for _, doc := range []string{"docs/apiserver.md", "docs/threat-model.md", "deploy/kubernetes/README.md"} {
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(doc)))
		require.NoError(t, err)
		for _, m := range testName.FindAllStringSubmatch(string(b), -1) {
			assert.True(t, have[m[1]], "%s: there is no %s", doc, m[1])
		}
		for _, m := range metricName.FindAllStringSubmatch(string(b), -1) {
			assert.Contains(t, string(code), `"`+m[1]+`"`, doc)
		}
	}
}
