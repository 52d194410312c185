package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
)

// DefaultRemember is how many detections of unfinished deliveries an output knows
// to be written; 2 to 10 MB once so many were.
const DefaultRemember = 1 << 16

var errClosed = errors.New("closed")

// StreamConfig says where a stream goes. Zero values stand for the defaults; Writer
// is required.
type StreamConfig struct {
	Name     string    // of the sink; "stdout"
	Writer   io.Writer // not closed by the output
	Format   Format
	Options  alert.Options
	Remember int // detections of unfinished deliveries that are known to be written; DefaultRemember
}

// Stream writes lines to a stream: one call of the writer for each delivery. Every
// error of the writer is Recoverable, that of a broken pipe too: nobody else would
// keep the detections. (A process dies of the SIGPIPE of its standard output unless
// it ignores that signal.)
type Stream struct {
	cfg     StreamConfig
	settled *record.Recent // written as part of deliveries that failed

	// turn is held by whoever writes. A write that nobody waits for any more, because
	// its context ended while the reader of a pipe stood still, keeps it until it ends.
	turn chan struct{}
	page page
	owed []byte // the rest of a line that was cut; goes first

	mu       sync.Mutex
	closed   bool
	counters sink.Counters
}

// NewStream makes an output of a writer.
func NewStream(cfg StreamConfig) *Stream {
	if cfg.Name == "" {
		cfg.Name = "stdout"
	}
	if cfg.Remember == 0 {
		cfg.Remember = DefaultRemember
	}
	return &Stream{cfg: cfg, settled: record.NewRecent(cfg.Remember), turn: make(chan struct{}, 1)}
}

// Name implements sink.Sink.
func (s *Stream) Name() string { return s.cfg.Name }

// Write implements sink.Sink. When the context ends first, the lines are on their
// way and may yet arrive; those that do are not written again.
func (s *Stream) Write(ctx context.Context, events []*record.Event) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return s.recoverable(fmt.Errorf("the write before has not ended: %w", ctx.Err()))
	}
	if s.isClosed() {
		<-s.turn
		return s.recoverable(errClosed)
	}
	todo, skipped := pick(events, s.settled)
	s.page.lay(todo, s.cfg.Format, s.cfg.Options)
	ended := make(chan error, 1)
	go func() { // a writer cannot be told to stop
		err := s.flush(todo, skipped)
		<-s.turn
		ended <- err
	}()
	select {
	case err := <-ended:
		if err != nil {
			return s.recoverable(err)
		}
		return nil
	case <-ctx.Done():
		return s.recoverable(ctx.Err())
	}
}

// flush writes the page, behind what is owed, and settles the detections whose lines
// are out. A line that was cut counts as out: no write succeeds before its rest.
func (s *Stream) flush(todo []pending, skipped int) error {
	text, behind := s.page.text, len(s.owed)
	if behind > 0 {
		text = slices.Concat(s.owed, text)
	}
	if len(text) == 0 {
		s.count(func(c *sink.Counters) { c.Skipped += uint64(skipped) })
		return nil
	}
	n, err := s.cfg.Writer.Write(text)
	n = max(0, min(n, len(text)))
	if err == nil && n < len(text) {
		err = io.ErrShortWrite
	}
	lines, rest := s.page.cut(n - behind)
	if n < behind {
		rest = text[n:behind]
	}
	s.owed = slices.Clone(rest)
	s.settle(todo, lines, n, skipped, err == nil)
	return err
}

// settle notes which detections are in the first lines of the page.
func (s *Stream) settle(todo []pending, lines, written, skipped int, whole bool) {
	out := 0
	for i := range todo {
		if todo[i].line < lines {
			s.settled.Add(todo[i].key())
			out++
		}
	}
	s.count(func(c *sink.Counters) {
		c.Detections += uint64(out)
		c.Folded += uint64(out - lines)
		c.Bytes += uint64(written)
		if whole {
			c.Skipped += uint64(skipped)
		}
	})
}

// Close implements sink.Sink. It leaves the writer open and does not wait for a
// write that stands still.
func (s *Stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// Counters implements sink.Counted.
func (s *Stream) Counters() sink.Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters
}

func (s *Stream) count(f func(*sink.Counters)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.counters)
}

func (s *Stream) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *Stream) recoverable(err error) error {
	return sink.Recoverable{Err: fmt.Errorf("output: %s: %w", s.cfg.Name, err)}
}
