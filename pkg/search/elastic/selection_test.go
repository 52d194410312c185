package elastic

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/store"
)

// texts that are easily taken for something else.
var oddTexts = []string{
	"a", "ab", "A", `"`, `\`, "*", "007", "7", "10", "100", "1.50", "-12", "18446744073709551616", "1.1.1.1", "01.1.1.1", "\x00", "a\nb", "é", "\u212a", "k",
	`["a","b"]`, `["a,b"]`, `["\"a"]`, "true", " a ", "2026-01-02T03:04:05.678Z", strings.Repeat("xy", 200),
}

func pickText(rng *rand.Rand) string {
	t := oddTexts[rng.IntN(len(oddTexts))]
	if rng.IntN(3) == 0 {
		i := rng.IntN(len(t))
		t = strings.ToValidUTF8(t[i:i+1+rng.IntN(len(t)-i)], "")
	}
	return t
}

func pickFilter(rng *rand.Rand, depth int) store.Filter {
	column := []string{"one", "two", "seldom", "cluster"}[rng.IntN(4)]
	kind := rng.IntN(11)
	if depth == 0 {
		kind = 3 + rng.IntN(8)
	}
	switch kind {
	case 0:
		return store.And{pickFilter(rng, depth-1), pickFilter(rng, depth-1)}
	case 1:
		return store.Or{pickFilter(rng, depth-1), pickFilter(rng, depth-1)}[:rng.IntN(3)]
	case 2:
		return store.Not{Filter: pickFilter(rng, depth-1)}
	case 3:
		return store.Exists{Column: column}
	case 4:
		return store.Equal{Column: column, Values: []string{pickText(rng), pickText(rng)}[:rng.IntN(3)]}
	case 5:
		return store.Prefix{Column: column, Text: pickText(rng)}
	case 6:
		return store.Suffix{Column: column, Text: pickText(rng)}
	case 7:
		return store.Contains{Column: column, Text: pickText(rng)}
	case 8:
		return store.Regexp{Column: column, Pattern: randomPattern(rng, 2)}
	case 9:
		least := uint64(rng.IntN(20))
		return store.Range{Column: column, Least: least, Most: least + uint64(rng.IntN(1000))}
	}
	return store.Raw{Text: pickText(rng), AnyCase: rng.IntN(2) == 0}
}

// TestSelectsAsTheStore: what a filter selects is what the embedded store finds by it.
func TestSelectsAsTheStore(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	now := time.Now().UTC().Truncate(time.Second)
	rows := make([]store.Row, 300)
	for i := range rows {
		rows[i] = store.Row{
			ID: strconv.Itoa(i), Cluster: []string{"", "prod", "a"}[i%3], Time: now.Add(-time.Duration(i) * time.Millisecond), Raw: []byte("raw " + pickText(rng) + pickText(rng)),
			Columns: []store.Column{{Name: "one", Value: pickText(rng)}, {Name: "two", Value: pickText(rng)}},
		}
		if i%10 == 0 {
			rows[i].Columns = append(rows[i].Columns, store.Column{Name: "seldom", Value: pickText(rng)})
		}
	}
	s, err := store.Open(store.Config{Dir: t.TempDir(), FreeFloor: 1, Now: time.Now})
	require.NoError(t, err)
	defer s.Close()
	_, err = s.Write(t.Context(), rows)
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context()))
	some := 0
	for range 150 {
		f := pickFilter(rng, 2)
		selects, err := selectionOf(f)
		require.NoError(t, err)
		var want, got []string
		for i := range rows {
			if selects(&rows[i]) {
				got = append(got, rows[i].ID)
			}
		}
		require.NoError(t, s.Newest(t.Context(), store.Query{Filter: f}, store.Scan{NoRaw: true, Columns: []string{}}, func(r store.Row) error {
			want = append(want, r.ID)
			return nil
		}))
		require.Equal(t, want, got, "%#v", f)
		if len(got) > 0 && len(got) < len(rows) {
			some++
		}
	}
	assert.Greater(t, some, 40)
}

func TestBadPattern(t *testing.T) {
	for _, f := range []store.Filter{
		store.Regexp{Column: "c", Pattern: "("}, store.Not{Filter: store.And{store.Or{store.Regexp{Column: "c", Pattern: "("}}}},
	} {
		_, err := selectionOf(f)
		var bad store.BadPattern
		require.ErrorAs(t, err, &bad)
		assert.Equal(t, "(", bad.Pattern)
	}
}
