package store

import (
	"fmt"
	"os"
	"path/filepath"
)

// leastDays is how many days with rows always stay.
const leastDays = 2

// makeRoom removes the oldest days while less of the disk is free than is to be. Writers
// are held off.
func (s *Store) makeRoom() error {
	if s.cfg.KeepFree <= 0 {
		return nil
	}
	for days := s.engine.PartitionList(); len(days) > leastDays; days = days[1:] {
		free, err := freeSpace(s.cfg.Dir)
		if err != nil || free >= s.cfg.KeepFree {
			return err
		}
		if err := s.removeDay(days[0]); err != nil {
			return err
		}
		s.counts.removed.Add(1)
		s.cfg.Logger.Warn("store: the oldest day is removed, since the disk has too little room", "day", days[0], "free", free, "keep_free", s.cfg.KeepFree)
	}
	return nil
}

// removeDay removes a partition, when no query looks at it any more. It is out of the
// engine's sight before the first of its files goes: what is left of it after a crash is
// nobody's, and Open removes it.
func (s *Store) removeDay(name string) error {
	if err := s.engine.PartitionDetach(name); err != nil {
		return nil // it has been removed for its age this moment
	}
	if err := os.MkdirAll(s.removedDir(), 0o700); err != nil {
		return fmt.Errorf("store: remove a day: %w", err)
	}
	gone := filepath.Join(s.removedDir(), name)
	if err := os.Rename(filepath.Join(s.partitionsDir(), name), gone); err != nil {
		return fmt.Errorf("store: remove a day: %w", err)
	}
	delete(s.dirty, name)
	s.days.removed(name)
	if err := os.RemoveAll(gone); err != nil {
		return fmt.Errorf("store: remove a day: %w", err)
	}
	return s.sweepBodies()
}

// removedDir is where days are that are being removed.
func (s *Store) removedDir() string { return filepath.Join(s.cfg.Dir, "removed") }
