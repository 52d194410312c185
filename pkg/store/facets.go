package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Facets counts the values of columns in the rows that a query selects, up to limit of
// them for each column, in the order of columns. Rows without a value are not counted.
func (s *Store) Facets(ctx context.Context, q Query, columns []FacetColumn, limit int) ([]Facet, error) {
	end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	filter, err := logsql(q.Filter)
	if err != nil {
		return nil, err
	}
	facets := make([]Facet, len(columns))
	for i, c := range columns {
		if facets[i], err = s.facet(ctx, filter, spanOf(q), c, limit); err != nil {
			return nil, err
		}
	}
	return facets, nil
}

// facet counts the values of one column.
func (s *Store) facet(ctx context.Context, filter string, in span, c FacetColumn, limit int) (Facet, error) {
	counted := map[string]uint64{}
	f := Facet{Column: c.Name}
	if !nameForm(c.Name) {
		return f, nil
	}
	name := quote(c.Name)
	err := s.run(ctx, filter, "stats by ("+name+") count() rows", in, func(b *logstorage.DataBlock) {
		values, rows := column(b, c.Name), column(b, "rows")
		for i, v := range values {
			for _, value := range elements(v, c.List) {
				counted[strings.Clone(value)] += number(at(rows, i))
			}
		}
	})
	if err != nil {
		return f, err
	}
	for v, n := range counted {
		f.Values = append(f.Values, FacetValue{Value: v, Rows: n})
	}
	slices.SortFunc(f.Values, func(a, b FacetValue) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), strings.Compare(a.Value, b.Value))
	})
	if len(f.Values) > limit {
		f.Values, f.More = f.Values[:max(limit, 0)], true
	}
	return f, nil
}

// elements is what a value counts for: itself, or what is in the list that it is, each
// once.
func elements(value string, list bool) []string {
	if value == "" {
		return nil
	}
	var texts []string
	if !list || json.Unmarshal([]byte(value), &texts) != nil {
		return []string{value}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}
