package spool

import (
	"context"
	"time"

	"github.com/kubewitness/kubewitness/pkg/failpoint"
)

// behind is what a handler took and its barrier has not settled yet.
type behind struct {
	seqs  []uint64
	bytes int
	since time.Time // when the first of it was taken
}

func (b *behind) add(seqs []uint64, bytes int, now time.Time) {
	if len(b.seqs) == 0 {
		b.since = now
	}
	b.seqs = append(b.seqs, seqs...)
	b.bytes += bytes
}

// patience is how long to wait for messages: not longer than until the barrier is due.
func (r *reader) patience() time.Duration {
	if len(r.behind.seqs) == 0 {
		return idleWait
	}
	left := r.barrier.Every - r.log.cfg.Now().Sub(r.behind.since)
	return min(idleWait, drainWait, max(left, time.Millisecond))
}

// drainWait is how soon a reader with something behind its barrier notices that the log
// drains.
const drainWait = 100 * time.Millisecond

// settleDue calls the barrier if it is due, and moves the cursor behind it. When the log
// drains it is due at once: what is settled then does not come again after the next start.
func (r *reader) settleDue(ctx context.Context) error {
	b := &r.behind
	early := b.bytes < r.barrier.Bytes && r.log.cfg.Now().Sub(b.since) < r.barrier.Every
	if len(b.seqs) == 0 || early && !r.log.drains() {
		return nil
	}
	if err := r.hold(ctx, func() error { return r.sync(ctx) }); err != nil {
		return err
	}
	failpoint.Hit("synced")
	if err := r.ack(ctx, b.seqs...); err != nil {
		return err
	}
	*b = behind{}
	return nil
}

func (l *Log) drains() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.draining
}

// sync returns nil when the barrier did, and an error only when the context ends.
func (r *reader) sync(ctx context.Context) error {
	for backoff := leastBackoff; ; backoff = min(2*backoff, mostBackoff) {
		err := r.barrier.Sync(ctx)
		r.log.note(r.name, err)
		if err == nil {
			return nil
		}
		if !pause(ctx, backoff) {
			return ctx.Err()
		}
		r.log.count(func(c *Counters) { c.Redelivered++ })
	}
}
