// Package elastic runs a real Elasticsearch for tests: on loopback ports, in a folder
// of its own, ended by process id and with the test binary, however that ends. What is
// asked of it is the tests' business.
package elastic

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/kubewitness/kubewitness/test/corpora"
)

// built is what build.sh said, once for all tests of a process.
var built struct {
	once   sync.Once
	dir    string // of the distribution
	report string // what it printed besides
	err    error
}

// Distribution returns the folder that Elasticsearch is installed in, and fetches it
// where it is not there yet. The test is skipped where the long tests are off; where
// they are on and it cannot be had, it fails.
func Distribution(tb testing.TB) string {
	tb.Helper()
	corpora.Integration(tb)
	root := corpora.Root(tb)
	built.once.Do(func() {
		cmd := exec.Command(filepath.Join(root, "test", "rig", "elastic", "build.sh"))
		var report bytes.Buffer
		cmd.Stderr = &report
		out, err := cmd.Output()
		built.dir, built.report, built.err = strings.TrimSpace(string(out)), report.String(), err
	})
	if built.err != nil {
		tb.Fatalf("elastic: Elasticsearch cannot be fetched: %v\n%s", built.err, built.report)
	}
	if _, err := os.Stat(filepath.Join(built.dir, "lib", "cli-launcher")); err != nil {
		tb.Fatalf("elastic: %v; delete the folder and run test/rig/elastic/build.sh again", err)
	}
	return built.dir
}

// java returns the Java program: JAVA_HOME's, else the one that is found in PATH.
func java() (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		return filepath.Join(home, "bin", "java"), nil
	}
	bin, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("elastic: no java command, and JAVA_HOME is not set; install a Java runtime, 17 or later")
	}
	if real, err := filepath.EvalSymlinks(bin); err == nil {
		bin = real
	}
	return bin, nil
}
