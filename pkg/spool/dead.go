package spool

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// KindUnreadable is the Kind of a record that stands for a message that cannot be
// read; the message is the record's only dead letter.
const KindUnreadable = "spool.unreadable"

// Headers of the messages that hold dead letters.
const (
	headerConsumer = "Kw-Consumer"
	headerReason   = "Kw-Reason"
	headerSeq      = "Kw-Sequence"
)

// Dead is a record that a consumer could not settle and never will, or what came
// in and is no event.
type Dead struct {
	Consumer string    // "": it came in like this
	Reason   string    // the handler's error, or the first reason in the record
	Seq      uint64    // sequence of the record's message in the log; 0: it never was in there
	Buried   time.Time // when it was kept; set by DeadLetters
	Record   Record
}

// Bury keeps a dead letter of a consumer that settles parts of records by itself. Seq is
// of no account. The error is that of one attempt.
func (l *Log) Bury(ctx context.Context, d Dead) error {
	take := l.cfg.OnDead
	if take == nil {
		take = l.bury
	}
	if err := take(ctx, d); err != nil {
		return err
	}
	l.count(func(c *Counters) { c.DeadLetters++ })
	return nil
}

// bury keeps a dead letter beside the log.
func (l *Log) bury(ctx context.Context, d Dead) error {
	e := l.engineNow()
	p, err := newPending(&d.Record, 2*l.cfg.MaxRecord)
	if err != nil {
		return err
	}
	header := nats.Header{}
	header.Set(headerConsumer, d.Consumer)
	header.Set(headerReason, oneLine(d.Reason, 1000))
	header.Set(headerSeq, strconv.FormatUint(d.Seq, 10))
	for _, m := range messages(l.writer, []*pending{p}, e.maxPayload(&l.cfg), l.nextChunked) {
		msg := &nats.Msg{Subject: l.cfg.deadSubject(), Header: header, Data: m}
		if _, err := e.js.PublishMsg(ctx, msg); err != nil {
			return fmt.Errorf("spool: keep a dead letter: %w", err)
		}
	}
	return nil
}

// oneLine makes text fit for a header.
func oneLine(s string, limit int) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "..."
	}
	return s
}

// DeadLetters calls f for each dead letter that is kept, oldest first, until it
// returns an error, which DeadLetters returns.
func (v *View) DeadLetters(ctx context.Context, f func(Dead) error) error {
	stream, err := v.eng.js.Stream(ctx, v.cfg.deadStream())
	if err != nil {
		return fmt.Errorf("spool: stream %s: %w", v.cfg.deadStream(), err)
	}
	return v.records(ctx, stream, v.cfg.deadSubject(), func(m stored) error {
		if m.err != nil {
			return fmt.Errorf("spool: dead letter %d: %w", m.seq, m.err)
		}
		seq, _ := strconv.ParseUint(m.header.Get(headerSeq), 10, 64) // 0: somebody else's message
		for _, r := range m.records {
			d := Dead{Consumer: m.header.Get(headerConsumer), Reason: m.header.Get(headerReason), Seq: seq, Buried: m.at, Record: r}
			if err := f(d); err != nil {
				return err
			}
		}
		return nil
	})
}
