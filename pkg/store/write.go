package store

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// maxRecent is how many IDs are remembered because queries may not see their rows yet.
// With more, the rows are made visible.
const maxRecent = 200_000

// Write stores the rows whose IDs are not there yet. They are on disk when a Sync that
// began after it has returned, and queries see them then at the latest.
//
// Its errors are BadRow and ReadOnly, with which nothing has been stored, and
// OutOfRetention, with which all other rows have been.
func (s *Store) Write(ctx context.Context, rows []Row) (Written, error) {
	end, err := s.begin()
	if err != nil {
		return Written{}, err
	}
	defer end()
	if err := check(rows); err != nil {
		return Written{}, err
	}
	s.write.Lock()
	defer s.write.Unlock()
	if err := s.room(); err != nil {
		return Written{}, err
	}
	known, err := s.knownOf(ctx, rows)
	if err != nil {
		return Written{}, err
	}
	w, outside, err := s.add(rows, known)
	s.counts.written.Add(uint64(w.Rows))
	s.counts.known.Add(uint64(w.Known))
	if err != nil {
		return w, err
	}
	if len(s.recent) > maxRecent {
		s.engine.DebugFlush()
		clear(s.recent)
	}
	return w, s.refused(rows, outside)
}

// add hands the rows that are not known to the engine, and tells which of them have
// times that it does not take.
func (s *Store) add(rows []Row, known map[string]bool) (w Written, outside []int, err error) {
	w.New = make([]bool, len(rows))
	var b batches
	days := map[string][]int{}
	for i := range rows {
		r := &rows[i]
		switch {
		case known[r.ID]:
			w.Known++
			continue
		case !s.Keeps(r.Time):
			outside = append(outside, i)
			continue
		}
		p := s.pack(r)
		if p.body != nil {
			if err := s.keepBody(r, p.body); err != nil {
				b.hand(s.engine)
				return w, nil, err
			}
		}
		b = append(b, placedRow{r, p})
		known[r.ID] = true
		s.newest = max(s.newest, r.Time.UnixNano())
		s.latest.Store(s.newest)
		s.recent[r.ID] = struct{}{}
		name := dayOf(r.Time)
		if days[name] == nil {
			s.dirty[name] = true
			s.days.written(name)
		}
		days[name] = append(days[name], i)
		w.New[i] = true
		w.Rows++
	}
	b.hand(s.engine)
	return w, s.unwritten(rows, days, &w, outside), nil
}

// unwritten finds the rows that the engine has dropped, and takes them back: those of
// days that it does not open, since it has removed them to make room.
func (s *Store) unwritten(rows []Row, days map[string][]int, w *Written, outside []int) []int {
	for _, name := range s.engine.PartitionList() {
		delete(days, name)
	}
	for name, dropped := range days {
		delete(s.dirty, name)
		for _, i := range dropped {
			delete(s.recent, rows[i].ID)
			w.New[i] = false
			w.Rows--
			outside = append(outside, i)
		}
	}
	return outside
}

// room is the error while there is no room on the disk.
func (s *Store) room() error {
	if !s.engine.IsReadOnly() {
		return nil
	}
	if err := s.makeRoom(); err != nil {
		return err
	}
	free, err := freeSpace(s.cfg.Dir)
	if err != nil {
		return err
	}
	return ReadOnly{Dir: s.cfg.Dir, Free: free, Floor: s.cfg.FreeFloor}
}

// knownOf tells which IDs of a batch are stored: of rows as they are under the times of
// their day, of those that are refiled under any.
func (s *Store) knownOf(ctx context.Context, rows []Row) (map[string]bool, error) {
	known := make(map[string]bool, len(rows))
	groups := map[string]*group{}
	for i := range rows {
		r := &rows[i]
		switch t := nanos(r.Time); {
		case s.isRecent(r.ID):
			known[r.ID] = true
		case r.Refiled:
			groupOf(groups, "").add(r, spanOf(Query{}))
		case t <= s.newest: // nothing is stored that is newer
			groupOf(groups, dayOf(r.Time)).add(r, span{t, t})
		}
	}
	for _, g := range groups {
		err := s.run(ctx, equalFilter(idColumn, g.ids), "fields id", g.in, func(b *logstorage.DataBlock) {
			for _, id := range column(b, idColumn) {
				known[strings.Clone(id)] = true
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return known, nil
}

func (s *Store) isRecent(id string) bool {
	_, is := s.recent[id]
	return is
}

// group is the IDs to look for in a span of time.
type group struct {
	ids []string
	in  span
}

func groupOf(groups map[string]*group, name string) *group {
	if groups[name] == nil {
		groups[name] = &group{}
	}
	return groups[name]
}

func (g *group) add(r *Row, in span) {
	if g.ids == nil {
		g.in = in
	}
	g.ids = append(g.ids, r.ID)
	g.in = span{min(g.in.least, in.least), max(g.in.most, in.most)}
}

// dayOf is the name of the partition of a time.
func dayOf(t time.Time) string { return t.UTC().Format(dayForm) }

const dayForm = "20060102"

// batches are rows on their way to the engine, which works in the goroutine that hands
// them over: they go by as many ways as there are processors.
type batches []placedRow

type placedRow struct {
	row    *Row
	packed packed
}

// leastShare is how many rows are worth a goroutine.
const leastShare = 64

func (all batches) hand(engine *logstorage.Storage) {
	ways := max(1, min(runtime.GOMAXPROCS(0), len(all)/leastShare))
	share := (len(all) + ways - 1) / ways
	var work sync.WaitGroup
	for part := range slices.Chunk(all, max(share, 1)) {
		work.Go(func() {
			b := batch{engine: engine, rows: logstorage.GetLogRows([]string{clusterColumn}, nil, nil, nil, "")}
			defer logstorage.PutLogRows(b.rows)
			for _, r := range part {
				b.add(r.row, r.packed)
			}
			b.flush()
		})
	}
	work.Wait()
}

// batch collects rows for the engine.
type batch struct {
	engine *logstorage.Storage
	rows   *logstorage.LogRows
	fields []logstorage.Field
}

func (b *batch) add(r *Row, p packed) {
	b.fields = append(b.fields[:0], logstorage.Field{Name: idColumn, Value: r.ID})
	for _, c := range p.columns {
		name, value := place(c.Name, c.Value)
		b.fields = append(b.fields, logstorage.Field{Name: name, Value: value})
	}
	b.rows.MustAdd(tenants[0], r.Time.UnixNano(), b.fields, -1)
	if b.rows.NeedFlush() {
		b.flush()
	}
}

func (b *batch) flush() {
	if b.rows.RowsCount() > 0 {
		b.engine.MustAddRows(b.rows)
		b.rows.ResetKeepSettings()
	}
}
