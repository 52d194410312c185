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

// heavy runs what reads many events: in its turn, and within a time.
func (c *call) heavy(ctx context.Context, timeout time.Duration, f func(ctx context.Context) error) error {
	if !c.queries.take(ctx, c.cfg.Limits.Wait) {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.counts.heavyRefused.Add(1)
		return problem(api.ProblemBusy, "too many queries are running; ask again in some seconds")
	}
	defer c.queries.free()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return f(ctx)
}
