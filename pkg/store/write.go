package store

import (
	"context"
	"strings"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Write stores the rows whose IDs are not there yet. They are on disk when a Sync that
// began after it has returned, and queries see them then at the latest.
func (s *Store) Write(ctx context.Context, rows []Row) (Written, error) {
	end, err := s.begin()
	if err != nil {
		return Written{}, err
	}
	defer end()
	s.write.Lock()
	defer s.write.Unlock()
	known, err := s.knownOf(ctx, rows)
	if err != nil {
		return Written{}, err
	}
	w := Written{New: make([]bool, len(rows))}
	lr := logstorage.GetLogRows([]string{clusterColumn}, nil, nil, nil, "")
	defer logstorage.PutLogRows(lr)
	for i := range rows {
		r := &rows[i]
		if known[r.ID] {
			w.Known++
			continue
		}
		known[r.ID] = true
		s.recent[r.ID] = struct{}{}
		fields := []logstorage.Field{{Name: idColumn, Value: r.ID}}
		for _, c := range append(r.Columns[:len(r.Columns):len(r.Columns)], Column{clusterColumn, r.Cluster}, Column{rawColumn, string(r.Raw)}) {
			name, value := place(c.Name, c.Value)
			fields = append(fields, logstorage.Field{Name: name, Value: value})
		}
		lr.MustAdd(tenants[0], r.Time.UnixNano(), fields, -1)
		w.New[i] = true
		w.Rows++
		if lr.NeedFlush() {
			s.engine.MustAddRows(lr)
			lr.ResetKeepSettings()
		}
	}
	s.engine.MustAddRows(lr)
	return w, nil
}

// knownOf tells which IDs of a batch are stored.
func (s *Store) knownOf(ctx context.Context, rows []Row) (map[string]bool, error) {
	known := map[string]bool{}
	if len(rows) == 0 {
		return known, nil
	}
	ids := make([]string, len(rows))
	in := span{nanos(rows[0].Time), nanos(rows[0].Time)}
	for i := range rows {
		ids[i] = rows[i].ID
		in.least, in.most = min(in.least, nanos(rows[i].Time)), max(in.most, nanos(rows[i].Time))
		if _, is := s.recent[ids[i]]; is {
			known[ids[i]] = true
		}
	}
	filter := equalFilter(idColumn, ids)
	err := s.run(ctx, filter, "fields id", in, func(b *logstorage.DataBlock) {
		for _, id := range column(b, idColumn) {
			known[strings.Clone(id)] = true
		}
	})
	return known, err
}
