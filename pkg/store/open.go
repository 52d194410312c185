package store

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Open opens the store in a folder, and makes it if there is none.
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
	s := &Store{cfg: cfg, log: cfg.Logger, recent: map[string]struct{}{}, dirty: map[string]bool{}}
	s.barrier.init()
	if s.lock, err = lockFile(filepath.Join(cfg.Dir, "LOCK"), cfg.Dir); err != nil {
		return nil, err
	}
	s.engine = logstorage.MustOpenStorage(s.engineDir(), s.engineConfig())
	return s, nil
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
