package web

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// mostMissed is how many events a tail that begins behind an event gives of those before
// now.
const mostMissed = 1000

// tail answers with the events that a search would find, as they come, until the reader
// goes away.
func (c *call) tail() error {
	p := c.params()
	req := search.Request{Condition: p.text("q"), Text: p.text("text"), Clusters: p.list("cluster"), Rules: p.list("rule")}
	req.Detections, req.Priority = p.truth("detections"), priority(p)
	after := p.text("after")
	if err := p.none(); err != nil {
		return err
	}
	if _, err := c.accepted(typeSSE); err != nil {
		return err
	}
	if c.r.Method == http.MethodHead { // there would be no end to it, and nothing to see
		c.w.Header().Set("Content-Type", typeSSE)
		return nil
	}
	if last := c.r.Header.Get("Last-Event-ID"); last != "" {
		after = last
	}
	if !c.tails.take(c.r.Context(), 0) {
		c.counts.tailsRefused.Add(1)
		return problem(api.ProblemBusy, "too many tails are open; ask again in some seconds")
	}
	defer c.tails.free()
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	f := &follow{call: c, req: req, sse: c.sse(), live: make(chan *search.Hit), ended: make(chan error, 1)}
	return f.run(ctx, after)
}

// follow is one tail.
type follow struct {
	*call
	req    search.Request
	sse    *sse
	live   chan *search.Hit
	ended  chan error
	missed map[string]bool // ids of what was given from the store
}

// run sends what the reader has missed, then what comes. It listens before it looks for
// what was missed, so that there is no gap between; what is in both is sent once.
func (f *follow) run(ctx context.Context, after string) error {
	ticks, stop := f.cfg.Ticker(f.cfg.Limits.Heartbeat)
	defer stop()
	go f.listen(ctx)
	if after != "" {
		if err := f.catchUp(ctx, after); err != nil {
			return f.sse.end(err)
		}
	}
	// Readers learn at once that they are let in.
	if err := f.sse.send("ping", "", struct{}{}); err != nil {
		return nil
	}
	for {
		select {
		case h := <-f.live:
			if err := f.event(h); err != nil {
				return nil
			}
		case <-ticks:
			if !f.gate.still(f.who) {
				return f.sse.end(problem(api.ProblemUnauthorized, "the token is not in force any more"))
			}
			if err := f.sse.send("ping", "", struct{}{}); err != nil {
				return nil
			}
		case err := <-f.ended:
			return f.over(err)
		case <-f.closing:
			return f.sse.end(problem(api.ProblemBusy, "the service is shutting down"))
		case <-ctx.Done():
			return nil
		}
	}
}

// listen hands on what comes until the tail ends.
func (f *follow) listen(ctx context.Context) {
	f.ended <- f.cfg.Search.Tail(ctx, f.who.principal, f.req, func(h *search.Hit) error {
		select {
		case f.live <- h:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// catchUp sends what is stored of what the search finds and is filed behind an event.
func (f *follow) catchUp(ctx context.Context, after string) error {
	if !isID(after) {
		p := problem(api.ProblemParameter, "after: that is no id of an event")
		p.Parameter = "after"
		return p
	}
	last, err := f.cfg.Search.Get(ctx, f.who.principal, after)
	if errors.As(err, new(search.NotFound)) {
		return f.sse.send("lagged", "", api.Lagged{Why: "the event to begin behind is not stored any more; what came since may be missing"})
	}
	if err != nil {
		return err
	}
	missed, all, err := f.behind(ctx, last)
	if err != nil {
		return err
	}
	if !all {
		if err := f.sse.send("lagged", "", api.Lagged{Why: "more events were missed than a tail gives; search for the others"}); err != nil {
			return err
		}
	}
	f.missed = make(map[string]bool, len(missed))
	for _, e := range slices.Backward(missed) {
		f.missed[e.id] = true
		if err := f.sse.text(e.kind, e.id, e.data); err != nil {
			return err
		}
	}
	return nil
}

// told is an event as a tail sends it.
type told struct {
	kind, id string
	data     []byte
}

// behind reads what is filed behind a hit, newest first, and tells whether that is all.
func (f *follow) behind(ctx context.Context, last *search.Hit) (missed []told, all bool, err error) {
	req := f.req
	req.From = last.Event.Filed()
	size := 0
	var sum search.Summary
	err = f.heavy(ctx, f.cfg.Limits.Timeout, func(ctx context.Context) (err error) {
		sum, err = f.cfg.Search.Search(ctx, f.who.principal, req, search.Page{Limit: mostMissed}, func(h *search.Hit) error {
			if h.Event.Filed().Equal(req.From) && h.ID <= last.ID {
				return nil
			}
			e, err := tellingOf(h)
			if size += len(e.data); err == nil && size > maxAnswer {
				return errEnough
			}
			missed = append(missed, e)
			return err
		})
		return err
	})
	if errors.Is(err, errEnough) {
		return missed, false, nil
	}
	return missed, sum.Next == "" && !sum.Partial, err
}

func tellingOf(h *search.Hit) (told, error) {
	e := eventOf(h)
	data, err := api.AppendEvent(nil, &e, true)
	kind := "event"
	if len(e.Detections) > 0 {
		kind = "detection"
	}
	return told{kind, h.ID, data}, err
}

// event sends what has just come, if it was not sent before.
func (f *follow) event(h *search.Hit) error {
	if f.missed[h.ID] {
		return nil
	}
	e, err := tellingOf(h)
	if err != nil {
		return err
	}
	return f.sse.text(e.kind, e.id, e.data)
}

// over ends a tail that the searcher ended.
func (f *follow) over(err error) error {
	if err == nil {
		err = problem(api.ProblemBusy, "the service is shutting down")
	}
	return f.sse.end(err)
}
