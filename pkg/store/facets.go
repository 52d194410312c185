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

// knownShare is which part of the memory for caches tallies of days may take.
const knownShare = 8

// Facets counts the values of columns in the rows that a query selects, up to limit of
// them for each column, in the order of columns. Rows without a value are not counted.
// A column with so many values that counting them takes more memory than the engine has
// is an error. Counts of whole days are remembered while no row comes to these.
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
	total := map[string]tally{}
	for _, c := range columns {
		if nameForm(c.Name) && total[c.Name] == nil {
			total[c.Name] = tally{}
		}
	}
	if in := spanOf(q); len(total) > 0 && !in.empty() {
		for _, p := range s.sliced(in) {
			if err := s.countSlice(ctx, filter, p, total); err != nil {
				return nil, err
			}
		}
	}
	facets := make([]Facet, len(columns))
	for i, c := range columns {
		facets[i] = most(c, total[c.Name], limit)
	}
	return facets, nil
}

// countSlice adds what is in a slice of a query's time to the tallies of columns.
func (s *Store) countSlice(ctx context.Context, filter string, p slice, total map[string]tally) error {
	var names []string
	for name, t := range total {
		if have, ok := s.known.get(knownKey{filter, p.day, name}, p.changes); ok && p.day != "" {
			t.add(have)
		} else {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	counted, err := s.count(ctx, filter, p.in, names)
	if err != nil {
		return err
	}
	changes, ok := s.days.atRest(p.day)
	for name, t := range counted {
		total[name].add(t)
		if p.day != "" && ok && changes == p.changes {
			s.known.put(knownKey{filter, p.day, name}, changes, t)
		}
	}
	return nil
}

// count counts the values of columns: all of them in one pass, and on their own those
// with too many values for that.
func (s *Store) count(ctx context.Context, filter string, in span, names []string) (map[string]tally, error) {
	counted, err := s.countTogether(ctx, filter, in, names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if counted[name] == nil {
			if counted[name], err = s.countAlone(ctx, filter, in, name); err != nil {
				return nil, err
			}
		}
	}
	return counted, nil
}

// countTogether counts the values of columns in one pass over the rows. Those that have
// none, or too many, are not in the answer.
func (s *Store) countTogether(ctx context.Context, filter string, in span, names []string) (map[string]tally, error) {
	counted := map[string]tally{}
	var fields []string
	for _, name := range names {
		counted[name] = tally{}
		fields = append(fields, quote(name), quote(oddColumn(name)))
	}
	n := strconv.Itoa(maxTogether)
	pipes := "fields " + strings.Join(fields, ",") + " | facets " + n + " max_values_per_field " + n + " max_value_len 4000000 keep_const_fields"
	err := s.run(ctx, "("+filter+")", pipes, in, func(b *logstorage.DataBlock) {
		fields, values, hits := column(b, "field_name"), column(b, "field_value"), column(b, "hits")
		for i, field := range fields {
			own, value := placed(field, at(values, i))
			if t := counted[own]; t != nil {
				t[strings.Clone(value)] += number(at(hits, i))
			}
		}
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return map[string]tally{}, nil // too much memory for all at once; each alone may do
	}
	for name, t := range counted {
		if len(t) == 0 {
			delete(counted, name)
		}
	}
	return counted, nil
}

// countAlone counts the values of one column.
func (s *Store) countAlone(ctx context.Context, filter string, in span, name string) (tally, error) {
	counted := tally{}
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
func most(c FacetColumn, counted tally, limit int) Facet {
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
func unrolled(lists tally) tally {
	counted := tally{}
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
