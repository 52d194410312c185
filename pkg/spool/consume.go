package spool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	fetchBatch   = 32              // messages asked for at once
	deliverBytes = 4 << 20         // a delivery is as many messages as exceed this, uncompressed
	idleWait     = 2 * time.Second // how long a request for messages stands
	leastBackoff = 100 * time.Millisecond
	mostBackoff  = 30 * time.Second
)

// errGap says that the server has delivered messages that did not arrive: the client
// gave up a request, on a busy machine, a moment before they came. They would come
// again when AckWait is over, behind newer ones.
var errGap = errors.New("messages were delivered and did not arrive")

// Delivery is what a consumer's handler gets: records in the order of the log.
type Delivery struct {
	Records     []Record  // at least one; they share memory and must not be written to
	First, Last uint64    // sequences of the messages that hold them
	Stored      time.Time // when the first of them was stored, by the server's clock
	Attempt     int       // 1, and one more each time the same delivery comes again
}

// Handler settles a delivery: what it returns nil for never comes again, but for a
// crash before the cursor has moved. Its context ends with Consume's, with the log, and
// when the store has to be opened anew; then the delivery comes again. Any error brings the delivery back, after the
// time that a Recoverable names or after a growing one; nothing behind it is
// delivered meanwhile. A Permanent makes it a dead letter.
type Handler func(context.Context, Delivery) error

// Barrier is for handlers that are much cheaper when they settle much at once: the
// cursor does not move when the handler returns nil, but when the barrier does after
// it, for all that the handler took until then. A crash between the two brings all
// of that again. Any error of Sync has it called again, after a growing time.
type Barrier struct {
	Sync  func(context.Context) error // settles what the handler took; nil: each delivery is settled by the handler
	Every time.Duration               // it is called at the latest so long after the first delivery behind the last one; below AckWait
	Bytes int                         // or when so many bytes, uncompressed, were taken
}

// Consume hands the log to a handler, from the consumer's cursor on, until the
// context ends or the log is closed, which is no error. One Consume at a time may
// run for each consumer, over all processes that share an external server.
func (l *Log) Consume(ctx context.Context, name string, h Handler) error {
	return l.ConsumeBehind(ctx, name, h, Barrier{})
}

// ConsumeBehind is Consume with a cursor that moves behind a barrier.
func (l *Log) ConsumeBehind(ctx context.Context, name string, h Handler, b Barrier) error {
	if b.Sync != nil && (b.Every <= 0 || b.Every >= l.cfg.AckWait || b.Bytes <= 0) {
		return fmt.Errorf("spool: the barrier of consumer %q needs a time below %v and a number of bytes", name, l.cfg.AckWait)
	}
	if err := l.claim(name); err != nil {
		return err
	}
	defer l.readers.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.stop, cancel)()
	for ctx.Err() == nil {
		r := &reader{log: l, name: name, handler: h, barrier: b, eng: l.engineNow(), hand: map[uint64]jetstream.Msg{}}
		err := r.run(ctx)
		if errors.Is(err, errGap) {
			l.count(func(c *Counters) { c.Gaps++ })
			continue
		}
		if ctx.Err() == nil {
			l.cfg.Logger.Warn("spool: reading is interrupted", "consumer", name, "error", err)
			l.note(name, err)
			pause(ctx, l.cfg.recheck)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.reading, name)
	return nil
}

func (l *Log) claim(name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !slices.Contains(l.cfg.Consumers, name):
		return fmt.Errorf("spool: consumer %q is not configured", name)
	case l.reading[name]:
		return fmt.Errorf("spool: consumer %q is being read already", name)
	case l.stop.Err() != nil:
		return Draining{}
	}
	l.reading[name] = true
	l.readers.Add(1)
	return nil
}

// note keeps a consumer's last trouble for Status; nil is none.
func (l *Log) note(name string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.failures, name)
	if err != nil {
		l.failures[name] = err.Error()
	}
}

// reader reads one consumer over one connection.
type reader struct {
	log     *Log
	name    string
	handler Handler
	barrier Barrier
	eng     *engine

	consumer jetstream.Consumer
	asm      assembler
	hand     map[uint64]jetstream.Msg // delivered to us and not acknowledged, by sequence
	arrived  uint64                   // how many messages came since the reset: the server numbers them
	last     uint64                   // the highest sequence seen
	reached  time.Time                // when it was stored; now, if nothing follows
	settled  uint64                   // the highest sequence acknowledged

	records []Record // of the next delivery
	seqs    []uint64
	bytes   int
	stored  time.Time

	behind behind // the barrier
}

