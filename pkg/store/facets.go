package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// maxTogether is how many values a column may have to be counted in one go with others.
// One with more is counted on its own.
const maxTogether = 20_000

// Facets counts the values of columns in the rows that a query selects, up to limit of
// them for each column, in the order of columns. Rows without a value are not counted.
// A column with so many values that counting them takes more memory than the engine has
// is an error.
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
	counted, err := s.countTogether(ctx, filter, spanOf(q), columns)
	if err != nil {
		return nil, err
	}
	facets := make([]Facet, len(columns))
	for i, c := range columns {
		values := counted[c.Name]
		if values == nil && nameForm(c.Name) {
			if values, err = s.countAlone(ctx, filter, spanOf(q), c.Name); err != nil {
				return nil, err
			}
		}
		facets[i] = most(c, values, limit)
	}
	return facets, nil
}

// countTogether counts the values of columns in one pass over the rows. Those that have
// too many are not in the answer.
func (s *Store) countTogether(ctx context.Context, filter string, in span, columns []FacetColumn) (map[string]map[string]uint64, error) {
	counted := map[string]map[string]uint64{}
	var fields []string
	for _, c := range columns {
		if nameForm(c.Name) && counted[c.Name] == nil {
			counted[c.Name] = map[string]uint64{}
			fields = append(fields, quote(c.Name), quote(oddColumn(c.Name)))
		}
	}
	if len(fields) == 0 {
		return counted, nil
	}
	n := strconv.Itoa(maxTogether)
	pipes := "fields " + strings.Join(fields, ",") + " | facets " + n + " max_values_per_field " + n + " max_value_len 4000000 keep_const_fields"
	err := s.run(ctx, "("+filter+")", pipes, in, func(b *logstorage.DataBlock) {
		names, values, hits := column(b, "field_name"), column(b, "field_value"), column(b, "hits")
		for i, name := range names {
			own, value := placed(name, at(values, i))
			if c := counted[own]; c != nil {
				c[strings.Clone(value)] += number(at(hits, i))
			}
		}
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return map[string]map[string]uint64{}, nil // too much memory for all at once; each alone may do
	}
	for name, values := range counted {
		if len(values) == 0 {
			delete(counted, name) // it has none, or too many
		}
	}
	return counted, nil
}

// countAlone counts the values of one column.
func (s *Store) countAlone(ctx context.Context, filter string, in span, name string) (map[string]uint64, error) {
	counted := map[string]uint64{}
	for _, engine := range []string{name, oddColumn(name)} {
		with := "(" + filter + ") " + quote(engine) + ":*"
		err := s.run(ctx, with, "stats by ("+quote(engine)+") count() rows", in, func(b *logstorage.DataBlock) {
			values, rows := column(b, engine), column(b, "rows")
			for i, v := range values {
				_, value := placed(engine, v)
				counted[strings.Clone(value)] += number(at(rows, i))
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return counted, nil
}

// most makes a facet of counted values: the most frequent ones.
func most(c FacetColumn, counted map[string]uint64, limit int) Facet {
	if c.List {
		counted = unrolled(counted)
	}
	f := Facet{Column: c.Name}
	for v, n := range counted {
		f.Values = append(f.Values, FacetValue{Value: v, Rows: n})
	}
	slices.SortFunc(f.Values, func(a, b FacetValue) int {
		return cmp.Or(cmp.Compare(b.Rows, a.Rows), strings.Compare(a.Value, b.Value))
	})
	if len(f.Values) > limit {
		f.Values, f.More = f.Values[:max(limit, 0)], true
	}
	return f
}

// unrolled counts what is in lists, each text once for a row.
func unrolled(lists map[string]uint64) map[string]uint64 {
	counted := map[string]uint64{}
	for list, n := range lists {
		for _, text := range elements(list) {
			counted[text] += n
		}
	}
	return counted
}

// elements is what is in a list, or the value itself, if it is none.
func elements(value string) []string {
	var texts []string
	if json.Unmarshal([]byte(value), &texts) != nil {
		return []string{value}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}
