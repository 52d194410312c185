package backfill

import (
	"cmp"
	"context"
	"errors"
	"io"
	"maps"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// Bounds of a batch. An event larger than batchBytes is alone in its batch, or the
// last of it.
const (
	batchEvents = 1000
	batchBytes  = 4 << 20
)

// batch is a part of an input on its way: read by one goroutine, judged by another,
// stored by the one that called Run.
type batch struct {
	events     []*audit.Event
	bytes      int // of the events
	rejections []*audit.Rejection
	err        error // the input could not be read any further

	judged     []*record.Event
	unreadable []error // items that the judge wrote and nobody can read: defects of this program
}

func (b *batch) full() bool {
	return len(b.events) >= batchEvents || b.bytes >= batchBytes || len(b.rejections) >= batchEvents
}

func (b *batch) empty() bool { return len(b.events)+len(b.rejections) == 0 && b.err == nil }

// read reads the inputs one after the other into batches. It may wait for an input
// for ever; nobody waits for it.
func (r *run) read(ctx context.Context, to chan<- *batch) {
	defer close(to)
	for _, in := range r.inputs {
		if !r.readInput(ctx, in, to) {
			return
		}
	}
}

// readInput reads an input to its end; false when the run has ended.
func (r *run) readInput(ctx context.Context, in Input, to chan<- *batch) bool {
	src, err := in.Open()
	if err != nil {
		return hand(ctx, &batch{err: &InputError{in.Name, err}}, to)
	}
	defer src.Close()
	from := audit.NewReader(countingReader{src, &r.bytes}, in.Name, r.Limits)
	if r.Entries != nil {
		from.ConvertWith(r.Entries)
	}
	for {
		b, end := nextBatch(from)
		if !b.empty() && !hand(ctx, b, to) {
			return false
		}
		if end || ctx.Err() != nil {
			return ctx.Err() == nil
		}
	}
}

// nextBatch reads until a batch is full, or the input is at its end.
func nextBatch(from *audit.Reader) (b *batch, end bool) {
	b = &batch{}
	for !b.full() {
		e, err := from.Next()
		var rej *audit.Rejection
		switch {
		case err == nil:
			b.events = append(b.events, e)
			b.bytes += len(e.Raw)
		case errors.As(err, &rej):
			b.rejections = append(b.rejections, rej)
		case err == io.EOF:
			return b, true
		default:
			b.err = &InputError{from.Input(), err}
			return b, true
		}
	}
	return b, false
}

func hand(ctx context.Context, b *batch, to chan<- *batch) bool {
	select {
	case to <- b:
		return true
	case <-ctx.Done():
		return false
	}
}

// work judges batches until there are no more.
func (r *run) work(ctx context.Context, from <-chan *batch, to chan<- *batch) {
	for b := range from {
		if ctx.Err() != nil {
			return
		}
		r.judge(b)
		if !hand(ctx, b, to) {
			return
		}
	}
}

// judge makes of a batch's events what is stored of them.
func (r *run) judge(b *batch) {
	if len(b.events) == 0 {
		return
	}
	ids := make([]audit.Identity, len(b.events))
	for i, e := range b.events {
		e.Cluster = cmp.Or(r.Cluster, e.Cluster)
		ids[i] = e.Identity()
	}
	received := r.Now()
	items, ruleset := r.Judge.Judge(b.events, ids)
	for i := range items {
		switch age := received.Sub(b.events[i].Time); {
		case r.Retention > 0 && age > r.Retention:
			items[i].Flags |= record.Expired
		case age < -maxAhead:
			items[i].Flags |= record.Ahead
		}
	}
	for from, to := 0, 0; from < len(items); from = to {
		to = from + alike(b.events[from:])
		judged, unreadable := record.Decode(record.Stored{
			Source: Source, Cluster: b.events[from].Cluster, Received: received, Ruleset: ruleset,
			Extra: record.EncodeExtra(r.labels(b.events[from])), Items: items[from:to],
		})
		b.judged, b.unreadable = append(b.judged, judged...), append(b.unreadable, unreadable...)
	}
	b.events = nil // they are in judged
}

// alike is the number of events, from the first on, that are of one cluster. There is
// one at least.
func alike(events []*audit.Event) int {
	for i, e := range events {
		if e.Cluster != events[0].Cluster || !maps.Equal(e.Labels, events[0].Labels) {
			return i
		}
	}
	return len(events)
}

// labels are those of an event's cluster. What the configuration says counts more.
func (r *run) labels(e *audit.Event) map[string]string {
	if len(e.Labels) == 0 {
		return r.Labels
	}
	all := maps.Clone(e.Labels)
	maps.Copy(all, r.Labels)
	return all
}
