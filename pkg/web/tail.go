package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

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
	f := &follow{call: c, req: req, sse: c.sse(), live: make(chan *search.Hit), ended: make(chan error)}
	return f.run(ctx, after)
}

// follow is one tail.
type follow struct {
	*call
	req   search.Request
	sse   *sse
	live  chan *search.Hit
	ended chan error
	after *search.Hit     // the event to begin behind; nil: from now on
	sent  map[string]bool // ids, while an event may still come from both sides; else nil
	ticks int
}

// run sends what the reader has missed, then what comes. It listens before it looks for
// what was missed, and looks again a heartbeat later, since what has just come cannot be
// found at once; what is in both is sent once.
func (f *follow) run(ctx context.Context, after string) error {
	if err := f.check(ctx); err != nil {
		return err
	}
	ticks, stop := f.cfg.Ticker(f.cfg.Limits.Heartbeat)
	defer stop()
	go f.listen(ctx)
	if after != "" {
		if err := f.begin(ctx, after); err != nil {
			return f.sse.end(err)
		}
	}
	// Readers learn at once that they are let in.
	if f.ping() != nil {
		return nil
	}
	for {
		var err error
		select {
		case h := <-f.live:
			err = f.event(h)
		case <-ticks:
			err = f.tick(ctx)
		case err = <-f.ended:
			err = f.over(ctx, err)
		case <-f.closing:
			err = problem(api.ProblemBusy, "the service is shutting down")
		case <-ctx.Done():
			return nil
		}
		if err != nil {
			return f.sse.end(err)
		}
	}
}

// check says what is wrong with the request before anything is sent.
func (f *follow) check(ctx context.Context) error {
	req := f.req
	req.From, req.To = time.Unix(0, 0), time.Unix(0, 1)
	_, err := f.cfg.Search.Search(ctx, f.who.principal, req, search.Page{Limit: 1}, func(*search.Hit) error { return nil })
	return err
}

func (f *follow) ping() error { return f.sse.send("ping", "", struct{}{}) }

func (f *follow) tick(ctx context.Context) error {
	if !f.gate.still(f.who) {
		return problem(api.ProblemUnauthorized, "the token is not in force any more")
	}
	f.ticks++
	switch {
	case f.ticks == 1 && f.after != nil:
		if err := f.catchUp(ctx); err != nil {
			return err
		}
	case f.ticks == 2:
		f.sent = nil
	}
	return f.ping()
}

// listen hands on what comes until the tail ends.
func (f *follow) listen(ctx context.Context) {
	err := f.cfg.Search.Tail(ctx, f.who.principal, f.req, func(h *search.Hit) error {
		select {
		case f.live <- h:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	select {
	case f.ended <- err:
	case <-ctx.Done():
	}
}

// begin finds the event to begin behind, and sends what is filed behind it.
func (f *follow) begin(ctx context.Context, after string) error {
	if !isID(after) {
		p := problem(api.ProblemParameter, "after: that is no id of an event")
		p.Parameter = "after"
		return p
	}
	last, err := f.cfg.Search.Get(ctx, f.who.principal, after)
	if errors.As(err, new(search.NotFound)) {
		return f.lagged(0, "the event to begin behind is not stored any more; what came since may be missing")
	}
	if err != nil {
		return err
	}
	f.after, f.sent = last, map[string]bool{}
	return f.catchUp(ctx)
}

// lagged tells that events were passed over.
func (f *follow) lagged(n uint64, why string) error {
	return f.sse.send("lagged", "", api.Lagged{Events: n, Why: why})
}

// catchUp sends what is stored of what the search finds and is filed behind an event.
func (f *follow) catchUp(ctx context.Context) error {
	missed, all, err := f.behind(ctx, f.after)
	if err != nil {
		return err
	}
	if !all {
		if err := f.lagged(0, "more events were missed than a tail gives; search for the others"); err != nil {
			return err
		}
	}
	for _, e := range slices.Backward(missed) {
		if err := f.tell(e); err != nil {
			return err
		}
	}
	return nil
}

// tell sends an event, if it was not sent before.
func (f *follow) tell(e told) error {
	if f.sent[e.id] {
		return nil
	}
	if f.sent != nil {
		f.sent[e.id] = true
	}
	return f.sse.text(e.kind, e.id, e.data)
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
	err = f.heavy(ctx, func(ctx context.Context) (err error) {
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

// event sends what has just come.
func (f *follow) event(h *search.Hit) error {
	e, err := tellingOf(h)
	if err != nil {
		return err
	}
	return f.tell(e)
}

// over goes on where the searcher ended the tail since it was read too slowly. How many
// events went by is told only to one who may see all of them: they are counted before
// anybody looks at what they are.
func (f *follow) over(ctx context.Context, err error) error {
	var slow search.Lagged
	if !errors.As(err, &slow) {
		return err
	}
	f.counts.lagged.Add(slow.Missed)
	n := uint64(0)
	if f.who.principal.Scope.All {
		n = slow.Missed
	}
	go f.listen(ctx)
	return f.lagged(n, "events came faster than they were read; search for those that are missing, or ask for less")
}
