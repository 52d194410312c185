package store

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// How many rows Newest finds at once: few first, since most ask for a page.
const (
	firstPage = 128
	laterPage = 512
)

// maxFetched is how many bytes of rows Newest reads at once, as far as rows are long
// enough to say how long they are.
const maxFetched = 16 << 20

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
	n := scan{s: s, filter: filter, in: s.stored(spanOf(q)), o: o, yield: yield, after: o.After, page: firstPage}
	if o.After != (Position{}) {
		n.in.most = min(n.in.most, nanos(o.After.Time))
	}
	err = n.run(ctx)
	if errors.Is(err, Stop) {
		return nil
	}
	return err
}

// scan goes back in time, window by window. In each it finds the times and IDs of the
// newest rows first, which are small, and then reads these rows.
type scan struct {
	s      *Store
	filter string
	in     span // what is still to be looked at
	o      Scan
	yield  func(Row) error
	after  Position // only rows behind it
	page   int
}

// ref is where a row is, and how many bytes it has, if these are many.
type ref struct {
	time int64
	id   string
	size int
}

func (n *scan) run(ctx context.Context) error {
	window := n.firstWindow()
	for !n.in.empty() {
		in := span{max(n.in.least, minus(n.in.most, window)), n.in.most}
		refs, err := n.find(ctx, in)
		if err != nil {
			return err
		}
		if err := n.give(ctx, refs); err != nil {
			return err
		}
		if len(refs) < n.page {
			if in.least == math.MinInt64 {
				break
			}
			n.in.most = in.least - 1
			window = wider(window, len(refs), n.page)
		} else {
			last := refs[len(refs)-1]
			window = max(int64(time.Second), 2*(in.most-last.time))
			n.in.most, n.after = last.time, Position{Time: time.Unix(0, last.time), ID: last.id}
		}
		n.page = laterPage
		n.progress()
	}
	return nil
}

// firstWindow is the time in which there would be twice a page of rows, if these came at
// an even pace and all were selected.
func (n *scan) firstWindow() int64 {
	var e logstorage.StorageStats
	n.s.engine.UpdateStats(&e)
	whole := n.s.stored(span{math.MinInt64, math.MaxInt64})
	perRow := (whole.most - whole.least) / int64(max(e.RowsCount(), 1))
	if perRow > int64(day)/firstPage {
		return int64(day)
	}
	return max(int64(time.Second), perRow*2*firstPage)
}

// wider is the next window after one in which less than a page was found.
func wider(window int64, found, page int) int64 {
	switch {
	case window > math.MaxInt64/8:
		return window
	case found == 0:
		return window * 8
	case found < page/4:
		return window * 4
	}
	return window * 2
}

// minus is a time some nanoseconds earlier, or the beginning of all times.
func minus(t, nanoseconds int64) int64 {
	if t < math.MinInt64+nanoseconds {
		return math.MinInt64
	}
	return t - nanoseconds
}

func (n *scan) progress() {
	if n.o.Progress != nil {
		oldest := time.Unix(0, n.in.least).UTC()
		reached := time.Unix(0, min(n.in.most, math.MaxInt64-1)+1).UTC()
		if reached.Before(oldest) {
			reached = oldest
		}
		n.o.Progress(Progress{Reached: reached, Oldest: oldest})
	}
}

// find finds the newest rows of a window, a page of them at most.
func (n *scan) find(ctx context.Context, in span) ([]ref, error) {
	filter := "(" + n.filter + ")"
	if n.after != (Position{}) {
		filter += " (_time:<" + quote(n.after.Time.UTC().Format("2006-01-02T15:04:05.000000000Z")) +
			" or " + quote(idColumn) + `:string_range("",` + quote(n.after.ID) + "))"
	}
	var refs []ref
	pipes := "fields _time, id, " + sizeColumn + " | sort by (_time desc, id desc) limit " + strconv.Itoa(n.page)
	err := n.s.run(ctx, filter, pipes, in, func(b *logstorage.DataBlock) {
		times, _ := b.GetTimestamps(nil)
		sizes := column(b, sizeColumn)
		for i, id := range column(b, idColumn) {
			refs = append(refs, ref{time: times[i], id: strings.Clone(id), size: int(number(at(sizes, i)))})
		}
	})
	slices.SortFunc(refs, func(a, b ref) int {
		return cmp.Or(cmp.Compare(b.time, a.time), strings.Compare(b.id, a.id))
	})
	return refs, err
}

// give reads the rows that have been found and hands them on.
func (n *scan) give(ctx context.Context, refs []ref) error {
	for len(refs) > 0 {
		size, count := 0, 0
		for count < len(refs) && (count == 0 || size+max(refs[count].size, sizeFrom) <= maxFetched) {
			size += max(refs[count].size, sizeFrom)
			count++
		}
		rows, err := n.fetch(ctx, refs[:count])
		if err != nil {
			return err
		}
		for _, r := range refs[:count] {
			row, is := rows[r.id]
			if !is {
				continue // its day has been removed since
			}
			if err := n.yield(*row); err != nil {
				return err
			}
		}
		refs = refs[count:]
	}
	return nil
}

// fetch reads rows, by ID.
func (n *scan) fetch(ctx context.Context, refs []ref) (map[string]*Row, error) {
	ids := make([]string, len(refs))
	for i, r := range refs {
		ids[i] = r.id
	}
	in := span{refs[len(refs)-1].time, refs[0].time}
	rows := make(map[string]*Row, len(refs))
	err := n.s.read(ctx, timesOf(refs)+equalFilter(idColumn, ids), in, &n.o, func(r *Row) { rows[r.ID] = r })
	return rows, err
}

// maxStretches is how many stretches of time a filter for rows has at most.
const maxStretches = 32

// timesOf is a filter for the stretches of time in which rows are that lie far from each
// other: a block of the engine's outside of these is not looked at more closely.
func timesOf(refs []ref) string {
	whole := refs[0].time - refs[len(refs)-1].time
	gap := whole / maxStretches
	var parts []string
	for first, i := 0, 1; i <= len(refs); i++ {
		if i == len(refs) || refs[i-1].time-refs[i].time > gap {
			parts = append(parts, "_time:["+exactTime(refs[i-1].time)+","+exactTime(refs[first].time)+"]")
			first = i
		}
	}
	if len(parts) == 1 {
		return ""
	}
	return "(" + strings.Join(parts, " or ") + ") "
}

// exactTime is a time in the engine's language, to the nanosecond.
func exactTime(t int64) string {
	return time.Unix(0, t).UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// stored narrows a span to the days that have rows.
func (s *Store) stored(in span) span {
	days := s.engine.PartitionList()
	if len(days) == 0 {
		return span{0, -1}
	}
	first, err := time.Parse(dayForm, days[0])
	if err != nil {
		return in
	}
	last, err := time.Parse(dayForm, days[len(days)-1])
	if err != nil {
		return in
	}
	return span{max(in.least, first.UnixNano()), min(in.most, last.Add(day).UnixNano()-1)}
}
