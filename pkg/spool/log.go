package spool

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"time"
)

// Log is an open log. Its methods may be called from any goroutine.
type Log struct {
	cfg    Config
	lock   *os.File // nil for an external server
	writer uint64
	queue  *queue
	ledger ledger

	appends sync.WaitGroup // Appends that were let in
	flights sync.WaitGroup // messages under way
	loops   sync.WaitGroup // commit and watch
	readers sync.WaitGroup // Consumes

	stop  context.Context // ends with Close
	end   context.CancelFunc
	news  chan struct{} // wakes the watch
	final error         // of Close
	once  sync.Once

	mu       sync.Mutex
	eng      *engine
	fault    error         // Full or Poisoned while nothing can be stored
	faulted  chan struct{} // closed with the fault, renewed when it is over
	poisoned chan struct{} // closed when the fault is for good
	draining bool
	opened   uint64          // last sequence of the log when it was opened
	chunked  uint64          // number of the last chunked record
	reading  map[string]bool // consumers that somebody reads
	failures map[string]string
	counters Counters
}

// Open opens a log, and makes it if it is not there. Its consumers exist when Open
// returns. Of an embedded store torn records, whose writer died between two chunks,
// are discarded as the consumers meet them.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	l := &Log{
		cfg: cfg, queue: newQueue(cfg.MaxQueued), news: make(chan struct{}, 1),
		faulted: make(chan struct{}), poisoned: make(chan struct{}),
		reading: map[string]bool{}, failures: map[string]string{},
	}
	l.stop, l.end = context.WithCancel(context.Background())
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	l.writer = binary.BigEndian.Uint64(id[:])
	if err := l.open(ctx); err != nil {
		l.end()
		return nil, err
	}
	l.loops.Go(l.commit)
	l.loops.Go(l.watch)
	return l, nil
}

func (l *Log) open(ctx context.Context) (err error) {
	if l.cfg.Dir != "" {
		if l.lock, err = makeDir(l.cfg.Dir); err != nil {
			return err
		}
	}
	defer func() {
		if err != nil {
			if l.eng != nil {
				l.eng.close()
			}
			l.unlock()
		}
	}()
	if l.eng, err = startEngine(ctx, &l.cfg, l.kick); err != nil {
		return err
	}
	l.opened = l.eng.stream.CachedInfo().State.LastSeq
	if l.cfg.hasQuotas() {
		return l.ledger.rebuild(ctx, l.view())
	}
	return nil
}

func makeDir(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	return lockDir(dir)
}

func (l *Log) unlock() {
	if l.lock != nil {
		_ = l.lock.Close()
	}
}

func (l *Log) engineNow() *engine {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.eng
}

func (l *Log) nextChunked() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.chunked++
	return l.chunked
}

func (l *Log) count(f func(*Counters)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.counters)
}

// kick wakes the watch.
func (l *Log) kick() {
	select {
	case l.news <- struct{}{}:
	default:
	}
}

// Poisoned is closed when the store is broken for good; the process must end then.
func (l *Log) Poisoned() <-chan struct{} { return l.poisoned }

// Fault returns what keeps records from being stored now: a Full for a disk without
// room, a Poisoned, or nil. A log without fault may still be full.
func (l *Log) Fault() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault
}

// Drain lets nothing more in and waits until what was let in is answered; consumers
// go on. The error is the context's.
func (l *Log) Drain(ctx context.Context) error {
	l.mu.Lock()
	l.draining = true
	l.mu.Unlock()
	answered := make(chan struct{})
	go func() { // ends within AppendTimeout, as each Append does
		l.appends.Wait()
		close(answered)
	}()
	select {
	case <-answered:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("spool: drain: %w", ctx.Err())
	}
}

// Close drains the log, for as long as the context lasts, ends all Consumes, whose
// handlers' contexts are cancelled, waits for them, and closes the store. What they
// had not settled comes again. A second Close returns what the first did.
func (l *Log) Close(ctx context.Context) error {
	l.once.Do(func() { l.final = l.shut(ctx) })
	return l.final
}

func (l *Log) shut(ctx context.Context) error {
	err := l.Drain(ctx)
	l.end()
	l.readers.Wait()
	l.queue.close()
	l.loops.Wait()
	l.engineNow().close()
	l.flights.Wait()
	l.unlock()
	return err
}

// pause waits, and returns early, with false, when the context ends.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
