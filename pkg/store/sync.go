package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// barrier is the one Sync that is under way, which others join.
type barrier struct {
	lock sync.Mutex
	now  *passing
}

// passing is a barrier on its way; err is there when done is closed.
type passing struct {
	done chan struct{}
	err  error
}

// Sync returns when all that Write took before is on disk, and visible to queries.
// Calls at the same time are one.
func (s *Store) Sync(ctx context.Context) error {
	p, err := s.join()
	if err != nil {
		return err
	}
	select {
	case <-p.done:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join finds the barrier that is under way, or begins one. One that is under way has
// all that was written before: from its beginning until nobody can join it any more, it
// holds off writers.
func (s *Store) join() (*passing, error) {
	s.barrier.lock.Lock()
	defer s.barrier.lock.Unlock()
	if p := s.barrier.now; p != nil {
		return p, nil
	}
	end, err := s.begin()
	if err != nil {
		return nil, err
	}
	p := &passing{done: make(chan struct{})}
	s.barrier.now = p
	go func() {
		defer end()
		s.write.Lock()
		defer s.write.Unlock()
		p.err = s.writeDown()
		s.barrier.lock.Lock()
		defer s.barrier.lock.Unlock()
		s.barrier.now = nil
		close(p.done)
	}()
	return p, nil
}

// writeDown brings what is in memory to disk. The engine has no call for that. When it
// makes a copy of a partition it first writes down what is in memory, except for what it
// is merging just then; so that is repeated until nothing is left. Writers are held off.
func (s *Store) writeDown() error {
	if err := s.syncBodies(); err != nil {
		return err
	}
	for len(s.dirty) > 0 {
		if err := s.copyDirty(); err != nil {
			return err
		}
		var stats logstorage.StorageStats
		s.engine.UpdateStats(&stats)
		if stats.InmemoryParts == 0 {
			clear(s.dirty)
		}
	}
	clear(s.recent)
	s.days.settled()
	s.counts.syncs.Add(1)
	if err := s.makeRoom(); err != nil {
		return err
	}
	return s.sweepNow()
}

// copyDirty makes copies of the partitions that have been written to, and removes them.
func (s *Store) copyDirty() error {
	s.engine.DebugFlush()
	there := 0
	for _, name := range s.engine.PartitionList() {
		if !s.dirty[name] {
			continue
		}
		there++
		path, err := s.engine.PartitionSnapshotCreate(name)
		if err != nil {
			continue // it has been removed this moment, and its rows with it
		}
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("store: write down: %w", err)
		}
	}
	if there == 0 {
		clear(s.dirty) // all of them have been removed for their age
	}
	return nil
}

// merging tells whether the engine is merging files at this moment. It does so in
// goroutines of its own, under the barrier and beside it.
func (s *Store) merging() bool {
	end, err := s.begin()
	if err != nil {
		return false
	}
	defer end()
	var stats logstorage.StorageStats
	s.engine.UpdateStats(&stats)
	return stats.ActiveInmemoryMerges+stats.ActiveSmallMerges+stats.ActiveBigMerges > 0
}

// sweepEvery is how often bodies of removed days are looked for.
const sweepEvery = 10 * time.Minute

// sweepNow removes the bodies of removed days, if it is time to look.
func (s *Store) sweepNow() error {
	now := s.cfg.Now()
	if now.Sub(s.swept).Abs() < sweepEvery {
		return nil
	}
	s.swept = now
	return s.sweepBodies()
}

// dropCopies removes copies of a partition that a barrier left when the process died.
func dropCopies(partition string) error {
	return os.RemoveAll(filepath.Join(partition, "snapshots"))
}
