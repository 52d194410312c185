package ingest

import (
	"fmt"
	"math"
	"time"

	"golang.org/x/time/rate"
)

// RateLimited says that a cluster has sent more than it may; nothing of the body was
// stored: HTTP 429.
type RateLimited struct {
	RetryAfter time.Duration // when it may send again
}

// Error implements error.
func (e RateLimited) Error() string {
	return fmt.Sprintf("ingest: the cluster sends more events than it may; try again in %v", e.RetryAfter)
}

// rateLimit is how many events a cluster may send. A body with more events than fit
// into a burst is taken when nothing is owed, and owed for: else it never could be
// sent. nil limits nothing.
type rateLimit struct {
	limiter *rate.Limiter
}

func newRateLimit(perSecond float64, burst int) *rateLimit {
	if !(perSecond > 0) || math.IsInf(perSecond, 1) {
		return nil
	}
	if burst <= 0 {
		burst = int(min(math.Ceil(perSecond), math.MaxInt32))
	}
	return &rateLimit{rate.NewLimiter(rate.Limit(perSecond), burst)}
}

// check tells whether anything may come, before the work is done to see what.
func (r *rateLimit) check(now time.Time) error {
	if r == nil {
		return nil
	}
	return r.wait(now, 1)
}

// wait tells how long it takes until n events may come, which is not more than a burst.
func (r *rateLimit) wait(now time.Time, n int) error {
	missing := float64(n) - r.limiter.TokensAt(now)
	if missing <= 0 {
		return nil
	}
	seconds := missing / float64(r.limiter.Limit())
	return RateLimited{RetryAfter: time.Duration(min(seconds, math.MaxInt32) * float64(time.Second))}
}

// take lets n events pass, or none.
func (r *rateLimit) take(now time.Time, n int) error {
	if r == nil || n == 0 {
		return nil
	}
	first := min(n, r.limiter.Burst())
	if err := r.wait(now, first); err != nil {
		return err
	}
	r.pay(now, n)
	return nil
}

// pay lets n events pass that are let in already.
func (r *rateLimit) pay(now time.Time, n int) {
	if r == nil {
		return
	}
	for n > 0 { // the limiter takes no more than a burst at once
		part := min(n, r.limiter.Burst())
		r.limiter.ReserveN(now, part)
		n -= part
	}
}
