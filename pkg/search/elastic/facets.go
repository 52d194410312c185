package elastic

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// Facets counts the values of columns in the rows that a query selects, up to limit of
// them for each column, in the order of columns. Rows without a value are not counted.
func (r *Rows) Facets(ctx context.Context, q store.Query, columns []store.FacetColumn, limit int) ([]store.Facet, error) {
	if _, err := selectionOf(q.Filter); err != nil {
		return nil, err
	}
	facets := make([]*facet, len(columns))
	err := r.with(ctx, func(s *session) error {
		return r.planned(q, func(b bounds) error {
			for i, c := range columns {
				facets[i] = newFacet(c, max(limit, 0))
			}
			return r.facets(ctx, s, b, q, facets)
		})
	})
	if err != nil {
		return nil, err
	}
	out := make([]store.Facet, len(facets))
	for i, f := range facets {
		out[i] = f.result()
	}
	return out, nil
}

func (r *Rows) facets(ctx context.Context, s *session, b bounds, q store.Query, facets []*facet) error {
	b = countable(b, facets)
	sure, all, err := s.enclose(ctx, b)
	if err != nil {
		return err
	}
	if sure < all {
		err = r.rest(ctx, s, b, q, func(r store.Row) error {
			for _, f := range facets {
				f.count(&r)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if sure == 0 {
		return nil
	}
	for _, f := range facets {
		if err := f.ask(ctx, s, b.lower); err != nil {
			return err
		}
	}
	return nil
}

// countable takes the documents out of what is sure in which a column may have values that
// are not indexed. Where no field holds a column nothing is sure.
func countable(b bounds, facets []*facet) bounds {
	var long []query
	for _, f := range facets {
		if f.field == "" {
			return within(b.upper)
		}
		long = append(long, ignored{f.field})
	}
	b.lower = allOf(b.lower, noneOf(anyOf(append(long, reduced{})...)))
	return b
}

// facet counts the values of one column.
type facet struct {
	column store.FacetColumn
	field  string // "": none holds it
	limit  int
	read   map[string]uint64 // in the rows that were read
	top    map[string]uint64 // in all rows: values that may be among the most frequent
	more   bool              // there are others than those in top
}

func newFacet(c store.FacetColumn, limit int) *facet {
	f := &facet{column: c, limit: limit, read: map[string]uint64{}}
	f.field, _ = fieldOf(c.Name)
	return f
}

// count adds the values of a row, each once.
func (f *facet) count(r *store.Row) {
	v := string([]rune(valueOf(r, f.column.Name))) // documents have U+FFFD for what is no UTF-8
	switch texts, err := row.ParseList(v); {
	case v == "":
	case f.column.List && err == nil:
		slices.Sort(texts)
		for _, t := range slices.Compact(texts) {
			f.read[t]++
		}
	default:
		f.read[v]++
	}
}

// value is the value of a column that a field has as key.
func (f *facet) value(key string) string {
	if key == "" && !f.column.List {
		return row.Empty
	}
	return key
}

func (f *facet) key(value string) string {
	if value == row.Empty && !f.column.List {
		return ""
	}
	return value
}

// ask counts the values in the documents that a query finds: the most frequent of them,
// and those that were read elsewhere.
func (f *facet) ask(ctx context.Context, s *session, find query) error {
	size := min(f.limit+1, bucketPage)
	terms := object{"field": f.field, "size": size, "shard_size": max(size, 1000)}
	a, err := s.search(ctx, request{Query: encode(find), Aggs: object{"values": object{"terms": terms}}})
	if err != nil {
		return err
	}
	found := a.Aggregations["values"]
	if found.Error != 0 || len(found.Buckets) < f.limit+1 && len(found.Buckets) == size {
		return f.askAll(ctx, s, find) // the shards did not agree on which are the most frequent
	}
	f.top = map[string]uint64{}
	if err := f.add(found.Buckets); err != nil {
		return err
	}
	f.more = len(found.Buckets) > f.limit
	return f.complete(ctx, s, find)
}

func (f *facet) add(found []bucket) error {
	for i := range found {
		key, err := found[i].text()
		if err != nil {
			return err
		}
		f.top[f.value(key)] += found[i].Documents
	}
	return nil
}

// complete counts the values that were read and are not among the most frequent ones of
// the others.
func (f *facet) complete(ctx context.Context, s *session, find query) error {
	var missing []string
	for v := range f.read {
		if _, known := f.top[v]; !known && f.more {
			missing = append(missing, f.key(v))
		}
	}
	slices.Sort(missing)
	for some := range slices.Chunk(missing, bucketPage) {
		terms := object{"field": f.field, "size": len(some), "include": some, "shard_size": len(some)}
		a, err := s.search(ctx, request{Query: encode(find), Aggs: object{"values": object{"terms": terms}}})
		if err != nil {
			return err
		}
		if err := f.add(a.Aggregations["values"].Buckets); err != nil {
			return err
		}
	}
	return nil
}

// askAll counts all values and keeps the most frequent, and those that were read
// elsewhere.
func (f *facet) askAll(ctx context.Context, s *session, find query) error {
	f.top = map[string]uint64{}
	return s.pages(ctx, find, object{"terms": object{"field": f.field}}, func(key json.RawMessage, n uint64) error {
		b := bucket{Key: key, Documents: n}
		if err := f.add([]bucket{b}); err != nil {
			return err
		}
		if len(f.top) > 4*(f.limit+len(f.read)+bucketPage) {
			f.prune()
		}
		return nil
	})
}

// prune forgets values that are too seldom to be among the most frequent.
func (f *facet) prune() {
	var others []store.FacetValue
	for v, n := range f.top {
		if _, also := f.read[v]; !also {
			others = append(others, store.FacetValue{Value: v, Rows: n})
		}
	}
	slices.SortFunc(others, compareValues)
	for _, v := range others[min(len(others), f.limit+1):] {
		delete(f.top, v.Value)
		f.more = true
	}
}

// compareValues orders values: the most frequent first, then by value.
func compareValues(a, b store.FacetValue) int {
	return cmp.Or(cmp.Compare(b.Rows, a.Rows), strings.Compare(a.Value, b.Value))
}

// result gives the most frequent values.
func (f *facet) result() store.Facet {
	all := maps.Clone(f.read)
	for v, n := range f.top {
		all[v] += n
	}
	out := store.Facet{Column: f.column.Name, More: f.more}
	for v, n := range all {
		out.Values = append(out.Values, store.FacetValue{Value: v, Rows: n})
	}
	slices.SortFunc(out.Values, compareValues)
	if len(out.Values) > f.limit {
		out.Values, out.More = out.Values[:f.limit], true
	}
	return out
}
