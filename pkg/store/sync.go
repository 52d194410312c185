package store

import (
	"context"
	"fmt"
	"os"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

type barrier struct{}

func (b *barrier) init() {}

// Sync returns when all that Write took before is on disk.
func (s *Store) Sync(ctx context.Context) error {
	end, err := s.begin()
	if err != nil {
		return err
	}
	defer end()
	s.write.Lock()
	defer s.write.Unlock()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.engine.DebugFlush()
		for _, name := range s.engine.PartitionList() {
			path, err := s.engine.PartitionSnapshotCreate(name)
			if err != nil {
				return fmt.Errorf("store: write down: %w", err)
			}
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("store: write down: %w", err)
			}
		}
		var stats logstorage.StorageStats
		s.engine.UpdateStats(&stats)
		if stats.InmemoryParts == 0 {
			clear(s.recent)
			s.counts.syncs.Add(1)
			return nil
		}
	}
}
