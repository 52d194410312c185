package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// noon is a moment of today: the engine keeps by the clock of the machine.
var noon = time.Now().UTC().Truncate(day).Add(-day / 2)

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(Config{Dir: dir, FreeFloor: 1, Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func rowsOf(n int) []Row {
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = Row{
			ID: fmt.Sprintf("%064x", i), Cluster: fmt.Sprintf("c%d", i%2), Time: noon.Add(time.Duration(i) * time.Millisecond),
			Columns: []Column{{"n", fmt.Sprint(i)}, {"user", fmt.Sprintf("u%d", i%3)}, {"list", fmt.Sprintf(`["a","b%d"]`, i%2)}},
			Raw:     fmt.Appendf(nil, `{"n":%d}`, i),
		}
	}
	return rows
}

func all(t testing.TB, s *Store, q Query, o Scan) []Row {
	t.Helper()
	var rows []Row
	require.NoError(t, s.Newest(t.Context(), q, o, func(r Row) error {
		rows = append(rows, r)
		return nil
	}))
	return rows
}

func TestStoreHoldsRows(t *testing.T) {
	s := open(t, t.TempDir())
	rows := rowsOf(1000)
	w, err := s.Write(t.Context(), rows)
	require.NoError(t, err)
	assert.Equal(t, 1000, w.Rows)
	assert.NotContains(t, w.New, false)
	w, err = s.Write(t.Context(), rows)
	require.NoError(t, err)
	assert.Equal(t, 1000, w.Known)
	assert.NotContains(t, w.New, true)
	require.NoError(t, s.Sync(t.Context()))
	w, err = s.Write(t.Context(), rows)
	require.NoError(t, err)
	assert.Equal(t, 1000, w.Known)
	assert.NotContains(t, w.New, true)

	n, err := s.Count(t.Context(), Query{Filter: Equal{"user", []string{"u1"}}})
	require.NoError(t, err)
	assert.EqualValues(t, 333, n)
	got := all(t, s, Query{}, Scan{})
	require.Len(t, got, 1000)
	assert.Equal(t, rows[999].ID, got[0].ID)
	assert.Equal(t, rows[999].Raw, got[0].Raw)
	assert.Equal(t, "c1", got[0].Cluster)
	r, ok, err := s.Get(t.Context(), rows[5].ID, nil)
	require.NoError(t, err)
	require.True(t, ok)
	assert.Equal(t, "5", r.Value("n"))
	b, err := s.Histogram(t.Context(), Query{}, 100*time.Millisecond)
	require.NoError(t, err)
	require.Len(t, b, 10)
	assert.Equal(t, Bucket{noon, 100}, b[0])
	f, err := s.Facets(t.Context(), Query{}, []FacetColumn{{"user", false}, {"list", true}, {"cluster", false}}, 2)
	require.NoError(t, err)
	assert.Equal(t, []Facet{
		{"user", []FacetValue{{"u0", 334}, {"u1", 333}}, true},
		{"list", []FacetValue{{"a", 1000}, {"b0", 500}}, true},
		{"cluster", []FacetValue{{"c0", 500}, {"c1", 500}}, false},
	}, f)
	oldest, newest, ok := s.Bounds()
	require.True(t, ok)
	assert.Equal(t, rows[0].Time, oldest)
	assert.Equal(t, rows[999].Time, newest)
	assert.EqualValues(t, 1000, s.Stats().Rows)
}
