package store

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// filled is the folder of a closed store with rows on three days, and these rows.
func filled(t testing.TB) (string, []Row) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	s, err := Open(Config{Dir: dir, FreeFloor: 1, Now: time.Now})
	require.NoError(t, err)
	rows := rowsOf(300)
	for i := range rows {
		rows[i].Time = rows[i].Time.AddDate(0, 0, -i%3)
	}
	_, err = s.Write(t.Context(), rows)
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context()))
	require.NoError(t, s.Close())
	return dir, rows
}

func partition(dir string, ago int) string {
	return filepath.Join(dir, "engine", "partitions", dayOf(noon.AddDate(0, 0, -ago)))
}

func TestOpenAgainFindsAll(t *testing.T) {
	dir, rows := filled(t)
	for range 2 {
		s := open(t, dir)
		path, reason := s.MovedAside()
		assert.Empty(t, path+reason)
		assert.Len(t, all(t, s, Query{}, Scan{}), 300)
		w, err := s.Write(t.Context(), rows)
		require.NoError(t, err)
		assert.Equal(t, 300, w.Known)
		require.NoError(t, s.Close())
	}
}

func TestOpenOfFolderInUse(t *testing.T) {
	dir, _ := filled(t)
	s := open(t, dir)
	_, err := Open(Config{Dir: dir, Now: time.Now})
	var inUse InUse
	require.ErrorAs(t, err, &inUse)
	assert.Equal(t, InUse{Dir: dir, PID: strconv.Itoa(os.Getpid())}, inUse)
	assert.ErrorContains(t, err, dir)
	require.NoError(t, s.Close())
	open(t, dir)
}

func TestOpenOfLaterFormat(t *testing.T) {
	dir, _ := filled(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("2\n"), 0o600))
	_, err := Open(Config{Dir: dir, Now: time.Now})
	var tooNew TooNew
	require.ErrorAs(t, err, &tooNew)
	assert.Equal(t, TooNew{Dir: dir, Format: 2, Knows: 1}, tooNew)
}

func TestOpenAfterTornRemoval(t *testing.T) {
	dir, _ := filled(t)
	// The engine marks what it removes, and then removes file after file.
	gone := partition(dir, 2)
	require.NoError(t, os.WriteFile(filepath.Join(gone, ".delete-this-dir"), nil, 0o600))
	require.NoError(t, os.RemoveAll(filepath.Join(gone, "indexdb")))
	require.NoError(t, os.MkdirAll(partition(dir, 9), 0o700)) // one that it had begun to make
	copied := filepath.Join(partition(dir, 0), "snapshots", "20200101000000-0000000000000000")
	require.NoError(t, os.MkdirAll(copied, 0o700))
	s := open(t, dir)
	path, _ := s.MovedAside()
	assert.Empty(t, path)
	assert.Len(t, all(t, s, Query{}, Scan{}), 200)
	assert.NoDirExists(t, gone)
	assert.NoDirExists(t, copied)
}

// breakages are what may have become of the files of a day.
var breakages = map[string]func(t *testing.T, day string){
	"parts list": func(t *testing.T, day string) {
		require.NoError(t, os.WriteFile(filepath.Join(day, "datadb", "parts.json"), []byte(`["`), 0o600))
	},
	"part gone": func(t *testing.T, day string) { require.NoError(t, os.RemoveAll(part(t, day, "datadb"))) },
	"part metadata gone": func(t *testing.T, day string) {
		require.NoError(t, os.Remove(filepath.Join(part(t, day, "datadb"), "metadata.json")))
	},
	"part index cut": func(t *testing.T, day string) {
		require.NoError(t, os.Truncate(filepath.Join(part(t, day, "datadb"), "metaindex.bin"), 3))
	},
	"part file gone": func(t *testing.T, day string) {
		require.NoError(t, os.Remove(filepath.Join(part(t, day, "datadb"), "timestamps.bin")))
	},
	"part values cut": func(t *testing.T, day string) {
		require.NoError(t, os.Truncate(filepath.Join(part(t, day, "datadb"), "message_values.bin"), 7))
	},
	"stream index file gone": func(t *testing.T, day string) {
		require.NoError(t, os.Remove(filepath.Join(part(t, day, "indexdb"), "items.bin")))
	},
	"stream index cut": func(t *testing.T, day string) {
		require.NoError(t, os.Truncate(filepath.Join(part(t, day, "indexdb"), "metaindex.bin"), 3))
	},
	"stream index gone": func(t *testing.T, day string) { require.NoError(t, os.RemoveAll(filepath.Join(day, "indexdb"))) },
	"a file": func(t *testing.T, day string) {
		require.NoError(t, os.RemoveAll(day))
		require.NoError(t, os.WriteFile(day, nil, 0o600))
	},
	"no day": func(t *testing.T, day string) {
		require.NoError(t, os.Rename(day, filepath.Join(filepath.Dir(day), "lost+found")))
	},
}

