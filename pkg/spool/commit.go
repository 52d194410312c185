package spool

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/kubewitness/kubewitness/pkg/failpoint"
)

// maxFlights is how many messages are under way at most: one that the disk is busy
// with, and one that stands ready. More of them would only be smaller groups.
const maxFlights = 2

// errGone says that the connection to the store was given up under a write.
var errGone = errors.New("the store was closed during the write")

// flight is a message under way, or all chunks of a record, and whom it carries.
type flight struct {
	items []*pending
	acks  []jetstream.PubAckFuture
	err   error // of handing it to the client
	gone  <-chan struct{}
}

// commit writes the queue: what comes in while a message is under way goes into the
// next one, GroupWait later at most.
func (l *Log) commit() {
	flying, landed := 0, make(chan struct{}, maxFlights)
	for l.queue.wait() {
		if flying > 0 {
			flying = l.gather(flying, landed)
		}
		e := l.engineNow()
		limit := e.maxPayload(&l.cfg)
		items := l.queue.next(limit)
		if len(items) == 0 {
			continue
		}
		f := l.launch(e, items, limit)
		flying++
		l.flights.Go(func() {
			l.land(f)
			landed <- struct{}{}
		})
	}
}

// gather waits for the message under way to land, GroupWait at most unless there
// are too many, and returns how many still fly.
func (l *Log) gather(flying int, landed <-chan struct{}) int {
	timer := time.NewTimer(l.cfg.GroupWait)
	defer timer.Stop()
	select {
	case <-landed:
		flying--
	case <-timer.C:
	}
	for flying == maxFlights {
		<-landed
		flying--
	}
	return flying
}

// launch hands records to the client.
func (l *Log) launch(e *engine, items []*pending, limit int) *flight {
	f := &flight{items: items, gone: e.gone}
	ms := messages(l.writer, items, limit, l.nextChunked)
	for _, m := range ms {
		ack, err := e.js.PublishMsgAsync(&nats.Msg{Subject: l.cfg.subject(), Data: m}, jetstream.WithRetryAttempts(0))
		if err != nil {
			f.err = fmt.Errorf("publish: %w", err)
			break
		}
		f.acks = append(f.acks, ack)
	}
	l.count(func(c *Counters) {
		c.Messages += uint64(len(ms))
		if len(ms) > 1 {
			c.Chunked++
		}
	})
	return f
}

// land waits until the store has answered for all of a flight and tells its records.
func (l *Log) land(f *flight) {
	var seq uint64
	err := f.err
	for i, ack := range f.acks {
		select {
		case a := <-ack.Ok():
			seq = a.Sequence
			if i < len(f.acks)-1 {
				failpoint.Hit("chunk")
			}
		case e := <-ack.Err():
			err = errors.Join(err, e)
		case <-f.gone:
			err = errors.Join(err, errGone)
		}
	}
	l.queue.written(f.items...)
	if err != nil {
		err = l.storeError(err)
	} else {
		l.ledger.stored(seq, f.items)
	}
	for _, p := range f.items {
		p.done <- err
	}
}

// refused are the server's codes for having no room: of the account and of the server.
var refused = []jetstream.ErrorCode{
	jetstream.ErrorCode(server.JSAccountResourcesExceededErr),
	jetstream.ErrorCode(server.JSInsufficientResourcesErr),
	jetstream.ErrorCode(server.JSStorageResourcesExceededErr),
}

// storeError turns the error of a publish into one of ours.
func (l *Log) storeError(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && (api.Description == server.ErrMaxBytes.Error() || slices.Contains(refused, api.ErrorCode)) {
		return Full{Reason: FullLog, Detail: api.Description, RetryAfter: l.cfg.RetryAfter}
	}
	if errors.Is(err, jetstream.ErrAsyncPublishTimeout) {
		l.kick()
	}
	return Unknown{Cause: err}
}
