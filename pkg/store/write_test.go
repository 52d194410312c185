package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRowsAreStoredOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	rows := rowsOf(10)
	twice := append(rowsOf(10), rows...)
	w, err := s.Write(t.Context(), twice) // twice in one batch
	require.NoError(t, err)
	assert.Equal(t, []int{10, 10}, []int{w.Rows, w.Known})
	assert.Equal(t, []bool{true, false}, []bool{w.New[9], w.New[10]})
	for range 3 { // before a barrier, after one, after a restart
		w, err = s.Write(t.Context(), append(rowsOf(11)[10:], rows...))
		require.NoError(t, err)
		assert.Equal(t, 10, w.Known+w.Rows-1, w)
		require.NoError(t, s.Sync(t.Context()))
		require.NoError(t, s.Close())
		s = open(t, dir)
	}
	assert.Len(t, all(t, s, Query{}, Scan{}), 11)

	moved := rowsOf(10)
	for i := range moved {
		moved[i].Time = time.Now() // they are not known by this time
		moved[i].Refiled = true
	}
	w, err = s.Write(t.Context(), moved)
	require.NoError(t, err)
	assert.Equal(t, 10, w.Known)
	assert.Equal(t, []uint64{11, 10}, []uint64{s.Stats().Rows, s.Stats().Known})
}

func TestRowsOutOfRetentionAreRefused(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir(), FreeFloor: 1, Retention: 3 * day, Now: time.Now})
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.Close()) }()
	rows := rowsOf(6)
	rows[1].Time = time.Now().Add(-3*day - time.Minute)
	rows[2].Time = time.Time{}
	rows[4].Time = time.Now().Add(3 * day)
	rows[5].Time = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	w, err := s.Write(t.Context(), rows)
	var outside OutOfRetention
	require.ErrorAs(t, err, &outside)
	assert.Equal(t, []int{1, 2, 4, 5}, outside.Rows)
	assert.Equal(t, rows[2].Time, outside.First)
	assert.Equal(t, rows[5].Time, outside.Newer)
	assert.Equal(t, []bool{true, false, false, true, false, false}, w.New)
	assert.Equal(t, 2, w.Rows)
	for i, keeps := range w.New {
		assert.Equal(t, keeps, s.Keeps(rows[i].Time))
		rows[i].Time = noon
	}
	w, err = s.Write(t.Context(), rows) // filed under another time
	require.NoError(t, err)
	assert.Equal(t, 4, w.Rows)
	require.NoError(t, s.Sync(t.Context()))
	assert.Len(t, all(t, s, Query{}, Scan{}), 6)
	assert.EqualValues(t, 4, s.Stats().Outside)
	assert.Zero(t, s.Stats().Dropped)
}

// The engine keeps by the clock of the machine. What it drops without a word is refused
// with one, whatever our clock says.
func TestRowsThatTheEngineDropsAreRefused(t *testing.T) {
	past := time.Now().AddDate(-1, 0, 0)
	s, err := Open(Config{Dir: t.TempDir(), FreeFloor: 1, Retention: 3 * day, Now: func() time.Time { return past }})
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.Close()) }()
	rows := rowsOf(2)
	rows[1].Time = past
	rows[0].Time = past.Add(-day)
	w, err := s.Write(t.Context(), rows)
	var outside OutOfRetention
	require.ErrorAs(t, err, &outside)
	assert.Equal(t, []int{0, 1}, outside.Rows)
	assert.Zero(t, w.Rows)
	require.NoError(t, s.Sync(t.Context()))
}

func TestOldDaysAreRemoved(t *testing.T) {
	dir, _ := filled(t)
	s, err := Open(Config{Dir: dir, FreeFloor: 1, Retention: day, Now: func() time.Time { return noon.Add(day / 4) }})
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.Close()) }()
	assert.Len(t, all(t, s, Query{}, Scan{}), 200)
	assert.NoDirExists(t, partition(dir, 2))
}

