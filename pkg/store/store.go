package store

import (
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Store keeps rows. All methods may be called from several goroutines at once.
type Store struct {
	cfg    Config
	log    *slog.Logger
	lock   *os.File
	moved  aside
	engine *logstorage.Storage

	// use is held to read by all that runs on the engine, and to write by Close.
	use    sync.RWMutex
	closed bool

	// write is held by Write and by the barrier.
	write       sync.Mutex
	recent      map[string]struct{} // IDs of rows that queries may not see yet
	dirty       map[string]bool     // partitions with rows that may not be on disk yet
	dirtyBodies map[string]bool     // folders with names that may not be on disk yet
	newest      int64               // no row that was stored is newer; nanoseconds
	latest      atomic.Int64        // the same, for who does not hold write
	swept       time.Time           // when bodies of removed days were looked for

	days    days
	known   known
	barrier barrier
	counts  counts
}

// counts is what Stats counts.
type counts struct {
	written, known, outOfRetention, beside, lost, removed, syncs atomic.Uint64
}

// engineDir is where the engine keeps its files.
func (s *Store) engineDir() string { return filepath.Join(s.cfg.Dir, "engine") }

// begin is called before the engine is used, and returns what to call after.
func (s *Store) begin() (func(), error) {
	s.use.RLock()
	if s.closed {
		s.use.RUnlock()
		return nil, ErrClosed
	}
	return s.use.RUnlock, nil
}

// Close writes down what is in memory and gives the folder free. It waits for the
// queries that run.
func (s *Store) Close() error {
	s.use.Lock()
	defer s.use.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.syncBodies()
	s.engine.MustClose()
	if closeErr := s.lock.Close(); err == nil {
		err = closeErr
	}
	return err
}

// keeps is the span of times of which the store takes rows now.
func (s *Store) keeps() (least, most time.Time) {
	now := s.cfg.Now()
	return now.Add(-s.cfg.Retention).Add(retentionSlack), now.Add(futureLimit)
}

// Keeps reports whether the store takes a row of this time now. Rows within it are not
// too old before the moment has passed in which the answer is used.
func (s *Store) Keeps(t time.Time) bool {
	least, most := s.keeps()
	return !t.Before(least) && !t.After(most)
}

const (
	// futureLimit is how far from now the time of a row may be.
	futureLimit = 2 * day
	// retentionSlack is how much earlier than the engine the store finds a row too old,
	// so that the engine never drops one.
	retentionSlack = time.Minute
	// futureRetention is what the engine is told: it deletes, when it opens, what is
	// later than this, which it must not if a clock is wrong.
	futureRetention = maxRetention
)
