package elastic

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/store"
)

// TestShardsDisagree: where shards were not of one mind about which values are the most
// frequent, all values are counted, a page after the other.
func TestShardsDisagree(t *testing.T) {
	counted := func(inside string) string {
		return answered(`"hits":{"total":{"value":30000,"relation":"eq"},"hits":[]},"aggregations":{` + inside + `}`)
	}
	composite := func(from, to int, after string) string {
		var bs []string
		for i := from; i < to; i++ {
			bs = append(bs, fmt.Sprintf(`{"key":{"v":"v%05d"},"doc_count":%d}`, i, 1+i%3000))
		}
		return counted(`"all":{"buckets":[` + strings.Join(bs, ",") + `]` + after + `}`)
	}
	const values = 4*bucketPage + 5000
	answers := []any{counted(`"sure":{"doc_count":30000}`), counted(`"values":{"doc_count_error_upper_bound":1,"buckets":[{"key":"v00001","doc_count":3}]}`)}
	for from := 0; from < values; from += bucketPage {
		to := min(from+bucketPage, values)
		answers = append(answers, composite(from, to, fmt.Sprintf(`,"after_key":{"v":"v%05d"}`, to-1)))
	}
	s := &script{answers: answers}
	found, err := rowsOf(t, s).Facets(t.Context(), store.Query{}, []store.FacetColumn{{Name: "ka.verb"}}, 16)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.True(t, found[0].More)
	var got []string
	for _, v := range found[0].Values {
		got = append(got, fmt.Sprint(v.Value, " ", v.Rows))
	}
	var want []string
	for n := 3000; len(want) < 16; n-- { // each number of rows is that of 15 values
		for i := n - 1; i < values && len(want) < 16; i += 3000 {
			want = append(want, fmt.Sprintf("v%05d %d", i, n))
		}
	}
	assert.Equal(t, want, got)
	last := s.bodies[len(s.bodies)-1]["aggs"].(map[string]any)["all"].(map[string]any)["composite"].(map[string]any)
	assert.Equal(t, map[string]any{"v": "v39999"}, last["after"])
}

// TestFacetWithoutField: a column that no field holds is counted by reading.
func TestFacetWithoutField(t *testing.T) {
	s := &script{answers: []any{
		answered(`"hits":{"total":{"value":3,"relation":"eq"},"hits":[]},"aggregations":{"sure":{"doc_count":0}}`), page(t, 0, 3),
	}}
	found, err := rowsOf(t, s).Facets(t.Context(), store.Query{}, []store.FacetColumn{{Name: "received"}, {Name: "ka.verb"}}, 5)
	require.NoError(t, err)
	assert.Equal(t, []store.Facet{
		{Column: "received", Values: []store.FacetValue{{Value: "2026-11-21T19:17:57.123456789Z", Rows: 3}}},
		{Column: "ka.verb", Values: []store.FacetValue{{Value: "get", Rows: 3}}},
	}, found)
}
