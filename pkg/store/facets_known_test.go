package store

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// someOf makes rows of the last days, in no order.
func someOf(rng *rand.Rand, n, id int) []Row {
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = Row{
			ID: fmt.Sprintf("r%d", id+i), Time: noon.Add(-time.Duration(rng.Int64N(int64(5 * day)))), Cluster: "c",
			Columns: []Column{{"verb", []string{"get", "list", "watch"}[rng.IntN(3)]}, {"user", fmt.Sprint(rng.IntN(40))}},
		}
	}
	return rows
}

var facetColumns = []FacetColumn{{"verb", false}, {"user", false}, {"none", false}, {"verb", false}}

// requireFacets holds facets of a span against what is in the rows.
func requireFacets(t *testing.T, s *Store, rows []Row, f Filter, from, to time.Time) {
	t.Helper()
	got, err := s.Facets(t.Context(), Query{Filter: f, From: from, To: to}, facetColumns, 100)
	require.NoError(t, err)
	var in []Row
	for _, r := range rows {
		if selects(f, &r) && (from.IsZero() || !r.Time.Before(from)) && (to.IsZero() || r.Time.Before(to)) {
			in = append(in, r)
		}
	}
	for i, c := range facetColumns {
		require.Equal(t, counted(in, c, 100), got[i], "%v", f)
	}
}

// TestFacetsRemembered: they are right the first time and the second, when rows have
// come to a day, when days are gone, and for spans that begin within a day.
func TestFacetsRemembered(t *testing.T) {
	s := open(t, t.TempDir())
	rng := rand.New(rand.NewPCG(1, 2))
	var rows []Row
	gets := Equal{Column: "verb", Values: []string{"get"}}
	for round := range 4 {
		more := someOf(rng, 300, len(rows))
		_, err := s.Write(t.Context(), more)
		require.NoError(t, err)
		require.NoError(t, s.Sync(t.Context()))
		rows = append(rows, more...)
		for range 2 {
			requireFacets(t, s, rows, nil, time.Time{}, time.Time{})
			requireFacets(t, s, rows, gets, time.Time{}, time.Time{})
			requireFacets(t, s, rows, gets, noon.Add(-70*time.Hour), noon.Add(-20*time.Hour))
			requireFacets(t, s, rows, nil, noon.Add(-30*time.Hour), noon.Add(-29*time.Hour))
			requireFacets(t, s, rows, nil, noon, noon.Add(-time.Hour))
		}
		require.NotZero(t, s.known.order.Len(), "round %d", round)
	}
	gone := dayOf(noon.Add(-3 * day))
	s.write.Lock()
	err := s.removeDay(gone)
	s.write.Unlock()
	require.NoError(t, err)
	var left []Row
	for _, r := range rows {
		if dayOf(r.Time) != gone {
			left = append(left, r)
		}
	}
	require.Less(t, len(left), len(rows))
	requireFacets(t, s, left, nil, time.Time{}, time.Time{})
	requireFacets(t, s, left, gets, time.Time{}, time.Time{})
}

// TestFacetsOfRowsOnTheirWay: what is told while queries do not see all rows yet is not
// what is told when they do.
func TestFacetsOfRowsOnTheirWay(t *testing.T) {
	s := open(t, t.TempDir())
	rng := rand.New(rand.NewPCG(3, 4))
	var rows []Row
	for range 4 {
		more := someOf(rng, 50, len(rows))
		_, err := s.Write(t.Context(), more)
		require.NoError(t, err)
		rows = append(rows, more...)
		_, err = s.Facets(t.Context(), Query{}, facetColumns, 100)
		require.NoError(t, err)
		require.NoError(t, s.Sync(t.Context()))
		requireFacets(t, s, rows, nil, time.Time{}, time.Time{})
	}
}

// TestKnownIsBounded: in bytes, and the one asked for last stays.
func TestKnownIsBounded(t *testing.T) {
	k := known{most: 10_000}
	key := func(i int) knownKey { return knownKey{"f", fmt.Sprint(i), "c"} }
	k.put(key(0), 1, tally{"value": 1})
	for i := 1; i < 500; i++ {
		k.put(key(i), 1, tally{"value": uint64(i)})
		_, ok := k.get(key(0), 1)
		require.True(t, ok, "asked for all the time")
		require.LessOrEqual(t, k.bytes, k.most)
	}
	require.Equal(t, len(k.by), k.order.Len())
	require.Greater(t, k.order.Len(), 10)
	_, ok := k.get(key(1), 1)
	require.False(t, ok, "asked for long ago")
	big := tally{}
	for i := range 100 {
		big[fmt.Sprint(i)] = 1
	}
	k.put(key(1000), 1, big)
	_, ok = k.get(key(1000), 1)
	require.False(t, ok, "it would push out the others")
	_, ok = k.get(key(499), 2)
	require.False(t, ok, "the day has changed")
	_, ok = k.get(key(499), 1)
	require.False(t, ok, "and is not what it was again")
}
