package kibana

import (
	"encoding/json"
	"fmt"
	"time"
)

// bars of time that Lens draws by itself, about.
const barsOfTime = 50

// Request is the body of the search that Lens sends for a panel over a time: the KQL as
// a query, buckets in buckets, measures in the innermost. Lens translates KQL by itself
// and asks for "other" values apart; of these a panel has none.
func (p Panel) Request(from, to time.Time) []byte {
	inner := object{}
	for i, m := range p.Show {
		if a := m.aggregation(); a != nil {
			inner[measureID(i)] = a
		}
	}
	for i := len(p.By) - 1; i >= 0; i-- {
		b := p.By[i].aggregation(p.order(), to.Sub(from))
		if len(inner) > 0 {
			b["aggs"] = inner
		}
		inner = object{bucketID(i): b}
	}
	body := object{"size": 0, "track_total_hits": true, "query": search(p.Query, from, to)}
	if len(inner) > 0 {
		body["aggs"] = inner
	}
	return encode(body)
}

// Request is the body of the search that Discover sends for a saved search over a time.
func (s Search) Request(from, to time.Time) []byte {
	return encode(object{
		"size": 10, "track_total_hits": true, "query": search(s.Query, from, to), "_source": false,
		"fields": s.Columns, "sort": []any{object{"@timestamp": "desc"}},
	})
}

type object = map[string]any

func search(query string, from, to time.Time) object {
	filters := []object{{"range": object{"@timestamp": object{
		"gte": from.UTC().Format(time.RFC3339Nano), "lte": to.UTC().Format(time.RFC3339Nano),
	}}}}
	if query != "" {
		filters = append(filters, kql(query))
	}
	return object{"bool": object{"filter": filters}}
}

func kql(query string) object { return object{"kql": object{"query": query}} }

// order is the aggregation that buckets are ordered by.
func (p Panel) order() string {
	if p.Show[0].Op == Count {
		return "_count"
	}
	return measureID(0)
}

func (b Bucket) aggregation(order string, span time.Duration) object {
	if b.Size == 0 {
		seconds := max(int(span.Seconds())/barsOfTime, 1)
		return object{"date_histogram": object{"field": b.Field, "fixed_interval": fmt.Sprintf("%ds", seconds), "min_doc_count": 1}}
	}
	return object{"terms": object{"field": b.Field, "size": b.Size, "order": object{order: "desc"}}}
}

// aggregation is nil for what buckets count anyway.
func (m Measure) aggregation() object {
	var a object
	switch m.Op {
	case Unique:
		a = object{"cardinality": object{"field": m.Field}}
	case Latest:
		a = object{"max": object{"field": m.Field}}
	}
	switch {
	case m.Query == "":
		return a
	case a == nil:
		return object{"filter": kql(m.Query)}
	}
	return object{"filter": kql(m.Query), "aggs": object{"value": a}}
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("kibana: %v", err)) // maps of texts and numbers
	}
	return b
}
