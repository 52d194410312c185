package durable

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWriteReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursor")
	for _, content := range []string{"first, and longer", "second", ""} {
		require.NoError(t, Write(path, []byte(content)))
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, content, string(got))
		assert.NoFileExists(t, path+".new")
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
}

func TestWhatCannotBeWrittenLeavesTheOld(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cursor")
	require.NoError(t, Write(path, []byte("old")))
	require.NoError(t, os.Mkdir(path+".new", 0o700)) // nothing can be written under that name
	require.Error(t, Write(path, []byte("new")))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "old", string(got))
	assert.Error(t, Write(filepath.Join(dir, "nowhere", "cursor"), nil))
	assert.Error(t, SyncFolder(filepath.Join(dir, "nowhere")))
}

// TestLeftoverOfACrashIsWrittenOver: a process that died on the way leaves a part.
func TestLeftoverOfACrashIsWrittenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursor")
	require.NoError(t, os.WriteFile(path+".new", []byte("much longer than what follows"), 0o600))
	require.NoError(t, Write(path, []byte("new")))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "new", string(got))
}
