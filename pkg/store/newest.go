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

// How many rows Newest finds at once, and reads of those at first: few, since most ask
// for a page, and each may cost a block of the engine's.
const (
	firstPage = 128
	laterPage = 2048
	firstRead = 32
)

// maxRead is how many bytes of rows Newest reads at once; those that do not say how long
// they are count as usualSize.
const (
	maxRead   = 16 << 20
	usualSize = 4 << 10
)

// Newest hands the rows that a query selects to yield, the newest first, of one time
// the one with the higher ID first. An error of yield ends it and is returned, except
// ErrStop, which ends it without one.
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
	n := scan{s: s, filter: filter, in: s.stored(spanOf(q)), o: o, yield: yield, after: o.After, page: firstPage, read: firstRead}
	n.in.most = min(n.in.most, s.latest.Load()) // else windows grow over the rest of the day
	if o.After != (Position{}) {
		n.in.most = min(n.in.most, nanos(o.After.Time))
	}
	err = n.run(ctx)
	if errors.Is(err, ErrStop) {
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
	page   int      // how many rows to find at once
	read   int      // how many of them to read at once
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
		refs, more, err := n.find(ctx, in)
		if err != nil {
			return err
		}
		if err := n.give(ctx, refs); err != nil {
			return err
		}
		if more && len(refs) > 0 {
			last := refs[len(refs)-1]
			window = max(int64(time.Second), 2*(in.most-last.time))
			n.in.most, n.after = last.time, Position{Time: time.Unix(0, last.time), ID: last.id}
		} else {
			window = wider(window, len(refs), n.page)
			n.in.most = minus(in.least, 1)
			if in.least == math.MinInt64 {
				n.in = span{0, -1}
			}
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
	whole.most = min(whole.most, n.s.latest.Load())
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

// find finds the newest rows of a window, in order, and tells whether there may be more
// in it. The engine has an order of texts of its own: it finds the newest times, and
// of the oldest of these the rows are found by their IDs.
func (n *scan) find(ctx context.Context, in span) (refs []ref, more bool, err error) {
	pipe := " | sort by (_time desc) limit " + strconv.Itoa(n.page)
	err = n.refs(ctx, pipe, in, func(r ref) { refs = append(refs, r) })
	slices.SortFunc(refs, ref.compare)
	if err != nil || len(refs) < n.page {
		return refs, false, err
	}
	last := refs[len(refs)-1].time
	newer := slices.IndexFunc(refs, func(r ref) bool { return r.time == last })
	same := refs[newer:newer:newer]
	err = n.refs(ctx, "", span{last, last}, func(r ref) {
		if same = append(same, r); len(same) == 4*n.page {
			slices.SortFunc(same, ref.compare)
			same = same[:n.page]
		}
	})
	slices.SortFunc(same, ref.compare)
	return append(refs[:newer], same[:min(len(same), n.page)]...), true, err
}

// compare orders rows: the newest first, of one time the one with the higher ID.
func (r ref) compare(other ref) int {
	return cmp.Or(cmp.Compare(other.time, r.time), strings.Compare(other.id, r.id))
}

// refs hands on where the rows of a window are.
func (n *scan) refs(ctx context.Context, pipe string, in span, take func(ref)) error {
	filter := "(" + n.filter + ")"
	if n.after != (Position{}) {
		filter += " (_time:<" + exactTime(n.after.Time) + " or " + quote(idColumn) + `:string_range("",` + quote(n.after.ID) + "))"
	}
	return n.s.run(ctx, filter, "fields _time, id, "+sizeColumn+pipe, in, func(b *logstorage.DataBlock) {
		times, _ := b.GetTimestamps(nil)
		sizes := column(b, sizeColumn)
		for i, id := range column(b, idColumn) {
			take(ref{time: times[i], id: strings.Clone(id), size: int(number(at(sizes, i)))})
		}
	})
}

// give reads the rows that have been found and hands them on.
func (n *scan) give(ctx context.Context, refs []ref) error {
	for len(refs) > 0 {
		count := n.together(refs)
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

// together is how many rows to read at once: with each time more, within what memory
// takes.
func (n *scan) together(refs []ref) int {
	size, count := 0, 0
	for count < min(len(refs), n.read) && (count == 0 || size < maxRead) {
		size += max(refs[count].size, usualSize)
		count++
	}
	n.read = min(2*n.read, laterPage)
	return count
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
			parts = append(parts, "_time:["+exactTime(time.Unix(0, refs[i-1].time))+","+exactTime(time.Unix(0, refs[first].time))+"]")
			first = i
		}
	}
	if len(parts) == 1 {
		return ""
	}
	return "(" + strings.Join(parts, " or ") + ") "
}

// exactTime is a time in the engine's language, to the nanosecond.
func exactTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

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
