package web

import (
	"sync"
	"sync/atomic"
	"time"
)

// Answered names answers that are counted together.
type Answered struct {
	Route string // "GET /api/v1/events/{id}"; "" where there is no such path
	Code  int    // HTTP status; 499 where the asker went away before
}

// Counters count since the Handler was made.
type Counters struct {
	Requests     map[Answered]uint64
	Duration     map[string]time.Duration // sum by route; of streams until their end
	Denied       uint64                   // no valid token
	Throttled    uint64                   // of these, told to come slower
	HeavyRefused uint64                   // queries and streams for which there was no place
	Queries      int                      // running now
	Streams      int                      // of lines, running now
	Tails        int                      // open now
	TailsRefused uint64                   // for which there was no place
	Lagged       uint64                   // events that tails passed over since they were read too slowly
	Imports      int                      // running now
}

type counts struct {
	denied, throttled, heavyRefused, tailsRefused, lagged atomic.Uint64

	mu       sync.Mutex
	requests map[Answered]uint64
	duration map[string]time.Duration
}

func (c *counts) answered(route string, code int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.requests == nil {
		c.requests, c.duration = map[Answered]uint64{}, map[string]time.Duration{}
	}
	c.requests[Answered{route, code}]++
	c.duration[route] += took
}

// Counters gives the counts.
func (h *Handler) Counters() Counters {
	c := &h.counts
	out := Counters{
		Requests: map[Answered]uint64{}, Duration: map[string]time.Duration{},
		Denied: c.denied.Load(), Throttled: c.throttled.Load(), HeavyRefused: c.heavyRefused.Load(),
		TailsRefused: c.tailsRefused.Load(), Lagged: c.lagged.Load(),
		Queries: len(h.queries), Streams: len(h.streams), Tails: len(h.tails), Imports: len(h.imports),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, n := range c.requests {
		out.Requests[k] = n
	}
	for k, d := range c.duration {
		out.Duration[k] = d
	}
	return out
}
