package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Newest hands the rows that a query selects to yield, the newest first, of one time
// the one with the higher ID first. An error of yield ends it and is returned, except
// Stop, which ends it without one.
//
// Rows that are written while it runs may be among them or not; none comes twice.
func (s *Store) Newest(ctx context.Context, q Query, o Scan, yield func(Row) error) error {
	end, err := s.begin()
	if err != nil {
		return err
	}
	defer end()
	filter, err := logsql(q.Filter)
	if err != nil {
		return err
	}
	rows, err := s.rows(ctx, filter, spanOf(q), o)
	if err != nil {
		return err
	}
	slices.SortFunc(rows, newestFirst)
	for _, r := range rows {
		if !o.After.before(r) {
			continue
		}
		if err := yield(r); err != nil {
			if errors.Is(err, Stop) {
				return nil
			}
			return err
		}
	}
	return nil
}

func newestFirst(a, b Row) int {
	return cmp.Or(b.Time.Compare(a.Time), strings.Compare(b.ID, a.ID))
}

// before reports whether a row comes after the position.
func (p Position) before(r Row) bool {
	if p.Time.IsZero() && p.ID == "" {
		return true
	}
	return newestFirst(Row{Time: p.Time, ID: p.ID}, r) < 0
}

// rows reads whole rows, in any order.
func (s *Store) rows(ctx context.Context, filter string, in span, o Scan) ([]Row, error) {
	var rows []Row
	err := s.run(ctx, filter, "", in, func(b *logstorage.DataBlock) {
		ids, times := column(b, idColumn), column(b, timeColumn)
		for i, id := range ids {
			r := Row{ID: strings.Clone(id)}
			r.Time, _ = time.Parse(time.RFC3339Nano, at(times, i))
			for _, c := range b.Columns {
				if v := c.Values[i]; v != "" {
					o.put(&r, c.Name, v)
				}
			}
			rows = append(rows, r)
		}
	})
	return rows, err
}

// put puts a value that the engine has into a row.
func (o *Scan) put(r *Row, name, value string) {
	name, value = placed(name, value)
	switch {
	case name == clusterColumn:
		r.Cluster = strings.Clone(value)
	case name == rawColumn:
		if !o.NoRaw {
			r.Raw = []byte(value)
		}
	case nameForm(name) && name != idColumn && (o.Columns == nil || slices.Contains(o.Columns, name)):
		r.Columns = append(r.Columns, Column{strings.Clone(name), strings.Clone(value)})
	}
}

// Get reads the row with an ID, if there is one and the filter selects it.
func (s *Store) Get(ctx context.Context, id string, f Filter) (Row, bool, error) {
	var found Row
	ok := false
	q := Query{Filter: And{Equal{idColumn, []string{id}}, And{f}}}
	err := s.Newest(ctx, q, Scan{}, func(r Row) error {
		found, ok = r, true
		return Stop
	})
	return found, ok, err
}
