package spool

import (
	"context"
	"errors"
	"time"

	"github.com/kubewitness/kubewitness/pkg/failpoint"
)

// flush delivers the records that were collected until they are settled, and
// acknowledges their messages.
func (r *reader) flush(ctx context.Context) error {
	if len(r.records) == 0 {
		return nil
	}
	d := Delivery{Records: r.records, First: r.seqs[0], Last: r.seqs[len(r.seqs)-1], Stored: r.stored}
	err := r.hold(ctx, func() error { return r.deliver(ctx, d) })
	if err != nil {
		return err
	}
	failpoint.Hit("settled")
	if r.barrier.Sync != nil {
		r.behind.add(r.seqs, r.bytes, r.log.cfg.Now())
		err = r.settleDue(ctx)
	} else {
		err = r.ack(ctx, r.seqs...)
	}
	if err != nil {
		return err
	}
	r.records, r.seqs, r.bytes = nil, nil, 0
	return nil
}

// hold runs f and tells the server meanwhile that the messages in hand are being
// worked on, however long it takes.
func (r *reader) hold(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for pause(ctx, r.log.cfg.AckWait/3) {
			for _, m := range r.hand {
				_ = m.InProgress() // else it comes again
			}
		}
	}()
	defer func() {
		cancel()
		<-ended
	}()
	return f()
}

// deliver returns nil when a delivery is settled, and an error only when the context
// ends.
func (r *reader) deliver(ctx context.Context, d Delivery) error {
	backoff := leastBackoff
	for d.Attempt = 1; ; d.Attempt++ {
		err := r.handler(ctx, d)
		r.log.note(r.name, err)
		if err == nil {
			r.log.count(func(c *Counters) { c.Delivered += uint64(len(d.Records)) })
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var permanent Permanent
		if errors.As(err, &permanent) {
			return r.reject(ctx, d, permanent)
		}
		wait := backoff
		var again Recoverable
		if errors.As(err, &again) && again.After > 0 {
			wait = again.After
		}
		if !pause(ctx, wait) {
			return ctx.Err()
		}
		backoff = min(2*backoff, mostBackoff)
		r.log.count(func(c *Counters) { c.Redelivered++ })
	}
}

// reject makes a record a dead letter, and several come again one by one first.
func (r *reader) reject(ctx context.Context, d Delivery, why Permanent) error {
	if len(d.Records) == 1 {
		return r.die(ctx, Dead{Consumer: r.name, Reason: why.Err.Error(), Seq: d.First, Record: d.Records[0]})
	}
	for i := range d.Records {
		one := d
		one.Records = d.Records[i : i+1]
		if err := r.deliver(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

// unreadable makes a message that is not one of ours, or was damaged, a dead letter.
func (r *reader) unreadable(ctx context.Context, seqs []uint64, at time.Time, data []byte, why error) error {
	dead := Dead{Consumer: r.name, Reason: why.Error(), Seq: seqs[0], Record: Record{
		Kind: KindUnreadable, Received: at.UTC(),
		Dead: []DeadLetter{{Reason: why.Error(), Raw: data, Size: uint64(len(data))}},
	}}
	if err := r.hold(ctx, func() error { return r.die(ctx, dead) }); err != nil {
		return err
	}
	return r.ack(ctx, seqs...)
}

// die hands a dead letter over, until it is taken.
func (r *reader) die(ctx context.Context, d Dead) error {
	for backoff := leastBackoff; ; backoff = min(2*backoff, mostBackoff) {
		err := r.log.Bury(ctx, d)
		if err == nil {
			return nil
		}
		r.log.cfg.Logger.Error("spool: a dead letter is not taken", "consumer", r.name, "sequence", d.Seq, "error", err)
		r.log.note(r.name, err)
		if !pause(ctx, backoff) {
			return ctx.Err()
		}
	}
}
