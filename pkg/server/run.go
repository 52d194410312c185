package server

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errPoisoned ends a service whose disk failed an fsync: only a restart knows what
// is on it.
var errPoisoned = errors.New("the durable log is broken; after a restart it has all that was acknowledged")

// Run serves until the context ends, then drains, and returns nil; or the error
// that ended it. It closes the service.
func (s *Server) Run(ctx context.Context) error {
	if limit := limitMemory(s.caches()); limit > 0 {
		s.logger.Info("memory limit", "bytes", limit)
	}
	outputs := newGroup(context.Background()) // they outlive the sources
	defer outputs.end(nil)
	sources := newGroup(ctx)
	for _, f := range s.feeds {
		outputs.run("output "+f.sink.Name(), func(ctx context.Context) error { return f.run(ctx, s.log) })
	}
	if s.correlator != nil {
		outputs.run("correlate", func(ctx context.Context) error { return s.correlator.run(ctx, s.log, s.cfg.Spool.AckWait) })
	}
	if s.site != nil {
		outputs.run("http", s.site.serve)
	}
	s.runReloads(sources)
	sources.run("ledger", s.expire)
	for _, t := range s.tails {
		sources.run("tail of "+t.file, t.run)
	}
	for _, p := range s.pulls {
		sources.run("cloudlogging", p.run)
	}
	for _, p := range s.pushes {
		sources.run("pubsub", p.run)
	}
	sources.run("spool", func(ctx context.Context) error {
		select {
		case <-s.log.Poisoned():
			return fmt.Errorf("%w: %w", errPoisoned, s.log.Fault())
		case <-ctx.Done():
			return nil
		}
	})
	if s.hook != nil {
		sources.run("webhook", s.hook.serve)
	}
	if s.reviews != nil {
		sources.run("admission", s.reviews.serve)
		s.heart.begin()
		sources.run("heartbeat", s.heart.run)
	}
	if err := s.light(); err != nil {
		s.logger.Warn("nobody can find this service by its data folder", "error", err)
	}
	s.health.enter(serving)
	s.logger.Info("serving", "webhook", s.WebhookAddr(), "admission", s.AdmissionAddr(), "http", s.HTTPAddr(), "rules", s.judge.Rules().Enabled(), "outputs", len(s.feeds), "tails", len(s.tails))

	select {
	case <-sources.ctx.Done():
	case <-outputs.ctx.Done():
		sources.end(context.Cause(outputs.ctx))
	}
	return s.drain(ctx, sources, outputs)
}

// drain ends the service in order. Its error is the one that ended the service.
func (s *Server) drain(ctx context.Context, sources, outputs *group) error {
	var ended error
	if ctx.Err() == nil {
		ended = context.Cause(sources.ctx)
		s.logger.Error("ending", "error", ended)
	} else {
		s.logger.Info("draining")
	}
	s.health.enter(draining)
	sources.work.Wait() // the webhook answers what is under way
	s.heart.end(ended == nil)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if err := s.log.Drain(closing); err != nil {
		s.logger.Warn("some requests were not answered", "error", err)
	}
	if ended == nil {
		s.settle(closing)
	}
	outputs.end(nil)
	err := s.Close()
	outputs.work.Wait()
	if ended == nil && err != nil {
		return err
	}
	if ended == nil {
		s.logger.Info("ended")
	}
	return ended
}

// settle gives outputs a moment for what the log holds. Nothing hangs on it: what
// is left comes after the next start.
func (s *Server) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		st, err := s.log.Status(ctx)
		if err != nil {
			return
		}
		var left uint64
		for _, c := range st.Consumers {
			left = max(left, c.Pending)
		}
		if left == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.logger.Info("outputs have not caught up; they go on after the next start", "messages", left)
			return
		}
	}
}

// runReloads loads again what has changed: rules when their files change and when
// somebody asks; certificates and tokens are watched by the webhook.
func (s *Server) runReloads(g *group) {
	if s.watch != nil {
		g.run("watch", func(ctx context.Context) error {
			s.watch.Run(ctx, func([]string) {
				s.rules.reload("files changed")
				if s.reviews != nil {
					s.reviews.rebuild()
				}
			})
			return nil
		})
	}
	g.run("reload", func(ctx context.Context) error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-s.opt.Reload:
				s.rules.reload("asked for")
				s.reopen()
				if s.hook != nil {
					s.hook.reload()
				}
				if s.reviews != nil {
					s.reviews.reload()
				}
				if s.site != nil {
					s.site.reload()
				}
			}
		}
	})
}

// expire lets the ledger find what the webhook lost also when nothing comes in.
func (s *Server) expire(ctx context.Context) error {
	tick := time.NewTicker(min(time.Minute, s.cfg.Webhook.Patience/4))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			s.ledger.Expire()
		}
	}
}
