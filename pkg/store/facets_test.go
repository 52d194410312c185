package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// counted is what a facet should be, without an engine.
func counted(rows []Row, c FacetColumn, limit int) Facet {
	values := map[string]uint64{}
	for _, r := range rows {
		v := r.Value(c.Name)
		if c.Name == "cluster" {
			v = r.Cluster
		}
		if v != "" {
			values[v]++
		}
	}
	return most(c, values, limit)
}

func TestFacetsCountWhatIsThere(t *testing.T) {
	for _, clean := range []bool{true, false} {
		s, rows := oddStore(t, clean)
		rng := rand.New(rand.NewPCG(5, 6))
		var columns []FacetColumn
		for _, name := range append(columnsOfTests, "no.such", "No Name", "_msg") {
			columns = append(columns, FacetColumn{name, name == "seldom"})
		}
		for i := range 6 {
			var f Filter
			if i > 0 {
				f = oddFilter(rng, 2)
			}
			limit := rng.IntN(30)
			got, err := s.Facets(t.Context(), Query{Filter: f}, columns, limit)
			require.NoError(t, err)
			var selected []Row
			for _, r := range rows {
				if selects(f, &r) {
					selected = append(selected, r)
				}
			}
			for j, c := range columns {
				want := counted(selected, c, limit)
				if !nameForm(c.Name) {
					want = Facet{Column: c.Name}
				}
				assert.Equal(t, want, got[j], "%#v", f)
			}
		}
	}
}

func TestFacetsOfLongAndManyValues(t *testing.T) {
	s := open(t, t.TempDir())
	var rows []Row
	for i := range maxTogether + 1000 {
		rows = append(rows, Row{ID: fmt.Sprintf("r%d", i), Time: noon.Add(time.Duration(i)), Columns: []Column{
			{"many", fmt.Sprintf("value %d", max(i, 2))}, {"long", strings.Repeat("x", 200+i%3)}, {"constant", "same"}, {"list", fmt.Sprintf(`["a","b","a%d"]`, i%2)},
		}})
	}
	_, err := s.Write(t.Context(), rows)
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context()))
	columns := []FacetColumn{{"many", false}, {"long", false}, {"constant", false}, {"list", true}}
	got, err := s.Facets(t.Context(), Query{}, columns, 2)
	require.NoError(t, err)
	for i, c := range columns {
		assert.Equal(t, counted(rows, c, 2), got[i])
	}
}
