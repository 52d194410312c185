package cloudlogging

import (
	"context"
	"errors"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"

	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

const (
	firstTake = 100 * time.Millisecond
	lastTake  = 30 * time.Second
)

// take has entries stored that were not seen yet, and returns how many these are. It ends early with the context only.
func (p *Puller) take(ctx context.Context, entries []*loggingpb.LogEntry) (fresh int, err error) {
	now := p.cfg.Now()
	var c converted
	var newest time.Time
	again := 0
	for _, e := range entries {
		k := keyOf(e)
		if p.seen.has(k) {
			again++
			continue
		}
		fresh++
		received := e.GetReceiveTimestamp().AsTime()
		p.seen.add(k, received)
		newest = later(newest, received)
		if !isPart(e) {
			c.whole(e)
		} else if all := p.parts.add(e, now); all != nil {
			c.together(all)
		}
	}
	p.count(func(s *Status) {
		s.Entries += int64(fresh)
		s.Again += int64(again)
		if newest.After(s.Newest) {
			s.Newest, s.Latency = newest, now.Sub(newest)
		}
	})
	return fresh, p.give(ctx, &c)
}

// expire gives up waiting for parts that do not come.
func (p *Puller) expire(ctx context.Context) error {
	due := p.parts.due(p.cfg.Now().Add(-min(p.cfg.Overlap, longestParts)))
	if len(due) == 0 {
		return nil
	}
	var c converted
	for _, entries := range due {
		c.together(entries)
	}
	return p.give(ctx, &c)
}

// give hands over what was converted, until it is taken.
func (p *Puller) give(ctx context.Context, c *converted) error {
	p.count(func(s *Status) {
		s.Others += c.others
		s.Truncated += c.truncated
	})
	if len(c.events)+len(c.refused) == 0 {
		return nil
	}
	g := ingest.Given{Source: Source, Received: p.cfg.Now(), Events: c.events, Refused: c.refused}
	for tries := 0; ; tries++ {
		r, err := p.cfg.Taker.TakeGiven(ctx, g)
		if err == nil {
			if tries > 0 {
				p.note(nil)
			}
			p.count(func(s *Status) {
				s.Events += int64(r.Events)
				s.Known += int64(r.Known)
				s.Dead += int64(r.Dead)
			})
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		p.count(func(s *Status) { s.Retries++ })
		p.note(err)
		if err := pause(ctx, takeAgain(err, tries)); err != nil {
			return err
		}
	}
}

// takeAgain is when to ask a taker again.
func takeAgain(err error, tries int) time.Duration {
	var full spool.Full
	var limited ingest.RateLimited
	switch {
	case errors.As(err, &full) && full.RetryAfter > 0:
		return full.RetryAfter
	case errors.As(err, &limited) && limited.RetryAfter > 0:
		return min(limited.RetryAfter, lastTake)
	}
	return min(firstTake<<min(tries, 10), lastTake)
}
