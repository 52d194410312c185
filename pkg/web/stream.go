package web

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
)

const (
	promptLines = 64                     // of a stream are sent at once
	flushEvery  = 200 * time.Millisecond // later ones, if they come slower than that
)

// lines writes a stream of JSON, an object a line. The header goes out with the first
// line, so that what fails before can still be answered as a problem.
type lines struct {
	c       *call
	buf     *bufio.Writer
	rc      *http.ResponseController
	written int
	flushed time.Time
}

func (c *call) lines() *lines {
	return &lines{c: c, buf: bufio.NewWriterSize(c.w, 32<<10), rc: http.NewResponseController(c.w)}
}

// gone says that the reader of a stream went away, or does not read.
type gone struct{ error }

// Unwrap returns what tells.
func (g gone) Unwrap() error { return g.error }

// line writes one, without its line break. The error is that the reader is gone, or did
// not read in time.
func (l *lines) line(text []byte) error {
	now := l.c.cfg.Now()
	if l.written == 0 {
		l.c.w.Header().Set("Content-Type", typeLines)
		l.flushed = now
	}
	if l.buf.Available() <= len(text) || l.written < promptLines {
		l.deadline(now)
	}
	l.written++
	_, _ = l.buf.Write(text)
	if err := l.buf.WriteByte('\n'); err != nil {
		return gone{err}
	}
	if l.written <= promptLines || now.Sub(l.flushed) >= flushEvery {
		return l.flush(now)
	}
	return nil
}

func (l *lines) flush(now time.Time) error {
	l.flushed = now
	l.deadline(now)
	if err := l.buf.Flush(); err != nil {
		return gone{err}
	}
	if err := l.rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return gone{err}
	}
	return nil
}

// deadline gives the reader time anew. Where a connection has none, the server's own
// bounds hold.
func (l *lines) deadline(now time.Time) {
	_ = l.rc.SetWriteDeadline(now.Add(l.c.cfg.Limits.Write))
}

// end writes what came of the search, and before it the error with which it broke off.
// What failed before the first line is given back.
func (l *lines) end(sum api.Summary, err error) error {
	if errors.As(err, new(gone)) {
		return nil
	}
	if err != nil {
		if l.written == 0 {
			return err
		}
		p := problemOf(err)
		if p.Type == api.ProblemInternal {
			l.c.cfg.Logger.Error("a stream of the API broke off", "route", l.c.r.Pattern, "error", err)
		}
		sum.Partial, sum.Why = true, p.Error()
		if err := l.object(api.Last{Error: p}); err != nil {
			return nil // nobody is there to read it
		}
	}
	if l.object(api.Last{Summary: &sum}) == nil {
		_ = l.flush(l.c.cfg.Now())
	}
	return nil
}

func (l *lines) object(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return l.line(text)
}
