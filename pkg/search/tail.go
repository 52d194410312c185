package search

import (
	"context"
	"fmt"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/record"
)

// Lagged ends a tail whose reader was too slow: events went by that it was not shown. A
// new tail goes on from now; what lies between is found by a search.
type Lagged struct{ Missed uint64 }

// Error implements error.
func (e Lagged) Error() string {
	return fmt.Sprintf("search: the reader was too slow: %d events went by unseen, of whatever kind; search for them, or ask for less", e.Missed)
}

// tailRoom is how many events wait for a slow reader.
const tailRoom = 4096

// tails are the readers of what is stored from now on.
type tails struct {
	mu      sync.Mutex
	readers map[*tail]struct{}
}

// tail is one reader.
type tail struct {
	mu      sync.Mutex
	waiting []*record.Event
	missed  uint64
	more    chan struct{} // has one in it where something waits
}

func (t *tails) add() *tail {
	r := &tail{more: make(chan struct{}, 1)}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.readers == nil {
		t.readers = map[*tail]struct{}{}
	}
	t.readers[r] = struct{}{}
	return r
}

func (t *tails) remove(r *tail) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.readers, r)
}

// Publish shows events that have just been stored to those who tail. It waits for
// nobody. The events must not change any more.
func (s *Searcher) Publish(events []*record.Event) {
	s.tails.mu.Lock()
	defer s.tails.mu.Unlock()
	if len(s.tails.readers) == 0 {
		return
	}
	for _, e := range events {
		e.Event.Root() // once, before several goroutines look at it
	}
	for r := range s.tails.readers {
		r.put(events)
	}
}

func (r *tail) put(events []*record.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	room := tailRoom - len(r.waiting)
	if r.missed > 0 { // nothing comes behind a gap
		room = 0
	}
	n := min(room, len(events))
	r.waiting = append(r.waiting, events[:n]...)
	r.missed += uint64(len(events) - n)
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// take gives what waits; last: something came behind it and is gone.
func (r *tail) take() (events []*record.Event, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	events, r.waiting = r.waiting, nil
	return events, r.missed > 0
}

// lagged counts what is gone by now: more goes by while what waited is handed on.
func (r *tail) lagged() Lagged {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Lagged{Missed: r.missed}
}

// Tail gives the events that are stored from now on and that the request asks for, in the
// order in which they come. It ends with the context, with yield's error, or as [Lagged].
// What hangs on something redacted is not given. A request that cannot be carried out is
// a [BadRequest].
func (s *Searcher) Tail(ctx context.Context, p Principal, r Request, yield func(*Hit) error) error {
	q, err := s.query(p, r)
	if err != nil {
		return err
	}
	reader := s.tails.add()
	defer s.tails.remove(reader)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-reader.more:
		}
		events, last := reader.take()
		if err := q.pass(ctx, events, yield); err != nil {
			return err
		}
		if last {
			return reader.lagged()
		}
	}
}

// pass hands on the events for which the request holds.
func (q *query) pass(ctx context.Context, events []*record.Event, yield func(*Hit) error) error {
	for _, e := range events {
		if err := ctx.Err(); err != nil {
			return err
		}
		v, err := q.verdict(e)
		if err != nil {
			return err
		}
		if v != holds {
			continue
		}
		if err := yield(hitOf(e)); err != nil {
			return err
		}
	}
	return nil
}
