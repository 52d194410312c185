package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// longRows are rows that the engine could not hold, or not as they are.
func longRows() []Row {
	at := func(i int) time.Time { return noon.Add(time.Duration(i)) }
	many := make([]Column, 20)
	for i := range many {
		many[i] = Column{fmt.Sprintf("m%d", i), strings.Repeat(string(rune('a'+i)), 100_000)}
	}
	return []Row{
		{ID: "short", Time: at(0), Columns: []Column{{"a", "x"}}, Raw: []byte("raw")},
		{ID: "most", Time: at(1), Columns: []Column{{"a", "x"}}, Raw: bytes.Repeat([]byte("y"), DefaultMaxRow)},
		{ID: "long", Time: at(2), Columns: []Column{{"a", "x"}}, Raw: bytes.Repeat([]byte("long\x00\xff"), 1<<20)},
		{ID: "wide", Time: at(3), Columns: []Column{{"a", "x"}, {"wide", strings.Repeat("w", maxValue+1)}}, Raw: []byte("raw")},
		{ID: "many", Time: at(4), Columns: append(many, Column{"a", "x"}), Raw: []byte("raw")},
		{ID: "strange", Time: at(5), Columns: []Column{{"a", "x"}, {"address", "1\n.2.3.4"}}, Raw: []byte("1\xff.2.3.4")},
		{ID: "all", Time: at(6), Columns: []Column{{"a", "x"}, {"wide", strings.Repeat("w", 3<<20)}}, Raw: bytes.Repeat([]byte("z"), 5<<20)},
	}
}

func sameRow(t testing.TB, want, got Row) {
	t.Helper()
	slices.SortFunc(got.Columns, func(a, b Column) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(want.Columns, func(a, b Column) int { return strings.Compare(a.Name, b.Name) })
	assert.Equal(t, want.ID, got.ID)
	assert.True(t, want.Time.Equal(got.Time))
	assert.True(t, slices.Equal(want.Columns, got.Columns), "columns of %s", want.ID)
	assert.True(t, bytes.Equal(want.Raw, got.Raw), "raw bytes of %s", want.ID)
	assert.False(t, got.Lost)
}

func TestLongRowsComeBackWhole(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	rows := longRows()
	w, err := s.Write(t.Context(), rows)
	require.NoError(t, err)
	assert.Equal(t, len(rows), w.Rows)
	require.NoError(t, s.Sync(t.Context()))
	assert.EqualValues(t, 5, s.Stats().Beside)
	for range 2 {
		got := all(t, s, Query{}, Scan{})
		require.Len(t, got, len(rows))
		slices.Reverse(got)
		for i := range rows {
			sameRow(t, rows[i], got[i])
			r, ok, err := s.Get(t.Context(), rows[i].ID, nil)
			require.NoError(t, err)
			require.True(t, ok)
			sameRow(t, rows[i], r)
		}
		require.NoError(t, s.Close())
		s = open(t, dir)
	}
	ids := func(f Filter) (ids []string) {
		for _, r := range all(t, s, Query{Filter: f}, Scan{NoRaw: true, Columns: []string{"a"}}) {
			ids = append(ids, r.ID)
			assert.Equal(t, []Column{{"a", "x"}}, r.Columns)
			assert.Nil(t, r.Raw)
		}
		return ids
	}
	assert.Len(t, ids(Equal{"a", []string{"x"}}), len(rows))
	assert.Equal(t, []string{"all", "strange", "long"}, ids(Beside{}))
	assert.Equal(t, []string{"all", "wide"}, ids(Cut{"wide"}))
	assert.Equal(t, []string{"strange"}, ids(Cut{"address"}))
	assert.Equal(t, []string{"many"}, ids(Or{Cut{"m0"}, Cut{"m19"}}))
	assert.Empty(t, ids(Cut{"a"}))
	assert.Empty(t, ids(Cut{`*" or "id":*`}))
	assert.Empty(t, ids(Exists{"wide"}))
	assert.Equal(t, []string{"short"}, ids(And{Raw{Text: "raw"}, Not{Or{Cut{"wide"}, Exists{"m19"}}}}))

	only := all(t, s, Query{Filter: Cut{"wide"}}, Scan{NoRaw: true, Columns: []string{"wide"}})
	assert.Len(t, only[1].Value("wide"), maxValue+1)
	assert.Nil(t, only[1].Raw)
}

func TestLostBodyIsTold(t *testing.T) {
	for _, breakIt := range []func(path string) error{os.Remove, func(p string) error { return os.Truncate(p, 100) }, func(p string) error { return os.WriteFile(p, nil, 0o600) }} {
		s := open(t, t.TempDir())
		_, err := s.Write(t.Context(), longRows()[2:3])
		require.NoError(t, err)
		require.NoError(t, s.Sync(t.Context()))
		require.NoError(t, breakIt(s.bodyPath("long", noon)))
		r, ok, err := s.Get(t.Context(), "long", nil)
		require.NoError(t, err)
		require.True(t, ok)
		assert.True(t, r.Lost)
		assert.Nil(t, r.Raw)
		assert.EqualValues(t, 1, s.Stats().Lost)
	}
}

func TestBodiesOfRemovedDaysAreRemoved(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	_, err := s.Write(t.Context(), longRows())
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context()))
	gone := filepath.Join(dir, "bodies", "20200101")
	require.NoError(t, os.MkdirAll(gone, 0o700))
	s.swept = time.Time{}
	require.NoError(t, s.Sync(t.Context()))
	assert.NoDirExists(t, gone)
	assert.DirExists(t, filepath.Join(dir, "bodies", dayOf(noon)))
	require.NoError(t, s.Close())
	require.NoError(t, os.RemoveAll(partition(dir, 0)))
	open(t, dir)
	assert.NoDirExists(t, filepath.Join(dir, "bodies", dayOf(noon)))
}

func FuzzBody(f *testing.F) {
	b := body{columns: []Column{{"a", "x"}}, raw: []byte("raw")}
	packed, err := b.marshal()
	require.NoError(f, err)
	f.Add(packed)
	f.Add([]byte{1, 1, 'a', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, content []byte) {
		b, err := unmarshalBody(content)
		if err == nil {
			assert.LessOrEqual(t, len(b.raw), len(content))
		}
	})
}
