package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
)

// Names of the notices of a tail.
const (
	noticeEvent     = "event"
	noticeDetection = "detection" // an event that a rule fired on
	noticeLagged    = "lagged"
	noticeError     = "error"
)

// Times to wait before the connection of a tail is taken up again: the first, doubled
// each time up to the longest.
const (
	firstWait   = time.Second
	longestWait = 30 * time.Second
)

// Follow says what to do with what a tail gives. Event ends the tail with its error.
type Follow struct {
	Event  func(*api.Event) error
	Lagged func(api.Lagged)                      // events were passed over; may be nil
	Lost   func(cause error, wait time.Duration) // the connection is taken up again after this time; may be nil
}

// Tail gives events as they are stored, from now on, until the context ends or the
// service refuses. A connection that is lost is taken up again where it broke off, as
// far as the service can; the first one has to come about.
func (c *Client) Tail(ctx context.Context, q Query, f Follow) error {
	t := &tail{client: c, query: q, follow: f}
	pause := firstWait
	for {
		seen := t.seen
		err := t.connection(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case t.ended || !t.connected || !again(err):
			return err
		case t.seen != seen:
			pause = firstWait
		}
		wait := max(pause, t.retry, afterOf(err))
		if f.Lost != nil {
			f.Lost(err, wait)
		}
		if err := c.wait(ctx, wait); err != nil {
			return err
		}
		pause = min(2*pause, longestWait)
	}
}

// again reports whether a tail that ended so is worth another try.
func again(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Again()
	}
	return errors.As(err, new(Incomplete)) || errors.As(err, new(Unreachable))
}

func afterOf(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// tail is a tail over its connections.
type tail struct {
	client    *Client
	query     Query
	follow    Follow
	last      string // id of the last notice
	retry     time.Duration
	seen      int  // notices that were no errors
	connected bool // once, at least
	ended     bool // by the one who reads
}

// silence is how long a tail waits for anything to come; the service sends a ping
// every 15 seconds.
const silence = time.Minute

var errSilent = errors.New("nothing came for too long")

// connection reads one connection to its end, and says why it ended.
func (t *tail) connection(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(t.client.silence, func() { cancel(Incomplete{errSilent}) })
	defer watchdog.Stop()
	k := call{method: http.MethodGet, path: "tail", query: t.query.values(), accept: "text/event-stream", header: http.Header{}}
	if t.last != "" {
		k.header.Set("Last-Event-ID", t.last)
	}
	res, err := t.client.send(ctx, k)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	t.connected = true
	from := newNotices(res.Body)
	for {
		n, err := from.next()
		watchdog.Reset(t.client.silence)
		t.retry = from.retry
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // a tail has no end
		}
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return Incomplete{err}
		}
		if from.id != "" {
			t.last = from.id
		}
		if err := t.take(n); err != nil {
			return err
		}
		t.seen++
	}
}

func (t *tail) take(n notice) error {
	switch n.name {
	case noticeEvent, noticeDetection:
		e := new(api.Event)
		if err := decode(n.data, e); err != nil {
			return err
		}
		if err := t.follow.Event(e); err != nil {
			t.ended = true
			return err
		}
	case noticeLagged:
		var l api.Lagged
		if err := decode(n.data, &l); err != nil {
			return err
		}
		if t.follow.Lagged != nil {
			t.follow.Lagged(l)
		}
	case noticeError:
		p := new(api.Problem)
		if err := decode(n.data, p); err != nil {
			return err
		}
		return &Error{Status: p.Status, Problem: p}
	}
	return nil // a later version may tell more
}
