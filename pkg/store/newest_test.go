package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newestFirst(a, b Row) int {
	return cmp.Or(b.Time.Compare(a.Time), strings.Compare(b.ID, a.ID))
}

// crowdedRows are rows at few moments, thousands of them in one nanosecond, and some
// far from all others.
func crowdedRows() []Row {
	rng := rand.New(rand.NewPCG(7, 8))
	var rows []Row
	for i := range 6000 {
		t := noon.Add(time.Duration(rng.IntN(3)))
		switch {
		case i%10 == 0:
			t = noon.Add(-time.Duration(rng.Int64N(int64(3 * day))))
		case i%10 < 3:
			t = noon.Add(-time.Duration(rng.Int64N(int64(time.Second))))
		}
		rows = append(rows, Row{ID: fmt.Sprintf("%x", rng.Uint64()), Time: t, Columns: []Column{{"even", fmt.Sprint(i % 2)}}, Raw: []byte("raw")})
	}
	return rows
}

func TestNewestComeInOrderAndOnce(t *testing.T) {
	s := open(t, t.TempDir())
	rows := crowdedRows()
	_, err := s.Write(t.Context(), rows)
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context()))
	slices.SortFunc(rows, newestFirst)
	even := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Value("even") != "0" })

	assert.Equal(t, idsOf(rows), idsOf(all(t, s, Query{}, Scan{NoRaw: true})))
	f := Equal{"even", []string{"0"}}
	assert.Equal(t, idsOf(even), idsOf(all(t, s, Query{Filter: f}, Scan{NoRaw: true})))
	from, to := noon.Add(-time.Millisecond), noon.Add(1)
	within := slices.DeleteFunc(slices.Clone(even), func(r Row) bool { return r.Time.Before(from) || !r.Time.Before(to) })
	require.NotEmpty(t, within)
	assert.Equal(t, idsOf(within), idsOf(all(t, s, Query{Filter: f, From: from, To: to}, Scan{NoRaw: true})))
	n, err := s.Count(t.Context(), Query{Filter: f, From: from, To: to})
	require.NoError(t, err)
	assert.EqualValues(t, len(within), n)
	assert.Empty(t, all(t, s, Query{From: noon.Add(time.Hour)}, Scan{}))
	assert.Empty(t, all(t, s, Query{From: to, To: from}, Scan{}))

	// Page by page, of any size, it is the same.
	rng := rand.New(rand.NewPCG(9, 10))
	var paged []Row
	var after Position
	for {
		page := 1 + rng.IntN(700)
		var got []Row
		require.NoError(t, s.Newest(t.Context(), Query{Filter: f}, Scan{After: after, NoRaw: true}, func(r Row) error {
			got = append(got, r)
			if len(got) == page {
				return ErrStop
			}
			return nil
		}))
		if len(got) == 0 {
			break
		}
		last := got[len(got)-1]
		paged, after = append(paged, got...), Position{last.Time, last.ID}
	}
	assert.Equal(t, idsOf(even), idsOf(paged))
}

func idsOf(rows []Row) []string {
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	return ids
}

func TestNewestEnds(t *testing.T) {
	s := open(t, t.TempDir())
	assert.Empty(t, all(t, s, Query{}, Scan{})) // there is nothing
	_, err := s.Write(t.Context(), rowsOf(1000))
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context()))

	broken := errors.New("broken")
	n := 0
	assert.ErrorIs(t, s.Newest(t.Context(), Query{}, Scan{}, func(Row) error { n++; return broken }), broken)
	assert.Equal(t, 1, n)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, s.Newest(ctx, Query{}, Scan{}, func(Row) error { return nil }), context.Canceled)
	_, err = s.Count(ctx, Query{})
	assert.ErrorIs(t, err, context.Canceled)
	_, err = s.Facets(ctx, Query{}, []FacetColumn{{"n", false}}, 3)
	assert.ErrorIs(t, err, context.Canceled)
	var bad BadPattern
	assert.ErrorAs(t, s.Newest(t.Context(), Query{Filter: Not{Regexp{"n", "("}}}, Scan{}, nil), &bad)

	var told []Progress
	o := Scan{Progress: func(p Progress) { told = append(told, p) }}
	require.NoError(t, s.Newest(t.Context(), Query{From: noon.Add(-day)}, o, func(Row) error { return nil }))
	require.NotEmpty(t, told)
	assert.True(t, slices.IsSortedFunc(told, func(a, b Progress) int { return b.Reached.Compare(a.Reached) }))
	end := told[len(told)-1]
	assert.Equal(t, end.Oldest, end.Reached)
}

func TestHistogramsAreAligned(t *testing.T) {
	s := open(t, t.TempDir())
	rows := crowdedRows()
	_, err := s.Write(t.Context(), rows)
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context()))
	for _, step := range []time.Duration{1, 7 * time.Nanosecond, time.Millisecond, 90 * time.Second, time.Hour, day, 7 * day, 400 * day} {
		want := map[int64]uint64{}
		for _, r := range rows {
			want[r.Time.UnixNano()/int64(step)*int64(step)]++
		}
		got, err := s.Histogram(t.Context(), Query{}, step)
		require.NoError(t, err)
		for i, b := range got {
			assert.Equal(t, want[b.Start.UnixNano()], b.Rows, "%s from %s", step, b.Start)
			assert.True(t, i == 0 || got[i-1].Start.Before(b.Start))
		}
		assert.Len(t, got, len(want))
	}
	_, err = s.Histogram(t.Context(), Query{}, 0)
	assert.ErrorContains(t, err, "steps")
}

// TestNewestBeginsWhereRowsEnd: not at the end of the day, from where windows would grow
// until there is all of the day in the one in which the first row is.
func TestNewestBeginsWhereRowsEnd(t *testing.T) {
	dir := t.TempDir()
	for _, opened := range []string{"written", "opened again"} {
		t.Run(opened, func(t *testing.T) {
			s, err := Open(Config{Dir: dir, FreeFloor: 1, Now: time.Now})
			require.NoError(t, err)
			defer func() { assert.NoError(t, s.Close()) }()
			begin := noon.Truncate(day) // a second apart from here
			if opened == "written" {
				rows := rowsOf(2000)
				for i := range rows {
					rows[i].Time = begin.Add(time.Duration(i) * time.Second)
				}
				_, err := s.Write(t.Context(), rows)
				require.NoError(t, err)
				require.NoError(t, s.Sync(t.Context()))
			}
			last := begin.Add(1999 * time.Second)
			var reached []time.Time
			none := Scan{Progress: func(p Progress) { reached = append(reached, p.Reached) }}
			assert.Empty(t, all(t, s, Query{Filter: Equal{"id", []string{"none"}}}, none))
			require.NotEmpty(t, reached)
			assert.Less(t, last.Sub(reached[0]), day/64, "the first window ends soon before the last row")
			assert.Equal(t, idsOf(all(t, s, Query{}, Scan{NoRaw: true}))[0], fmt.Sprintf("%064x", 1999))
		})
	}
}
