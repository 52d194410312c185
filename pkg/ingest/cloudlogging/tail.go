package cloudlogging

import (
	"context"
	"errors"
	"io"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging/query"
)

const (
	// buffered is how long Cloud Logging holds entries back to bring them in order.
	buffered = 2 * time.Second
	// waiting is how many answers of a tail wait here. Beyond, Cloud Logging leaves entries out, and says so.
	waiting = 16
	// A tail that lasted is opened again at once; sessions end by themselves after a while.
	lasted    = time.Minute
	tailAgain = time.Minute
	tailLast  = 10 * time.Minute
)

// tailed is an answer of a tail, or its end.
type tailed struct {
	resp *loggingpb.TailLogEntriesResponse
	err  error
}

// tailEnd is the error for a tail from which nothing more comes.
type tailEnd struct{ err error }

func (e *tailEnd) Error() string { return "cloudlogging: the tail has ended: " + e.err.Error() }

func (e *tailEnd) Unwrap() error { return e.err }

// follow takes what a tail brings until it ends; then what came meanwhile is to be read.
func (p *Puller) follow(ctx context.Context) error {
	tailCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	begin := p.cfg.Now()
	p.count(func(s *Status) { s.Tails++ })
	p.tails = p.openTail(tailCtx)
	defer func() { p.tails = nil }()
	err := p.following(ctx)
	var end *tailEnd
	if ctx.Err() != nil || !errors.As(err, &end) {
		return err
	}
	p.tailEnded(end.err, p.cfg.Now().Sub(begin))
	return nil
}

func (p *Puller) following(ctx context.Context) error {
	// What came between the last reading and the begin of the tail.
	if err := p.catchUp(ctx); err != nil {
		return err
	}
	p.mode(ModeTailing)
	p.note(nil)
	tick := time.NewTicker(p.cfg.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case t := <-p.tails:
			if err := p.tailed(ctx, t); err != nil {
				return err
			}
		case <-tick.C:
			if err := p.tend(ctx); err != nil {
				return err
			}
		}
	}
}

// tend does from time to time what a tail does not: it fills gaps, looks a second time, and gives up parts.
func (p *Puller) tend(ctx context.Context) error {
	p.rewind()
	if p.gap {
		if err := p.catchUp(ctx); err != nil {
			return err
		}
	}
	if err := p.sweep(ctx); err != nil {
		return err
	}
	if p.moved {
		p.save(false)
	}
	return p.expire(ctx)
}

// drain takes what a tail has brought while something else is read.
func (p *Puller) drain(ctx context.Context) error {
	for {
		select {
		case t := <-p.tails:
			if err := p.tailed(ctx, t); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// tailed takes an answer of a tail.
func (p *Puller) tailed(ctx context.Context, t tailed) error {
	if t.err != nil {
		return &tailEnd{t.err}
	}
	left := int64(0)
	for _, s := range t.resp.GetSuppressionInfo() {
		left += int64(max(s.GetSuppressedCount(), 1))
	}
	if left > 0 {
		p.opened(left, t.resp.GetSuppressionInfo()[0].GetReason().String())
	}
	if _, err := p.take(ctx, t.resp.GetEntries()); err != nil {
		return err
	}
	if p.cursor.Reading == nil && !p.gap {
		for _, e := range t.resp.GetEntries() {
			p.cursor.Read = later(p.cursor.Read, e.GetReceiveTimestamp().AsTime().Add(-buffered))
		}
	}
	p.save(false)
	return nil
}

// opened notes a gap: read stays where it is until the entries are read.
func (p *Puller) opened(left int64, reason string) {
	p.count(func(s *Status) {
		s.Suppressed += left
		if !p.gap {
			s.Gaps++
		}
	})
	if !p.gap {
		p.cfg.Logger.Warn("cloudlogging: the tail left entries out, which are read instead", "resource", p.cfg.Resource, "entries", left, "reason", reason)
	}
	p.gap = true
}

// openTail opens a tail. Its answers come until the context ends, at the end its error.
func (p *Puller) openTail(ctx context.Context) <-chan tailed {
	out := make(chan tailed, waiting)
	send := func(t tailed) bool {
		select {
		case out <- t:
			return true
		case <-ctx.Done():
			return false
		}
	}
	go func() {
		stream, err := p.cfg.Client.api.TailLogEntries(ctx)
		if err == nil {
			err = stream.Send(&loggingpb.TailLogEntriesRequest{
				ResourceNames: []string{p.cfg.Resource}, Filter: query.Query{User: p.cfg.Filter}.String(), BufferWindow: durationpb.New(buffered),
			})
			if err == io.EOF { // Recv tells why
				err = nil
			}
		}
		for err == nil {
			var resp *loggingpb.TailLogEntriesResponse
			if resp, err = stream.Recv(); err == nil && !send(tailed{resp: resp}) {
				return
			}
		}
		send(tailed{err: err})
	}()
	return out
}

// tailEnded decides when there is a tail again.
func (p *Puller) tailEnded(err error, after time.Duration) {
	p.tailFails++
	code := status.Code(err)
	if after >= lasted && code != codes.PermissionDenied {
		p.tailFails = 0
	}
	wait := time.Duration(0)
	if p.tailFails > 0 {
		first := tailAgain
		if p.cfg.Backoff > 0 {
			first = p.cfg.Backoff
		}
		wait = min(first<<min(p.tailFails-1, 10), tailLast)
		p.count(func(s *Status) { s.TailFails++ })
	}
	p.tailAt = p.cfg.Now().Add(wait)
	p.cfg.Logger.Info("cloudlogging: the tail has ended; the log is read instead", "resource", p.cfg.Resource, "again_in", wait, "error", err)
}
