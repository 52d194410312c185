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
	var w Written
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
		fields := []logstorage.Field{{Name: clusterColumn, Value: r.Cluster}, {Name: idColumn, Value: r.ID}, {Name: rawColumn, Value: string(r.Raw)}}
		for _, c := range r.Columns {
			fields = append(fields, logstorage.Field{Name: c.Name, Value: c.Value})
		}
		lr.MustAdd(tenants[0], r.Time.UnixNano(), fields, -1)
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
	filter := equalFilter(quote(idColumn)+":", ids)
	err := s.run(ctx, filter, "fields id", in, func(b *logstorage.DataBlock) {
		for _, id := range column(b, idColumn) {
			known[strings.Clone(id)] = true
		}
	})
	return known, err
}
