package store

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"

	"github.com/kubewitness/kubewitness/pkg/durable"
	"github.com/kubewitness/kubewitness/pkg/failpoint"
)

// format is the version of the folder. A later program that changes what is in it
// counts it up, and reads the earlier ones.
const format = 1

// Open opens the store in a folder, and makes it if there is none.
//
// What cannot be opened is moved aside, day by day: see MovedAside. The engine panics
// at what it cannot read; where it does so in a call of ours, the day is moved at once.
// Where it kills the process, the next Open knows which day it was at, and when that
// has happened three times running, moves that one. Damage within files that are as
// long as they should be is found when the engine merges or reads rows, not here, and
// then it kills the process. What the engine had opened of a day that is moved stays
// open until the process ends.
func Open(cfg Config) (*Store, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := setUp(cfg.Memory, cfg.Logger); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: make the folder: %w", err)
	}
	s := &Store{cfg: cfg, log: cfg.Logger, recent: map[string]struct{}{}, dirty: map[string]bool{}, dirtyBodies: map[string]bool{}}
	s.known.most = int(cfg.Memory / knownShare)
	if s.lock, err = lockFile(filepath.Join(cfg.Dir, "LOCK"), cfg.Dir); err != nil {
		return nil, err
	}
	if err := s.open(); err != nil {
		_ = s.lock.Close() // the first error counts
		return nil, err
	}
	return s, nil
}

// open opens what is in the folder, which is ours.
func (s *Store) open() error {
	if err := s.checkFormat(); err != nil {
		return err
	}
	o := opening{s: s}
	if err := o.prepare(); err != nil {
		return err
	}
	if err := o.start(); err != nil {
		return err
	}
	err := o.attachAll()
	if err == nil {
		err = os.RemoveAll(s.removedDir())
	}
	if err == nil {
		err = s.sweepBodies()
	}
	if err != nil {
		s.engine.MustClose()
		return err
	}
	s.swept = s.cfg.Now()
	s.newest = s.newestStored()
	s.latest.Store(s.newest)
	failpoint.Watch("store/merge", s.merging)
	return nil
}

// newestStored is a time after which there is no row.
func (s *Store) newestStored() int64 {
	whole := s.stored(span{math.MinInt64, math.MaxInt64})
	if whole.empty() {
		return math.MinInt64
	}
	var stats logstorage.StorageStats
	s.engine.UpdateStats(&stats)
	if newest := stats.MaxTimestamp; whole.most-int64(day) < newest && newest < whole.most {
		return newest
	}
	return whole.most // the engine does not know: the last day has no rows
}

func (s *Store) engineConfig() *logstorage.StorageConfig {
	return &logstorage.StorageConfig{
		Retention:              s.cfg.Retention,
		FutureRetention:        futureRetention,
		MaxDiskSpaceUsageBytes: s.cfg.MaxBytes,
		MinFreeDiskSpaceBytes:  s.cfg.FreeFloor,
		FlushInterval:          flushInterval,
	}
}

// flushInterval is when the engine writes rows to disk that nobody waits for; Sync does
// not hang on it.
const flushInterval = 5 * time.Second

// checkFormat reads the version of the folder, and writes it into a new one. A folder
// without a version that can be read is moved aside whole.
func (s *Store) checkFormat() error {
	path := filepath.Join(s.cfg.Dir, "FORMAT")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return s.writeFormat(path)
	}
	if err != nil {
		return fmt.Errorf("store: read the format: %w", err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	switch {
	case err != nil || n < 1:
		if err := s.asideAll(fmt.Sprintf("%s says %q, and not which format the folder has", path, text)); err != nil {
			return err
		}
		return s.writeFormat(path)
	case n > format:
		return TooNew{Dir: s.cfg.Dir, Format: n, Knows: format}
	}
	return nil
}

// writeFormat marks a new folder, before there is anything in it.
func (s *Store) writeFormat(path string) error {
	if there(s.engineDir()) || there(s.heldDir()) {
		if err := s.asideAll(path + " is not there, and other files of a store are"); err != nil {
			return err
		}
	}
	err := durable.Replace(path, []byte(strconv.Itoa(format)+"\n"))
	if err == nil {
		err = durable.SyncFolder(s.cfg.Dir)
	}
	if err != nil {
		return fmt.Errorf("store: write the format: %w", err)
	}
	return nil
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