// run reads until the context or the connection ends.
func (r *reader) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-r.eng.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	// What an earlier reader had in hands would come when AckWait is over, behind
	// newer messages. Back to the cursor, so that the order holds.
	if _, err := r.eng.stream.ResetConsumer(ctx, r.name); err != nil {
		return fmt.Errorf("reset to the cursor (a server of 2.14 or later is needed): %w", err)
	}
	var err error
	if r.consumer, err = r.eng.stream.Consumer(ctx, r.name); err != nil {
		return err
	}
	r.asm.limit = r.log.cfg.MaxRecord + 16
	for ctx.Err() == nil {
		msgs, err := r.fetch(ctx)
		if err == nil && len(msgs) == 0 {
			err = r.idle(ctx)
		}
		if err == nil {
			err = r.settleDue(ctx)
		}
		if err != nil {
			return err
		}
		if err := r.takeAll(ctx, msgs); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// fetch returns what is there, or the first that comes within idleWait.
func (r *reader) fetch(ctx context.Context) ([]jetstream.Msg, error) {
	batch, err := r.consumer.FetchNoWait(fetchBatch)
	if err != nil {
		return nil, err
	}
	if msgs := slices.Collect(all(batch)); len(msgs) > 0 {
		return msgs, nil
	}
	wait, cancel := context.WithTimeout(ctx, r.patience())
	defer cancel()
	if batch, err = r.consumer.Fetch(1, jetstream.FetchContext(wait)); err != nil {
		return nil, err
	}
	msgs := slices.Collect(all(batch))
	if err := batch.Error(); err != nil && len(msgs) == 0 && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	return msgs, nil
}

// idle looks, when nothing comes, whether the server thinks that we have more in
// hands than we do.
func (r *reader) idle(ctx context.Context) error {
	r.reached = r.log.cfg.Now()
	info, err := r.consumer.Info(ctx)
	if err != nil {
		return err
	}
	if info.NumAckPending > len(r.hand) {
		return errGap
	}
	return nil
}

func all(b jetstream.MessageBatch) func(func(jetstream.Msg) bool) {
	return func(yield func(jetstream.Msg) bool) {
		for m := range b.Messages() {
			if !yield(m) {
				return
			}
		}
	}
}

// takeAll delivers the records of messages, and settles what needs no delivery.
func (r *reader) takeAll(ctx context.Context, msgs []jetstream.Msg) error {
	metas := make([]*jetstream.MsgMetadata, len(msgs))
	for i, m := range msgs {
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		metas[i] = meta
		r.hand[meta.Sequence.Stream] = m
	}
	for i, m := range msgs {
		if r.arrived++; metas[i].Sequence.Consumer != r.arrived {
			return errGap
		}
		if err := r.take(ctx, metas[i], m.Data()); err != nil {
			return err
		}
		if r.bytes >= deliverBytes {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	return r.discard(ctx, r.asm.dropIf(r.torn))
}

func (r *reader) take(ctx context.Context, meta *jetstream.MsgMetadata, data []byte) error {
	seq := meta.Sequence.Stream
	if seq <= r.settled && meta.NumDelivered > 1 && !r.missing(seq) {
		return r.ack(ctx, seq) // settled, but the server did not hear of it in time
	}
	if seq > r.last {
		r.last, r.reached = seq, meta.Timestamp
	}
	p, err := r.asm.add(seq, meta.Timestamp, data)
	if len(p.torn) > 0 {
		if err := r.discard(ctx, p.torn); err != nil {
			return err
		}
	}
	switch {
	case errors.As(err, new(unknownVersion)):
		return err // to be read by the program that knows it
	case err != nil:
		if err := r.flush(ctx); err != nil {
			return err
		}
		return r.unreadable(ctx, p.seqs, meta.Timestamp, data, err)
	case len(p.records) == 0:
		return r.ack(ctx, p.seqs...) // chunks to come, or an empty group
	}
	if len(r.records) == 0 {
		r.stored = meta.Timestamp
	}
	r.records = append(r.records, p.records...)
	r.seqs = append(r.seqs, p.seqs...)
	for i := range p.records {
		r.bytes += sizeHint(&p.records[i])
	}
	return nil
}

// missing tells whether a message belongs to a record that is not complete.
func (r *reader) missing(seq uint64) bool {
	for _, part := range r.asm.parts {
		if slices.Contains(part.seqs, seq) {
			return true
		}
	}
	return false
}

// torn tells whether nobody will complete a record: its writer is of an earlier run
// of this store, or was silent for long by the log's own time. A writer that writes
// on is found out by assembler.add.
func (r *reader) torn(writer uint64, since time.Time) bool {
	if r.log.cfg.Dir != "" && writer != r.log.writer && r.last >= r.log.opened {
		return true
	}
	return r.reached.Sub(since) > r.log.cfg.TornAfter
}

// discard acknowledges the chunks of torn records, which no Append answered for.
func (r *reader) discard(ctx context.Context, seqs []uint64) error {
	if len(seqs) == 0 {
		return nil
	}
	r.log.cfg.Logger.Warn("spool: chunks of a record that was never completed are discarded", "consumer", r.name, "first", seqs[0], "chunks", len(seqs))
	r.log.count(func(c *Counters) { c.TornChunks += uint64(len(seqs)) })
	return r.ack(ctx, seqs...)
}

// ack acknowledges messages and waits for the server's word on the last.
func (r *reader) ack(ctx context.Context, seqs ...uint64) error {
	for i, seq := range seqs {
		m := r.hand[seq]
		if m == nil {
			continue
		}
		var err error
		if i < len(seqs)-1 {
			err = m.Ack()
		} else {
			err = m.DoubleAck(ctx)
		}
		if err != nil {
			return fmt.Errorf("acknowledge %d: %w", seq, err)
		}
		delete(r.hand, seq)
		r.settled = max(r.settled, seq)
	}
	return nil
}
