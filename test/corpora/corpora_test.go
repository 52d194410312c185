package corpora

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorder stands in for a test and notes how it was ended.
type recorder struct {
	testing.TB
	skipped, failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Skipf(string, ...any)  { r.skipped = true; panic(r) }
func (r *recorder) Fatalf(string, ...any) { r.failed = true; panic(r) }

// shared calls Shared on a recorder and returns what it did.
func shared(t *testing.T, elem ...string) (path string, r *recorder) {
	r = &recorder{TB: t}
	defer func() {
		if p := recover(); p != nil && p != r {
			panic(p)
		}
	}()
	return Shared(r, elem...), r
}

func TestRoot(t *testing.T) {
	root := Root(t)
	assert.FileExists(t, filepath.Join(root, "go.mod"))
	assert.FileExists(t, filepath.Join(root, "test", "corpora", "corpora.go"))

	_, err := rootAbove(t.TempDir())
	assert.ErrorContains(t, err, "run the tests inside the repository")
}

func TestShared(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "events"), nil, 0o600))

	t.Run("neither variable: skipped", func(t *testing.T) {
		t.Setenv(EnvShared, "")
		t.Setenv(EnvIntegration, "")
		_, r := shared(t, "events")
		assert.True(t, r.skipped)
	})
	t.Run("long tests on, data absent: skipped", func(t *testing.T) {
		t.Setenv(EnvShared, "")
		t.Setenv(EnvIntegration, "1")
		_, r := shared(t, "no such file anywhere")
		assert.True(t, r.skipped)
	})
	t.Run("folder named: found", func(t *testing.T) {
		t.Setenv(EnvShared, dir)
		t.Setenv(EnvIntegration, "")
		path, r := shared(t, "events")
		assert.Equal(t, filepath.Join(dir, "events"), path)
		assert.False(t, r.skipped || r.failed)
	})
	t.Run("folder named, file absent: failed, not skipped", func(t *testing.T) {
		t.Setenv(EnvShared, dir)
		_, r := shared(t, "elsewhere")
		assert.True(t, r.failed)
	})
}