// TestOldestDaysMakeRoom: while the disk has too little room the oldest days go, and the
// last two stay. What a crash left of one that was going is removed.
func TestOldestDaysMakeRoom(t *testing.T) {
	dir, _ := filled(t)
	left := filepath.Join(dir, "removed", "20200101", "datadb")
	require.NoError(t, os.MkdirAll(left, 0o700))
	s, err := Open(Config{Dir: dir, FreeFloor: 1, KeepFree: 1 << 60, Now: time.Now})
	require.NoError(t, err)
	assert.NoDirExists(t, left)
	assert.Len(t, all(t, s, Query{}, Scan{}), 300)
	require.NoError(t, s.Sync(t.Context()))
	assert.Len(t, all(t, s, Query{}, Scan{}), 200)
	assert.EqualValues(t, 1, s.Stats().Removed)
	assert.NoDirExists(t, partition(dir, 2))
	require.NoError(t, s.Sync(t.Context()))
	assert.Len(t, all(t, s, Query{}, Scan{}), 200)
	require.NoError(t, s.Close())
	s, err = Open(Config{Dir: dir, FreeFloor: 1, Now: time.Now})
	require.NoError(t, err)
	assert.Len(t, all(t, s, Query{}, Scan{}), 200)
	require.NoError(t, s.Close())
}

func TestFullDiskMakesReadOnly(t *testing.T) {
	dir, _ := filled(t)
	s, err := Open(Config{Dir: dir, FreeFloor: 1 << 60, Now: time.Now})
	require.NoError(t, err)
	defer func() { assert.NoError(t, s.Close()) }()
	_, err = s.Write(t.Context(), rowsOf(1))
	var readOnly ReadOnly
	require.ErrorAs(t, err, &readOnly)
	assert.EqualValues(t, 1<<60, readOnly.Floor)
	assert.Positive(t, readOnly.Free)
	assert.Len(t, all(t, s, Query{}, Scan{}), 300)
	assert.True(t, s.Stats().ReadOnly)
}

func TestRowsThatCannotBe(t *testing.T) {
	s := open(t, t.TempDir())
	for _, r := range []Row{
		{}, {ID: "a b"}, {ID: "é"}, {ID: strings.Repeat("x", 257)}, {ID: "1_0"},
		{ID: "a", Cluster: strings.Repeat("x", 2000)}, {ID: "a", Columns: []Column{{"A", "x"}}}, {ID: "a", Columns: []Column{{"_a", "x"}}},
		{ID: "a", Columns: []Column{{"", "x"}}}, {ID: "a", Columns: []Column{{"id", "x"}}}, {ID: "a", Columns: []Column{{"cluster", "x"}}},
		{ID: "a", Columns: []Column{{"a", "x"}, {"b", ""}, {"a", "y"}}}, {ID: "a", Columns: []Column{{strings.Repeat("x", 101), "x"}}}, {ID: "a", Columns: make([]Column, 1001)},
	} {
		r.Time = noon
		w, err := s.Write(t.Context(), []Row{{ID: "good", Time: noon}, r})
		var bad BadRow
		require.ErrorAs(t, err, &bad, "%v", r)
		assert.Equal(t, 1, bad.Row)
		assert.Zero(t, w.Rows)
	}
	require.NoError(t, s.Sync(t.Context()))
	assert.Zero(t, s.Stats().Rows)
	_, err := s.Write(t.Context(), nil)
	require.NoError(t, err)
}

// Writers, barriers and queries at once: nothing is lost, nothing twice.
func TestAllAtOnce(t *testing.T) {
	s := open(t, t.TempDir())
	var work sync.WaitGroup
	for w := range 4 {
		work.Go(func() {
			for i := range 10 {
				rows := rowsOf(200)
				for j := range rows { // half of them are another writer's too
					rows[j].ID = fmt.Sprintf("r-%d", (w+j%2)*100_000+i*1000+j)
				}
				_, err := s.Write(t.Context(), rows)
				assert.NoError(t, err)
				assert.NoError(t, s.Sync(t.Context()))
			}
		})
		work.Go(func() {
			for range 5 {
				last := Row{Time: time.Now()}
				err := s.Newest(t.Context(), Query{}, Scan{NoRaw: true}, func(r Row) error {
					if newestFirst(last, r) >= 0 {
						return errors.New("not newest first")
					}
					last = r
					return nil
				})
				assert.NoError(t, err)
				s.Stats()
				s.Bounds()
			}
		})
	}
	work.Wait()
	seen := map[string]bool{}
	for _, r := range all(t, s, Query{}, Scan{}) {
		assert.False(t, seen[r.ID])
		seen[r.ID] = true
	}
	assert.Len(t, seen, 8000)
}
