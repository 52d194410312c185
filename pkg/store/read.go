package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// read reads whole rows, in any order, and hands them on, one at a time. What is beside
// a row is read when the engine is done.
func (s *Store) read(ctx context.Context, filter string, in span, o *Scan, take func(*Row)) error {
	var rest []*unfilled
	err := s.run(ctx, filter, o.pipes(), in, func(b *logstorage.DataBlock) {
		times, _ := b.GetTimestamps(nil)
		ids := column(b, idColumn)
		beside, cut := column(b, besideColumn), column(b, cutColumn)
		for i, id := range ids {
			r := &Row{ID: strings.Clone(id), Time: time.Unix(0, times[i]).UTC()}
			for _, c := range b.Columns {
				if v := c.Values[i]; v != "" {
					o.put(r, c.Name, v)
				}
			}
			if at(beside, i) == "" && at(cut, i) == "" {
				take(r)
				continue
			}
			rest = append(rest, &unfilled{r, at(beside, i) != "", o.wants(at(cut, i))})
		}
	})
	if err != nil {
		return err
	}
	for _, u := range rest {
		s.fill(u.row, o, u.beside, u.cut)
		take(u.row)
	}
	return nil
}

// unfilled is a row of which a part is in a file.
type unfilled struct {
	row         *Row
	beside, cut bool
}

// pipes is what the engine gives of a row.
func (o *Scan) pipes() string {
	raw := quote(rawColumn) + "," + quote(oddColumn(rawColumn))
	if o.Columns == nil {
		if o.NoRaw {
			return "delete _stream,_stream_id," + raw
		}
		return "delete _stream,_stream_id"
	}
	fields := []string{timeColumn}
	for _, name := range append([]string{idColumn, clusterColumn, besideColumn, cutColumn}, o.Columns...) {
		fields = append(fields, quote(name), quote(oddColumn(name)))
	}
	if !o.NoRaw {
		fields = append(fields, raw)
	}
	return "fields " + strings.Join(fields, ",")
}

// wants reports whether columns are asked for of those that are beside a row.
func (o *Scan) wants(cut string) bool {
	if cut == "" || o.Columns == nil {
		return cut != ""
	}
	return slices.ContainsFunc(o.Columns, func(name string) bool { return strings.Contains(cut, `"`+name+`"`) })
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
	end, err := s.begin()
	if err != nil {
		return Row{}, false, err
	}
	defer end()
	filter, err := logsql(And{Equal{idColumn, []string{id}}, And{f}})
	if err != nil {
		return Row{}, false, err
	}
	var found Row
	ok := false
	err = s.read(ctx, filter, spanOf(Query{}), &Scan{}, func(r *Row) { found, ok = *r, true })
	return found, ok && err == nil, err
}
