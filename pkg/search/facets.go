package search

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/operator"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// Facets besides the fields of the catalogue, with their columns.
var ownFacets = map[string]store.FacetColumn{
	"rule":     {Name: row.Rules, List: true},
	"priority": {Name: row.Priority},
	"tag":      {Name: row.Tags, List: true},
	"cluster":  {Name: clusterColumn},
}

// MaxFacetValues bounds the values of a facet that are counted where some events have to
// be judged one by one; a field with more has an answer that says that it is partial.
const MaxFacetValues = 10_000

// facet is a field whose values are counted.
type facet struct {
	name   string
	column store.FacetColumn // without a name: no column has it
	field  *field.Field      // of one without a column
	arg    field.Arg
	counts map[string]uint64
	more   bool
}

// Facets counts the values of fields among the events that the request asks for, each
// value once for an event, up to limit of them. A field is one of the catalogue, with its
// argument where it needs one, or "rule", "priority", "tag" or "cluster". The values of a
// field that the store has no column for are read from the events one by one. A request
// that cannot be carried out is a [BadRequest].
func (s *Searcher) Facets(ctx context.Context, p Principal, r Request, fields []string, limit int) ([]Facet, Summary, error) {
	var sum Summary
	if limit <= 0 {
		return nil, sum, badf("search: facets of %d values; ask for 1 or more", limit)
	}
	facets := make([]*facet, len(fields))
	for i, name := range fields {
		f, err := newFacet(name)
		if err != nil {
			return nil, sum, err
		}
		facets[i] = f
	}
	q, err := s.query(p, r)
	if err != nil {
		return nil, sum, err
	}
	if slices.ContainsFunc(facets, func(f *facet) bool { return f.column.Name == "" }) {
		err = s.facetsByReading(ctx, q, &sum, facets)
	} else {
		err = s.facetsByColumn(ctx, q, &sum, facets, limit)
	}
	if err != nil {
		return nil, sum, err
	}
	out := make([]Facet, len(facets))
	for i, f := range facets {
		out[i] = f.result(limit)
	}
	return out, sum, nil
}

func newFacet(name string) (*facet, error) {
	f := &facet{name: name, counts: map[string]uint64{}}
	if col, ok := ownFacets[name]; ok {
		f.column = col
		return f, nil
	}
	o, err := condition.ParseField(name)
	fl, ok := o.(*condition.Field)
	if err != nil || !ok {
		return nil, badf("search: facet %.100q: it is no field; see the list of fields%s", name, didYouMean(name))
	}
	known, ok := field.Default().Lookup(fl.Name)
	if !ok {
		return nil, badf("search: facet %.100q: there is no such field; see the list of fields%s", name, didYouMean(name))
	}
	if col, ok := row.Column(known); ok && !fl.HasArg {
		f.column = store.FacetColumn{Name: col.Name, List: col.Kind == row.List}
		return f, nil
	}
	f.field = known
	if fl.HasArg {
		f.arg, err = known.ParseArg(fl.Arg)
	} else {
		f.arg, err = known.NoArg()
	}
	if err != nil {
		return nil, badf("search: facet %.100q: %w", name, err)
	}
	return f, nil
}

// facetsByColumn counts the rows that the store can tell, and reads the others.
func (s *Searcher) facetsByColumn(ctx context.Context, q *query, sum *Summary, facets []*facet, limit int) error {
	if !q.bounds.exact { // what is few here can be many with the others
		limit = max(limit, MaxFacetValues)
	}
	if !isNone(q.bounds.lower) {
		columns := make([]store.FacetColumn, len(facets))
		for i, f := range facets {
			columns[i] = f.column
		}
		found, err := s.cfg.Store.Facets(ctx, q.rows(q.bounds.lower), columns, limit)
		if err != nil {
			return err
		}
		for i, f := range found {
			facets[i].take(f)
		}
	}
	err := s.judgeRest(ctx, q, sum, func(r store.Row, e *record.Event) error {
		for _, f := range facets {
			f.count(&r, e, s.cfg.Hostname)
		}
		return nil
	})
	for _, f := range facets {
		if f.more && sum.Scanned > 0 && !sum.Partial {
			sum.Partial = true
			sum.Why = "the field " + f.name + " has so many values that not all could be counted; narrow the search"
		}
	}
	return err
}

// facetsByReading reads all events.
func (s *Searcher) facetsByReading(ctx context.Context, q *query, sum *Summary, facets []*facet) error {
	return s.newScan(ctx, q, sum).run(ctx, q.bounds.upper, false, func(r store.Row, e *record.Event) error {
		for _, f := range facets {
			f.count(&r, e, s.cfg.Hostname)
		}
		return nil
	})
}

// take adds what the store has counted.
func (f *facet) take(found store.Facet) {
	for _, v := range found.Values {
		f.counts[shown(v.Value)] += v.Rows
	}
	f.more = f.more || found.More
}

// shown is the text that a column's value stands for.
func shown(value string) string {
	if value == row.Empty {
		return ""
	}
	return value
}

// count adds the values of an event.
func (f *facet) count(r *store.Row, e *record.Event, hostname string) {
	var texts []string
	switch {
	case f.column.Name == clusterColumn:
		texts = []string{r.Cluster}
	case f.column.Name != "":
		texts = columnTexts(r.Value(f.column.Name), f.column.List)
	default:
		for _, item := range f.field.Extract(contextOf(e.Event, hostname), f.arg) {
			texts = append(texts, operator.CutNUL(item.Text))
		}
	}
	slices.Sort(texts)
	for _, t := range slices.Compact(texts) {
		f.counts[t]++
	}
}

func columnTexts(value string, list bool) []string {
	if value == "" {
		return nil
	}
	if list {
		if texts, err := row.ParseList(value); err == nil {
			return texts
		}
	}
	return []string{shown(value)}
}

// result gives the most frequent values.
func (f *facet) result(limit int) Facet {
	out := Facet{Field: f.name, More: f.more}
	for v, n := range f.counts {
		out.Values = append(out.Values, FacetValue{Value: v, Events: n})
	}
	slices.SortFunc(out.Values, func(a, b FacetValue) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), strings.Compare(a.Value, b.Value))
	})
	if len(out.Values) > limit {
		out.Values, out.More = out.Values[:limit], true
	}
	return out
}
