// Package corpora finds test material: the root of this repository, and the
// large reference data that is too big or not ours to commit (hours of audit
// logs of a real API server, recorded answers of a real Falco).
//
// That data stands in a folder beside the repository, or wherever
// KUBEWITNESS_SHARED points. A test that needs it calls [Shared] and is
// skipped where it is absent, so `make test` depends on nothing outside the
// tree; `make integration` sets KUBEWITNESS_INTEGRATION=1 and reads it.
//
// Only tests may import this package, and it alone may know where the data is.
package corpora

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Environment variables that the tests obey.
const (
	// EnvIntegration, set to "1", turns the long tests on.
	EnvIntegration = "KUBEWITNESS_INTEGRATION"
	// EnvShared names the folder with the reference data. Setting it turns
	// the tests that read this data on, with or without EnvIntegration.
	EnvShared = "KUBEWITNESS_SHARED"
)

// beside is where the reference data is looked for, seen from the root.
const beside = "../shared"

// Root returns the absolute path of the repository: the folder of go.mod at or
// above the test's working directory. It ends the test when there is none.
func Root(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatalf("corpora: %v", err)
	}
	root, err := rootAbove(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

func rootAbove(dir string) (string, error) {
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("corpora: no go.mod at or above %s; run the tests inside the repository", dir)
		}
	}
}

// Integration skips the test unless the long tests are on.
func Integration(tb testing.TB) {
	tb.Helper()
	if os.Getenv(EnvIntegration) != "1" {
		tb.Skipf("a long test: set %s=1, or run make integration", EnvIntegration)
	}
}

// Shared returns the path of one file or folder of the reference data, given by
// its path elements below the data's folder: Shared(t, "corpora", "normal.jsonl.gz").
// The test is skipped where the long tests are off or the data is not there. When
// EnvShared is set but does not hold the wanted path, the test fails: whoever set
// it meant the test to run.
func Shared(tb testing.TB, elem ...string) string {
	tb.Helper()
	if dir := os.Getenv(EnvShared); dir != "" {
		path := filepath.Join(append([]string{dir}, elem...)...)
		if _, err := os.Stat(path); err != nil {
			tb.Fatalf("corpora: %s is set, but %v", EnvShared, err)
		}
		return path
	}
	Integration(tb)
	path := filepath.Join(append([]string{Root(tb), beside}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("reference data %s is not here; %s may name its folder", filepath.Join(elem...), EnvShared)
	}
	return path
}
