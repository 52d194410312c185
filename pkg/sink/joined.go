package sink

import (
	"context"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/record"
)

// Joined is a sink in front of another that leaves out, of the second event of a request,
// the detections that the first one has as well: where both an admission review and an
// audit log tell of it.
type Joined struct {
	next Counted

	mu   sync.Mutex
	left uint64 // detections left out
}

// NewJoined makes a sink in front of another.
func NewJoined(next Counted) *Joined { return &Joined{next: next} }

// Name is that of the sink behind.
func (j *Joined) Name() string { return j.next.Name() }

// Close closes the sink behind.
func (j *Joined) Close() error { return j.next.Close() }

// Write writes the events with what was not told before.
func (j *Joined) Write(ctx context.Context, events []*record.Event) error {
	left := 0
	rest := make([]*record.Event, 0, len(events))
	for _, e := range events {
		less, told := e.Untold()
		left += told
		if told == 0 || len(less.Detections) > 0 {
			rest = append(rest, less)
		}
	}
	if len(rest) > 0 || len(events) == 0 {
		if err := j.next.Write(ctx, rest); err != nil {
			return err
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.left += uint64(left)
	return nil
}

// Counters are those of the sink behind, with what was left out.
func (j *Joined) Counters() Counters {
	c := j.next.Counters()
	j.mu.Lock()
	defer j.mu.Unlock()
	c.Joined = j.left
	return c
}
