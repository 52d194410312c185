package sink

import (
	"context"
	"errors"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// Once is a sink in front of another that lets each event through once: what was
// written before is left out and counted, whatever detections it has the second
// time. So the first verdict stays when an event comes again after a reload of rules.
type Once struct {
	next    Sink
	written *record.Recent

	mu       sync.Mutex
	counters Counters // without those of next
}

// NewOnce puts a memory in front of a sink. An event is remembered only when its
// detections are written, and forgotten when as many others as the memory holds were
// written after it.
func NewOnce(next Sink, written *record.Recent) *Once {
	return &Once{next: next, written: written}
}

// Name is that of the sink behind.
func (o *Once) Name() string { return o.next.Name() }

// Close closes the sink behind.
func (o *Once) Close() error { return o.next.Close() }

// Write writes the events that are new.
func (o *Once) Write(ctx context.Context, events []*record.Event) error {
	fresh := o.fresh(events)
	var err error
	if len(fresh) > 0 {
		err = o.next.Write(ctx, fresh)
	}
	if err == nil {
		for _, e := range fresh {
			if len(e.Detections) > 0 {
				o.written.Add(e.ID)
			}
		}
	}
	o.count(len(fresh), len(events)-len(fresh), err)
	return err
}

// fresh gives the events that were not written before, each once. Events without
// detections count as fresh: there is nothing to repeat.
func (o *Once) fresh(events []*record.Event) []*record.Event {
	fresh := make([]*record.Event, 0, len(events))
	here := make(map[audit.Identity]bool)
	for _, e := range events {
		if len(e.Detections) > 0 {
			if here[e.ID] || o.written.Has(e.ID) {
				continue
			}
			here[e.ID] = true
		}
		fresh = append(fresh, e)
	}
	return fresh
}

func (o *Once) count(fresh, repeated int, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var permanent Permanent
	switch {
	case err == nil:
		o.counters.Writes++
		o.counters.Events += uint64(fresh)
		o.counters.Repeated += uint64(repeated)
	case errors.As(err, &permanent):
		o.counters.Rejected++
	default:
		o.counters.Failed++
	}
}

// Counters are those of the sink behind, if it counts, with how its writes ended.
func (o *Once) Counters() Counters {
	var c Counters
	if counted, ok := o.next.(Counted); ok {
		c = counted.Counters()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	c.Writes, c.Failed, c.Rejected = o.counters.Writes, o.counters.Failed, o.counters.Rejected
	c.Events, c.Repeated = o.counters.Events, o.counters.Repeated
	return c
}
