package web

import (
	"context"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
)

// places are how many may do something at once.
type places chan struct{}

func newPlaces(n int) places { return make(places, n) }

// take waits for a place. It tells whether it got one; then free gives it back.
func (p places) take(ctx context.Context, wait time.Duration) bool {
	select {
	case p <- struct{}{}:
		return true
	default:
	}
	if wait <= 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	select {
	case p <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p places) free() { <-p }

// heavy runs what reads many events for one answer: in its turn, and within a time.
func (c *call) heavy(ctx context.Context, f func(ctx context.Context) error) error {
	return c.inTurn(ctx, c.queries, c.cfg.Limits.Timeout, f)
}

// stream runs what reads events for a stream of lines. Streams have places of their own:
// they last, and must not keep out those who ask for a page.
func (c *call) stream(ctx context.Context, f func(ctx context.Context) error) error {
	return c.inTurn(ctx, c.streams, c.cfg.Limits.Stream, f)
}

func (c *call) inTurn(ctx context.Context, p places, timeout time.Duration, f func(ctx context.Context) error) error {
	if !p.take(ctx, c.cfg.Limits.Wait) {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.counts.heavyRefused.Add(1)
		return problem(api.ProblemBusy, "too many queries are running; ask again in some seconds")
	}
	defer p.free()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return f(ctx)
}