func part(t *testing.T, day, table string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(day, table, "*", "metadata.json"))
	require.NoError(t, err)
	require.NotEmpty(t, found)
	return filepath.Dir(found[0])
}

func TestOpenMovesBrokenDayAside(t *testing.T) {
	for name, breakIt := range breakages {
		t.Run(name, func(t *testing.T) {
			dir, rows := filled(t)
			breakIt(t, partition(dir, 1))
			s := open(t, dir)
			path, reason := s.MovedAside()
			require.DirExists(t, path)
			assert.NotEmpty(t, reason)
			text, err := os.ReadFile(filepath.Join(path, "REASON"))
			require.NoError(t, err)
			assert.Equal(t, reason+"\n", string(text))
			assert.Len(t, all(t, s, Query{}, Scan{}), 200)

			w, err := s.Write(t.Context(), rows) // the log replays
			require.NoError(t, err)
			assert.Equal(t, []int{100, 200}, []int{w.Rows, w.Known})
			require.NoError(t, s.Sync(t.Context()))
			require.NoError(t, s.Close())
			s = open(t, dir)
			path, _ = s.MovedAside()
			assert.Empty(t, path)
			assert.Len(t, all(t, s, Query{}, Scan{}), 300)
		})
	}
}

func TestOpenMovesFolderWithoutFormatAside(t *testing.T) {
	for _, text := range []string{"", "what"} {
		dir, _ := filled(t)
		require.NoError(t, os.Remove(filepath.Join(dir, "FORMAT")))
		if text != "" {
			require.NoError(t, os.WriteFile(filepath.Join(dir, "FORMAT"), []byte(text), 0o600))
		}
		s := open(t, dir)
		path, reason := s.MovedAside()
		assert.DirExists(t, filepath.Join(path, "engine"))
		assert.Contains(t, reason, "FORMAT")
		assert.Empty(t, all(t, s, Query{}, Scan{}))
	}
}

// A day over which processes die before they can say so is tried three times.
func TestOpenGivesUpDayThatKills(t *testing.T) {
	dir, _ := filled(t)
	day := filepath.Base(partition(dir, 1))
	for times, want := range []int{300, 300, 300, 200} {
		held := filepath.Join(dir, "held") // where a day is while others are opened
		require.NoError(t, os.MkdirAll(held, 0o700))
		require.NoError(t, os.Rename(partition(dir, 2), filepath.Join(held, filepath.Base(partition(dir, 2)))))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "opening"), []byte(`{"Day":"`+day+`","Times":`+strconv.Itoa(times)+`}`), 0o600))
		s := open(t, dir)
		path, reason := s.MovedAside()
		assert.Equal(t, want == 200, path != "", reason)
		assert.Len(t, all(t, s, Query{}, Scan{}), want)
		assert.NoFileExists(t, filepath.Join(dir, "opening"))
		require.NoError(t, s.Close())
	}
}

func TestOpenWithWrongConfig(t *testing.T) {
	for _, c := range []Config{
		{Now: time.Now}, {Dir: "x"}, {Dir: "x", Now: time.Now, Retention: time.Hour}, {Dir: "x", Now: time.Now, MaxRow: 2 << 20}, {Dir: "x", Now: time.Now, MaxBytes: -1},
	} {
		_, err := Open(c)
		assert.ErrorContains(t, err, "store: ")
	}
}

func TestClosedStore(t *testing.T) {
	s := open(t, t.TempDir())
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	_, err := s.Write(t.Context(), rowsOf(1))
	assert.ErrorIs(t, err, ErrClosed)
	assert.ErrorIs(t, s.Sync(t.Context()), ErrClosed)
	assert.ErrorIs(t, s.Newest(t.Context(), Query{}, Scan{}, nil), ErrClosed)
	_, err = s.Count(t.Context(), Query{})
	assert.ErrorIs(t, err, ErrClosed)
	_, err = s.Facets(t.Context(), Query{}, nil, 1)
	assert.ErrorIs(t, err, ErrClosed)
	_, _, err = s.Get(t.Context(), "x", nil)
	assert.ErrorIs(t, err, ErrClosed)
	_, _, ok := s.Bounds()
	assert.False(t, ok)
	assert.Zero(t, s.Stats())
}
