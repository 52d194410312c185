package file

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

const (
	chunkSize  = 256 << 10
	maxBackoff = 30 * time.Second
)

// Tail follows one log file. New makes one.
type Tail struct {
	cfg    Config
	stored *position // where to go on, until a file is open; nil: nowhere was stored
	src    *source   // what is read; nil: nothing yet
	over   bool      // nothing more is to come from src
	lost   bool      // src was cut off, and what it held is nowhere: time tells what comes next
	away   time.Time // since when the followed name leads to another file; zero: it does not

	buf    []byte // read and not taken
	offset int64  // where buf begins in src
	last   []byte // the bytes before it
	skip   bool   // buf begins in the middle of a line that was cut

	body     *piece // what the taker is asked to take
	chunk    []byte
	unsaved  bool  // the position moved and is not on disk
	saving   error // why not
	failures int   // in a row

	mu     sync.Mutex
	status Status
}

// New makes a tail, and reads its stored position, if there is one. A position that
// cannot be understood is an error: whether lines may be missed or read twice is not
// for the program to choose.
func New(cfg Config) (*Tail, error) {
	cfg, err := cfg.check()
	if err != nil {
		return nil, err
	}
	stored, err := loadPosition(cfg.Position)
	if err != nil {
		return nil, err
	}
	return &Tail{
		cfg: cfg, stored: stored, chunk: make([]byte, chunkSize),
		status: Status{Path: cfg.Path, Cluster: cfg.Cluster},
	}, nil
}

// Run follows the file until ctx ends. What goes wrong is in Status, and tried again.
// It may be called once.
func (t *Tail) Run(ctx context.Context) {
	defer t.close()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-timer.C:
			timer.Reset(t.step(ctx))
		}
	}
}

func (t *Tail) close() {
	if t.src != nil {
		t.src.close()
		t.src = nil
	}
}

// step does the next thing, and returns how long to wait before the one after it.
func (t *Tail) step(ctx context.Context) time.Duration {
	progress, err := t.advance(ctx)
	if ctx.Err() != nil {
		return 0
	}
	if t.unsaved && !progress {
		t.save()
	}
	if err == nil {
		t.failures = 0
		t.note(t.saving)
	} else {
		t.failures++
		t.note(err)
	}
	t.measure()
	switch {
	case err != nil:
		return t.backoff(err)
	case progress:
		return 0
	}
	return t.cfg.Poll
}

// backoff returns when to try again after an error.
func (t *Tail) backoff(err error) time.Duration {
	var full spool.Full
	var limited ingest.RateLimited
	switch {
	case errors.As(err, &full) && full.RetryAfter > 0:
		return full.RetryAfter
	case errors.As(err, &limited) && limited.RetryAfter > 0:
		return limited.RetryAfter
	}
	return min(t.cfg.Poll<<min(t.failures-1, 16), maxBackoff)
}

// advance does the next thing. progress tells that there may be more to do at once.
func (t *Tail) advance(ctx context.Context) (progress bool, err error) {
	switch {
	case t.body != nil:
		return t.deliver(ctx)
	case t.src == nil:
		return t.find()
	}
	end := false
	if !t.over {
		if end, err = t.fill(); err != nil {
			return false, err
		}
	}
	t.dropSkipped()
	if t.body = t.next(); t.body != nil {
		return t.deliver(ctx)
	}
	switch {
	case t.over:
		return t.turn()
	case end:
		return t.look()
	}
	return true, nil
}

// fill reads until there is enough for a body, or nothing more to read.
func (t *Tail) fill() (end bool, err error) {
	for len(t.buf) < t.cfg.MaxBody || len(t.buf) <= t.cfg.MaxLine && firstEnd(t.buf) < 0 {
		unknown := t.src.telling() == nil
		got, cut, err := t.src.read(t.chunk)
		switch {
		case err != nil:
			return false, err
		case cut:
			return false, t.cutOff()
		case len(got) == 0:
			return true, nil
		}
		t.buf = append(t.buf, got...)
		t.src.grown = t.cfg.Now()
		t.unsaved = t.unsaved || unknown && t.src.telling() != nil // it can be found again from now on
	}
	return false, nil
}

// deliver asks the taker to take the body.
func (t *Tail) deliver(ctx context.Context) (progress bool, err error) {
	b := t.body
	var receipt ingest.Receipt
	if len(bytes.TrimSpace(b.data)) > 0 {
		receipt, err = t.cfg.Taker.Take(ctx, ingest.Body{
			Source: ingest.SourceFile, Cluster: t.cfg.Cluster, Peer: t.cfg.Path, Data: b.data, Received: t.cfg.Now(),
		})
		if err != nil {
			t.count(func(s *Status) { s.Retries++ })
			return false, err
		}
		t.count(func(s *Status) {
			s.Bodies++
			s.Bytes += int64(len(b.data))
			s.Events += int64(receipt.Events)
			s.Known += int64(receipt.Known)
			s.Dead += int64(receipt.Dead)
			s.CutLines += b.cut
			s.Torn += b.torn
		})
	}
	t.count(func(s *Status) { s.Zeros += b.zeros })
	t.consume(len(b.data))
	t.body, t.skip = nil, b.cut > 0
	t.save()
	return true, nil
}

// consume moves the position.
func (t *Tail) consume(n int) {
	t.last = lastBytes(t.last, t.buf[:n])
	t.buf = append(t.buf[:0], t.buf[n:]...)
	if len(t.buf) == 0 && cap(t.buf) > 4*max(t.cfg.MaxBody, chunkSize) {
		t.buf = nil // it held a line of uncommon length
	}
	t.offset += int64(n)
	t.unsaved = true
}

// save puts the position on disk. When that fails the tail goes on all the same: a
// restart then takes twice what was taken since.
func (t *Tail) save() {
	p := t.stored
	if t.src != nil {
		now := t.src.position(t.offset, t.last, t.skip)
		p = &now
	}
	if p == nil {
		return
	}
	t.saving = p.save(t.cfg.Position)
	t.unsaved = t.saving != nil
}
