package embedded

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/failpoint"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/sink"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// Config says where events go. Store is required.
type Config struct {
	Store *store.Store // not closed by the sink
	// Published is called with the events that were new to the store, in their order,
	// from within the Write that took them; may be nil.
	Published func([]*record.Event)
}

// Sink puts events into a store. It is a sink.Counted. Several sinks may have one store.
type Sink struct {
	cfg Config

	mu       sync.Mutex
	closed   bool
	counters sink.Counters
	expired  uint64
}

// New makes a sink.
func New(cfg Config) *Sink { return &Sink{cfg: cfg} }

// Name implements sink.Sink.
func (s *Sink) Name() string { return "store" }

var errClosed = errors.New("the sink is closed")

// Write implements sink.Sink. Errors are Recoverable, for instance while the store has
// too little room on its disk, but for events that no store can hold: these are
// Permanent, and all others have been taken.
func (s *Sink) Write(ctx context.Context, events []*record.Event) error {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return s.failed(errClosed)
	}
	outside, refused, err := s.put(ctx, events)
	if err != nil {
		return s.failed(err)
	}
	moved, expired := refile(outside)
	over, again, err := s.put(ctx, moved)
	if err != nil {
		return s.failed(err)
	}
	refused = append(refused, again...)
	s.count(func(c *sink.Counters) {
		s.expired += uint64(expired + len(over))
		if len(refused) > 0 {
			c.Rejected++
		} else {
			c.Writes++
		}
	})
	if len(refused) > 0 {
		return sink.Permanent{Err: fmt.Errorf("embedded: %d events cannot be stored: %w", len(refused), errors.Join(refused...))}
	}
	return nil
}

// put stores events, and tells which of them have times that the store does not take,
// and what is wrong with those that it refuses.
func (s *Sink) put(ctx context.Context, events []*record.Event) (outside []*record.Event, refused []error, err error) {
	events = slices.Clone(events)
	rows := encode(events)
	for len(rows) > 0 {
		w, err := s.cfg.Store.Write(ctx, rows)
		var bad store.BadRow
		if errors.As(err, &bad) { // and nothing has been stored
			refused = append(refused, fmt.Errorf("%s, of cluster %q: %w", rows[bad.Row].ID, rows[bad.Row].Cluster, err))
			events, rows = slices.Delete(events, bad.Row, bad.Row+1), slices.Delete(rows, bad.Row, bad.Row+1)
			continue
		}
		failpoint.Hit("store/written")
		s.taken(events, w)
		var late store.OutOfRetention
		if !errors.As(err, &late) {
			return nil, refused, err
		}
		for _, i := range late.Rows {
			outside = append(outside, events[i])
		}
		return outside, refused, nil
	}
	return nil, refused, nil
}

// leastShare is how many events are worth a goroutine.
const leastShare = 64

// encode makes rows of events, on all processors.
func encode(events []*record.Event) []store.Row {
	rows := make([]store.Row, len(events))
	ways := max(1, min(runtime.GOMAXPROCS(0), len(events)/leastShare))
	var work sync.WaitGroup
	for way := range ways {
		work.Go(func() {
			for i := way; i < len(events); i += ways {
				rows[i] = row.Encode(events[i])
			}
		})
	}
	work.Wait()
	return rows
}

// refile files events under the time at which they were received. Those that are
// already have expired.
func refile(events []*record.Event) (refiled []*record.Event, expired int) {
	for _, e := range events {
		if e.Flags&(record.Expired|record.Ahead) != 0 {
			expired++
			continue
		}
		moved := *e
		if moved.Event.Time.After(moved.Received) {
			moved.Flags |= record.Ahead
		} else {
			moved.Flags |= record.Expired
		}
		refiled = append(refiled, &moved)
	}
	return refiled, expired
}

// taken counts and publishes what a write has stored.
func (s *Sink) taken(events []*record.Event, w store.Written) {
	var published []*record.Event
	detections, bytes := 0, 0
	for i, is := range w.New {
		if is {
			published = append(published, events[i])
			detections += len(events[i].Detections)
			bytes += len(events[i].Event.Raw)
		}
	}
	s.count(func(c *sink.Counters) {
		c.Events += uint64(w.Rows)
		c.Repeated += uint64(w.Known)
		c.Detections += uint64(detections)
		c.Bytes += uint64(bytes)
	})
	if len(published) > 0 && s.cfg.Published != nil {
		s.cfg.Published(published)
	}
}

// Sync returns nil when all that Write took is on disk. Errors are Recoverable.
func (s *Sink) Sync(ctx context.Context) error {
	if err := s.cfg.Store.Sync(ctx); err != nil {
		return sink.Recoverable{Err: fmt.Errorf("embedded: %w", err)}
	}
	failpoint.Hit("store/synced")
	return nil
}

// Close implements sink.Sink. What was taken and not synced is the store's to keep or
// the log's to bring again.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// Counters implements sink.Counted. Events are those that were new to the store, with
// their Detections and Bytes; Repeated those that it had. They count what was stored
// also where the write failed as a whole then.
func (s *Sink) Counters() sink.Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters
}

// Expired is how many events were not stored since they happened, and were received,
// longer ago than the store keeps.
func (s *Sink) Expired() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.expired
}

func (s *Sink) count(f func(*sink.Counters)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.counters)
}

func (s *Sink) failed(err error) error {
	s.count(func(c *sink.Counters) { c.Failed++ })
	return sink.Recoverable{Err: fmt.Errorf("embedded: %w", err)}
}
