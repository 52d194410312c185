package file

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPositionIsStoredForItsOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p")
	want := position{Version: positionVersion, Offset: 7, Head: spanOf([]byte("abc")), Last: spanOf([]byte("a"))}
	require.NoError(t, want.save(path))
	got, err := loadPosition(path)
	require.NoError(t, err)
	assert.Equal(t, &want, got)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
}

func FuzzPosition(f *testing.F) {
	good, err := json.Marshal(position{Version: positionVersion, Offset: 7, Head: spanOf([]byte("abc")), Last: spanOf([]byte("a"))})
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"version":1,"offset":-1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parsePosition(text)
		if err != nil {
			return
		}
		// Whatever it says, looking for it ends and changes nothing.
		log := filepath.Join(t.TempDir(), "audit.log")
		require.NoError(t, os.WriteFile(log, []byte("some\nlines\n"), 0o600))
		all, err := siblings(log)
		require.NoError(t, err)
		tail := &Tail{cfg: Config{Path: log, Position: log + ".position"}}
		src, err := tail.locate(p, all)
		if err == nil && src != nil {
			src.close()
		}
	})
}
