package store

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func rngTime(rng *rand.Rand) time.Duration { return time.Duration(rng.Int64N(int64(time.Hour))) }

// oddStore is a store of rows that are trouble.
func oddStore(t testing.TB, clean bool) (*Store, []Row) {
	s := open(t, t.TempDir())
	rng := rand.New(rand.NewPCG(1, 2))
	rows := oddRows(rng, 600, clean)
	for batch := range slices.Chunk(rows, 150) {
		_, err := s.Write(t.Context(), batch)
		require.NoError(t, err)
	}
	require.NoError(t, s.Sync(t.Context()))
	return s, rows
}

// agree holds that the store selects what the oracle does.
func agree(t testing.TB, s *Store, rows []Row, f Filter) bool {
	var want, got []string
	for i := range rows {
		if selects(f, &rows[i]) {
			want = append(want, rows[i].ID)
		}
	}
	text, err := logsql(f)
	if err == nil {
		err = s.run(context.Background(), text, "fields id", spanOf(Query{}), func(b *logstorage.DataBlock) {
			for _, id := range column(b, idColumn) {
				got = append(got, strings.Clone(id))
			}
		})
	}
	missing, more := without(want, got), without(got, want)
	return assert.NoError(t, err, "%#v", f) &&
		assert.Empty(t, missing, "%#v: %s", f, text) && assert.Empty(t, more, "%#v: %s", f, text) &&
		assert.Len(t, got, len(want))
}

// without is what is in a and not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(id string) bool { return slices.Contains(b, id) })
}

func TestFiltersSelectWhatTheyMean(t *testing.T) {
	for _, clean := range []bool{true, false} {
		s, rows := oddStore(t, clean)
		rng := rand.New(rand.NewPCG(3, 4))
		wrong := 0
		for range 250 {
			if !agree(t, s, rows, oddFilter(rng, 2)) {
				if wrong++; wrong > 5 {
					break
				}
			}
		}
	}
}

// A value comes back byte by byte, whatever the engine takes it for.
func TestValuesComeBack(t *testing.T) {
	for _, clean := range []bool{true, false} {
		s, rows := oddStore(t, clean)
		stored := map[string]Row{}
		for _, r := range all(t, s, Query{}, Scan{}) {
			stored[r.ID] = r
		}
		require.Len(t, stored, len(rows))
		for _, want := range rows {
			got := stored[want.ID]
			assert.Equal(t, string(want.Raw), string(got.Raw))
			assert.Equal(t, want.Cluster, got.Cluster)
			assert.True(t, want.Time.Equal(got.Time), "%s is not %s", got.Time, want.Time)
			for _, c := range want.Columns {
				assert.Equal(t, c.Value, got.Value(c.Name))
			}
		}
	}
}
