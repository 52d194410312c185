package pubsub

import (
	"errors"
	"time"

	"github.com/kubewitness/kubewitness/pkg/failpoint"
	"github.com/kubewitness/kubewitness/pkg/ingest"
)

// Backing off from the intake.
const (
	leastRetry = 100 * time.Millisecond
	mostRetry  = 5 * time.Second
)

// deliver stores a lot and settles its messages. A log that takes nothing holds everything up, as it should; a cluster that
// has sent more than it may holds up what is its own only, as long as there is room for others.
func (f *flow) deliver(l *lot) {
	err := f.attempt(l)
	if !errors.As(err, new(ingest.RateLimited)) {
		f.persist(l, err)
		return
	}
	f.apart.Go(func() { f.persist(l, err) })
}

// attempt asks once.
func (f *flow) attempt(l *lot) error {
	r, err := f.s.cfg.Taker.TakeGiven(f.taking, l.given)
	if err != nil {
		f.s.count(func(c *Status) { c.Retries++ })
		if !errors.As(err, new(ingest.RateLimited)) { // which is one cluster's, and counted
			f.s.note(storing, err)
		}
		return err
	}
	failpoint.Hit("pubsub/stored")
	f.s.count(func(c *Status) {
		c.Events += int64(r.Events)
		c.Known += int64(r.Known)
		c.Dead += int64(len(l.given.Refused))
		c.Truncated += int64(l.truncated)
	})
	f.s.note(storing, nil)
	f.s.ack(f, l.messages)
	return nil
}

// persist tries again after an error, until the lot is stored, or it has been kept for long enough.
func (f *flow) persist(l *lot, err error) {
	for failures := 0; err != nil; failures++ {
		wait := min(leastRetry<<min(failures, 10), mostRetry)
		if limited := (ingest.RateLimited{}); errors.As(err, &limited) {
			wait = max(wait, limited.RetryAfter)
		}
		left := f.s.cfg.Hold - f.s.cfg.Now().Sub(l.begun)
		if left < wait || !pause(f.stop, wait) {
			f.s.nack(f, l.messages)
			return
		}
		err = f.attempt(l)
	}
}
