package sink

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/record"
)

// TimelyConfig says what a Timely leaves out.
type TimelyConfig struct {
	Leave func(*record.Event) bool // whether a late event is one to leave out
	Told  func(detections uint64)  // is told now and then how many were left out since; may be nil
	Now   func() time.Time
}

// toldEvery is how often Told is called at most.
const toldEvery = 10 * time.Minute

// Timely is a sink in front of another that leaves out the detections of late events of
// some sources: of those that read a log. When such a source has been held up, or begins
// far back, what it brings is hours old, and as much as comes in hours: as alarms, a flood
// of what is over.
//
// Events that an API server sends or writes are let through however late they are. It
// sends each as soon as it can, so one that comes after an hour tells that the way here
// was cut, which is an incident of its own, and nobody has heard of what happened
// meanwhile.
type Timely struct {
	next Counted
	cfg  TimelyConfig

	mu   sync.Mutex
	late uint64    // detections left out
	told uint64    // of these
	at   time.Time // when
}

// NewTimely makes a sink in front of another.
func NewTimely(next Counted, cfg TimelyConfig) *Timely { return &Timely{next: next, cfg: cfg} }

// Name is that of the sink behind.
func (t *Timely) Name() string { return t.next.Name() }

// Close closes the sink behind.
func (t *Timely) Close() error { return t.next.Close() }

// Write writes the events that are not left out.
func (t *Timely) Write(ctx context.Context, events []*record.Event) error {
	left := uint64(0)
	timely := slices.DeleteFunc(slices.Clone(events), func(e *record.Event) bool {
		if !e.Late() || !t.cfg.Leave(e) {
			return false
		}
		left += uint64(len(e.Detections))
		return true
	})
	if len(timely) > 0 || len(events) == 0 {
		if err := t.next.Write(ctx, timely); err != nil {
			return err
		}
	}
	if n := t.leave(left); n > 0 && t.cfg.Told != nil {
		t.cfg.Told(n)
	}
	return nil
}

// leave counts, and returns how many are to be told of.
func (t *Timely) leave(n uint64) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.late += n
	untold, now := t.late-t.told, t.cfg.Now()
	if untold == 0 || !t.at.IsZero() && now.Sub(t.at) < toldEvery {
		return 0
	}
	t.told, t.at = t.late, now
	return untold
}

// Counters are those of the sink behind, with what was left out.
func (t *Timely) Counters() Counters {
	c := t.next.Counters()
	t.mu.Lock()
	defer t.mu.Unlock()
	c.Late = t.late
	return c
}
