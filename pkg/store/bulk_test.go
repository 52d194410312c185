package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inBulk reads by portions, and holds that each is in bounds.
func inBulk(t *testing.T, s *Store, q Query, most portion) (rows []Row, portions int) {
	t.Helper()
	return inOrder(t, s, q, Scan{}, most)
}

func inOrder(t *testing.T, s *Store, q Query, o Scan, most portion) (rows []Row, portions int) {
	t.Helper()
	require.NoError(t, s.bulk(t.Context(), q, o, most, func(got []Row) error {
		require.NotEmpty(t, got)
		require.LessOrEqual(t, int64(len(got)), most.rows)
		rows = append(rows, got...)
		portions++
		return nil
	}))
	return rows, portions
}

// TestBulkGivesWhatNewestGives reads crowded rows by portions of several sizes, some
// smaller than what there is in one nanosecond.
func TestBulkGivesWhatNewestGives(t *testing.T) {
	s := open(t, t.TempDir())
	rows := crowdedRows()
	_, err := s.Write(t.Context(), rows)
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context()))
	slices.SortFunc(rows, newestFirst)
	for _, tt := range []struct {
		name string
		most portion
		q    Query
		keep func(Row) bool
	}{
		{"all", usualPortion, Query{}, func(Row) bool { return true }},
		{"small portions", portion{700, 1 << 20}, Query{}, func(Row) bool { return true }},
		{"few bytes", portion{10_000, 300}, Query{To: noon.Add(-time.Hour)}, func(r Row) bool { return r.Time.Before(noon.Add(-time.Hour)) }},
		{"filter and times", portion{2000, 1 << 20}, Query{Filter: Equal{"even", []string{"0"}}, From: noon.Add(-time.Millisecond), To: noon.Add(1)}, func(r Row) bool {
			return r.Value("even") == "0" && !r.Time.Before(noon.Add(-time.Millisecond)) && r.Time.Before(noon.Add(1))
		}},
		{"nothing", usualPortion, Query{From: noon.Add(time.Hour)}, func(Row) bool { return false }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var want []Row
			for _, r := range rows {
				if tt.keep(r) {
					want = append(want, r)
				}
			}
			got, _ := inBulk(t, s, tt.q, tt.most)
			assert.Equal(t, idsOf(want), idsOf(got))

			var reached []time.Time
			o := Scan{Forward: true, Progress: func(p Progress) { reached = append(reached, p.Reached) }}
			forward, _ := inOrder(t, s, tt.q, o, tt.most)
			assert.True(t, slices.IsSortedFunc(reached, time.Time.Compare))
			assert.True(t, slices.IsSortedFunc(forward, func(a, b Row) int { return a.Time.Compare(b.Time) }))
			slices.SortFunc(forward, newestFirst) // more of one time than a portion are in no order
			assert.Equal(t, idsOf(want), idsOf(forward))
		})
	}
	got, portions := inBulk(t, s, Query{}, portion{700, 1 << 20})
	assert.Greater(t, portions, len(got)/700)
	whole, _ := inOrder(t, s, Query{}, Scan{Forward: true}, usualPortion)
	slices.Reverse(whole)
	assert.Equal(t, idsOf(got), idsOf(whole))
}

// TestBulkRows: the rows are whole, those with something beside them too, and belong to the
// caller.
func TestBulkRows(t *testing.T) {
	s := open(t, t.TempDir())
	written := []Row{
		{ID: "a", Cluster: "c", Time: noon, Columns: []Column{{"x", "1"}}, Raw: []byte(`{"a":1}`)},
		{ID: "b", Time: noon.Add(1), Columns: []Column{{"x", "2"}, {"y", strings.Repeat("long ", 1<<20)}}, Raw: []byte(strings.Repeat("b", 5<<20))},
	}
	_, err := s.Write(t.Context(), written)
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context()))
	want := all(t, s, Query{}, Scan{})
	got, _ := inBulk(t, s, Query{}, usualPortion)
	for _, rows := range [][]Row{want, got} {
		for _, r := range rows {
			slices.SortFunc(r.Columns, func(a, b Column) int { return strings.Compare(a.Name, b.Name) })
		}
	}
	require.Len(t, got, 2)
	assert.Equal(t, want, got)
}

func TestBulkEnds(t *testing.T) {
	s := open(t, t.TempDir())
	_, err := s.Write(t.Context(), crowdedRows())
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context()))
	calls := 0
	most := portion{500, 1 << 20}
	require.NoError(t, s.bulk(t.Context(), Query{}, Scan{}, most, func([]Row) error { calls++; return ErrStop }))
	assert.Equal(t, 1, calls)
	boom := errors.New("boom")
	require.ErrorIs(t, s.bulk(t.Context(), Query{}, Scan{}, most, func([]Row) error { return boom }), boom)
	ctx, cancel := context.WithCancel(t.Context())
	err = s.bulk(ctx, Query{}, Scan{}, most, func([]Row) error { cancel(); return nil })
	require.ErrorIs(t, err, context.Canceled)

	var reached []time.Time
	o := Scan{Progress: func(p Progress) { reached = append(reached, p.Reached) }}
	require.NoError(t, s.bulk(t.Context(), Query{}, o, most, func([]Row) error { return nil }))
	require.NotEmpty(t, reached)
	assert.True(t, slices.IsSortedFunc(reached, func(a, b time.Time) int { return b.Compare(a) }))
}
