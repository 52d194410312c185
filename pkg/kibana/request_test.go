package kibana_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/kibana"
)

func TestRequest(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const query = `"size":0,"track_total_hits":true,"query":{"bool":{"filter":[{"range":{"@timestamp":{"gte":"2026-01-01T00:00:00Z","lte":"2026-01-01T01:00:00Z"}}},{"kql":{"query":"a: b"}}]}}`
	tests := []struct {
		name string
		p    kibana.Panel
		want string
	}{
		{"count", kibana.Panel{Query: "a: b", Show: []kibana.Measure{{Op: kibana.Count}}}, `{` + query + `}`},
		{"different", kibana.Panel{Query: "a: b", Show: []kibana.Measure{{Op: kibana.Unique, Field: "f"}}},
			`{` + query + `,"aggs":{"m0":{"cardinality":{"field":"f"}}}}`},
		{"over time", kibana.Panel{Query: "a: b", By: []kibana.Bucket{{Field: "f", Size: 3}, {Field: "@timestamp"}}, Show: []kibana.Measure{{Op: kibana.Count}}},
			`{` + query + `,"aggs":{"b0":{"terms":{"field":"f","size":3,"order":{"_count":"desc"}},"aggs":{
				"b1":{"date_histogram":{"field":"@timestamp","fixed_interval":"72s","min_doc_count":1}}}}}}`},
		{"ordered by another", kibana.Panel{Query: "a: b", By: []kibana.Bucket{{Field: "f", Size: 3}},
			Show: []kibana.Measure{{Op: kibana.Latest, Field: "t"}, {Op: kibana.Count, Query: "c: d"}, {Op: kibana.Unique, Field: "g", Query: "c: d"}}},
			`{` + query + `,"aggs":{"b0":{"terms":{"field":"f","size":3,"order":{"m0":"desc"}},"aggs":{
				"m0":{"max":{"field":"t"}},"m1":{"filter":{"kql":{"query":"c: d"}}},
				"m2":{"filter":{"kql":{"query":"c: d"}},"aggs":{"value":{"cardinality":{"field":"g"}}}}}}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.JSONEq(t, tt.want, string(tt.p.Request(from, from.Add(time.Hour))))
		})
	}
}
