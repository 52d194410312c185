// Package load measures the service under load: how many events a second it
// acknowledges, how long an acknowledgement takes, what an event costs, and
// whether all that was acknowledged is stored and went out.
//
// `make load` prints the figures; they hang on the machine, so nothing is asserted
// about time. Only the measuring belongs here: sender, service under test, table.
//
// The sender is made to cost little and is counted apart: bodies are prepared,
// connections are raw and kept open, and only a few digits of each event change
// from body to body. Latency counts from the time at which a body was due, not
// from when it was sent: a service that holds up its senders does not look fast.
package load

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Plan says what to send.
type Plan struct {
	Events      int           // of one body
	Rate        float64       // events a second; 0: as fast as the answers come
	Connections int           // at once; each waits for its answer before it sends again
	Time        time.Duration // how long bodies are due; those under way are waited for
}

// Result is what came of a Plan.
type Result struct {
	Bodies    int           // answered 200
	Events    int           // stored, by these answers
	Refused   int           // bodies answered 429 or 503; they are not sent again
	Took      time.Duration // from the first body to the last answer
	Latencies []time.Duration
}

// PerSecond is how many events were acknowledged in a second.
func (r *Result) PerSecond() float64 { return float64(r.Events) / r.Took.Seconds() }

// BodiesPerSecond is how many bodies were acknowledged in a second.
func (r *Result) BodiesPerSecond() float64 { return float64(r.Bodies) / r.Took.Seconds() }

// Latency is the time within which a share of the bodies was answered; 1: all.
// Send has put them in order.
func (r *Result) Latency(share float64) time.Duration {
	if len(r.Latencies) == 0 {
		return 0
	}
	return r.Latencies[min(int(share*float64(len(r.Latencies))), len(r.Latencies)-1)]
}

func (r *Result) add(more Result) {
	r.Bodies += more.Bodies
	r.Events += more.Events
	r.Refused += more.Refused
	r.Latencies = append(r.Latencies, more.Latencies...)
}

// Send sends to a webhook at host:port until the plan's time is up.
func Send(ctx context.Context, addr string, p Plan, recorded []byte) (Result, error) {
	items, err := newItems(recorded)
	if err != nil {
		return Result{}, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s := &schedule{plan: p}
	senders := make([]*sender, p.Connections)
	for i := range senders {
		if senders[i], err = dial(ctx, addr, items, p.Events, i); err != nil {
			return Result{}, err
		}
		defer senders[i].conn.Close()
	}
	var work sync.WaitGroup
	results := make([]Result, p.Connections)
	s.start = time.Now()
	for i, c := range senders {
		work.Go(func() {
			if err := c.run(ctx, s, &results[i]); err != nil {
				stop(fmt.Errorf("load: connection %d: %w", i, err))
			}
		})
	}
	work.Wait()
	all := Result{Took: time.Since(s.start)}
	for _, r := range results {
		all.add(r)
	}
	slices.Sort(all.Latencies)
	return all, context.Cause(ctx)
}

// schedule says when bodies are due.
type schedule struct {
	plan  Plan
	start time.Time
	next  atomic.Int64
}

// take gives the number of the next body and when it is due; false: the time is up.
func (s *schedule) take() (number uint64, due time.Time, ok bool) {
	n := s.next.Add(1) - 1
	if s.plan.Rate == 0 {
		now := time.Now()
		return uint64(n), now, now.Sub(s.start) < s.plan.Time
	}
	after := time.Duration(float64(n) * float64(s.plan.Events) / s.plan.Rate * float64(time.Second))
	// A service that does not keep up ends the run late, not never.
	late := time.Since(s.start) > s.plan.Time
	return uint64(n), s.start.Add(after), after < s.plan.Time && !late
}
