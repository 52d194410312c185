package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// portion bounds what Bulk reads at once.
type portion struct {
	rows, bytes int64
}

var usualPortion = portion{rows: 16 << 10, bytes: 64 << 20}

// bulkWindow is the first stretch of time.
const bulkWindow = time.Second

// errFull ends the reading of a stretch of time that holds more than is read at once.
var errFull = errors.New("store: too much at once")

// Bulk is Newest for who wants all rows, or many: it hands them on by stretches of time,
// each read as a whole. That is many times faster than to find the newest ones first, and
// slower where only a few are wanted. The order is that of Newest, or the opposite where
// o asks for it (but of more rows of one time than are read at once). The rows are the
// caller's.
func (s *Store) Bulk(ctx context.Context, q Query, o Scan, yield func([]Row) error) error {
	return s.bulk(ctx, q, o, usualPortion, yield)
}

func (s *Store) bulk(ctx context.Context, q Query, o Scan, most portion, yield func([]Row) error) error {
	done, err := s.begin()
	if err != nil {
		return err
	}
	defer done()
	filter, err := logsql(q.Filter)
	if err != nil {
		return err
	}
	in := s.stored(spanOf(q))
	if newest := s.newestOf(in); newest < in.most {
		in.most = newest
	}
	end := in.least
	if o.Forward {
		end = in.most
	}
	for window := int64(bulkWindow); !in.empty(); {
		part := in.first(window, o.Forward)
		rows, err := s.stretch(ctx, filter, part, &o, most)
		switch {
		case errors.Is(err, errFull) && window > 1:
			window = max(window/4, 1)
			continue
		case errors.Is(err, errFull): // all at one moment
			err = s.onebyone(ctx, q, o, part, yield)
			rows = nil
		}
		if err == nil && len(rows) > 0 {
			err = yield(rows)
		}
		if errors.Is(err, ErrStop) {
			return nil
		}
		if err != nil {
			return err
		}
		in = in.behind(part, o.Forward)
		if o.Progress != nil {
			reached := part.least
			if o.Forward {
				reached = part.most
			}
			o.Progress(Progress{Reached: time.Unix(0, reached).UTC(), Oldest: time.Unix(0, end).UTC()})
		}
		window = most.next(window, int64(len(rows)))
	}
	return nil
}

// first is the stretch of a span that is read first.
func (s span) first(window int64, forward bool) span {
	if !forward {
		return span{max(s.least, minus(s.most, window-1)), s.most}
	}
	if s.most-s.least < window && s.most-s.least >= 0 { // the difference can be too large for a number
		return s
	}
	return span{s.least, s.least + window - 1}
}

// behind is what is left of a span when its first stretch has been read.
func (s span) behind(part span, forward bool) span {
	switch {
	case part == s:
		return span{0, -1}
	case forward:
		return span{part.most + 1, s.most}
	}
	return span{s.least, minus(part.least, 1)}
}

// next is the stretch of time after one with so many rows: there should be half of what is
// read at once in it.
func (p portion) next(window, rows int64) int64 {
	switch {
	case window > int64(day):
		return window
	case rows < p.rows/16:
		return window * 8
	case rows < p.rows/4:
		return window * 2
	case rows > p.rows*3/4:
		return max(window*2/3, 1)
	}
	return window
}

// newestOf is the end of a span, or the time of the newest row where that comes before.
func (s *Store) newestOf(in span) int64 { return min(in.most, s.latest.Load()) }

// onebyone hands on the rows of a moment that are too many, or too large, to be read at
// once.
func (s *Store) onebyone(ctx context.Context, q Query, o Scan, in span, yield func([]Row) error) error {
	o.After, o.Progress, o.Forward = Position{}, nil, false
	q.From, q.To = time.Unix(0, in.least), time.Unix(0, in.most+1)
	stopped := false
	err := s.Newest(ctx, q, o, func(r Row) error {
		err := yield([]Row{r})
		stopped = errors.Is(err, ErrStop)
		return err
	})
	if err == nil && stopped {
		return ErrStop
	}
	return err
}

// stretch reads the rows of a span, in order.
func (s *Store) stretch(ctx context.Context, filter string, in span, o *Scan, most portion) ([]Row, error) {
	q, err := parse(filter + " | " + o.pipes())
	if err != nil {
		return nil, err
	}
	q.AddTimeFilter(in.least, in.most)
	reading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	g := gather{o: o, most: most, full: func() { stop(errFull) }}
	var stats logstorage.QueryStats
	err = s.engine.RunQuery(logstorage.NewQueryContext(reading, &stats, tenants, q, false, nil), func(_ uint, b *logstorage.DataBlock) { g.take(b) })
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case g.over():
		return nil, errFull
	case err != nil:
		return nil, fmt.Errorf("store: query: %w", err)
	}
	for _, u := range g.rest {
		s.fill(u.row, o, u.beside, u.cut)
		g.rows = append(g.rows, *u.row)
	}
	slices.SortFunc(g.rows, func(a, b Row) int {
		if c := b.Time.Compare(a.Time); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	if o.Forward {
		slices.Reverse(g.rows)
	}
	return g.rows, nil
}

// gather takes rows from the engine's workers, each of which copies its own.
type gather struct {
	o            *Scan
	most         portion
	full         func()
	count, bytes atomic.Int64

	lock sync.Mutex
	rows []Row
	rest []*unfilled
}

// over tells whether there is more than may be read at once.
func (g *gather) over() bool { return g.count.Load() > g.most.rows || g.bytes.Load() > g.most.bytes }

func (g *gather) take(b *logstorage.DataBlock) {
	times, _ := b.GetTimestamps(nil)
	ids := column(b, idColumn)
	g.count.Add(int64(len(ids)))
	if g.over() {
		g.full()
		return
	}
	beside, cut := column(b, besideColumn), column(b, cutColumn)
	rows := make([]Row, 0, len(ids))
	var rest []*unfilled
	size := 0
	for i, id := range ids {
		r := Row{ID: strings.Clone(id), Time: time.Unix(0, times[i]).UTC()}
		for _, c := range b.Columns {
			if v := c.Values[i]; v != "" {
				g.o.put(&r, c.Name, v)
			}
		}
		size += len(r.Raw)
		if at(beside, i) == "" && at(cut, i) == "" {
			rows = append(rows, r)
			continue
		}
		rest = append(rest, &unfilled{&r, at(beside, i) != "", g.o.wants(at(cut, i))})
	}
	g.bytes.Add(int64(size))
	g.lock.Lock()
	defer g.lock.Unlock()
	g.rows = append(g.rows, rows...)
	g.rest = append(g.rest, rest...)
}
