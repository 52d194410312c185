package store

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/kubewitness/kubewitness/pkg/durable"
)

// aside is what was moved out of a store that could not be opened with it.
type aside struct{ path, reason string }

// MovedAside tells where what could not be opened was moved to when this store was
// opened, and why; both are empty if all could. The rows of the days that were moved are
// not in the store; a durable log that still has them may replay them. The folder is
// never removed by the store.
func (s *Store) MovedAside() (path, reason string) { return s.moved.path, s.moved.reason }

// putAside moves a file or folder of the store into the folder of what is broken, and
// writes the reason there. It is moved, so that it can be looked at; not copied, so that
// the disk does not fill up.
func (s *Store) putAside(from, name, why string) error {
	if err := s.beginAside(name + ": " + why); err != nil {
		return err
	}
	s.log.Error("store: what cannot be opened is moved aside", "from", from, "to", s.moved.path, "reason", why)
	to := filepath.Join(s.moved.path, name)
	for i := 2; there(to); i++ {
		to = filepath.Join(s.moved.path, fmt.Sprintf("%s-%d", name, i))
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("store: move aside what cannot be opened: %w", err)
	}
	return nil
}

// asideAll moves all of the store but its lock.
func (s *Store) asideAll(why string) error {
	in, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return fmt.Errorf("store: move aside what cannot be opened: %w", err)
	}
	for _, e := range in {
		if e.Name() == "LOCK" {
			continue
		}
		if err := s.putAside(filepath.Join(s.cfg.Dir, e.Name()), e.Name(), why); err != nil {
			return err
		}
	}
	return nil
}

// beginAside makes the folder of what is broken, and adds to the reasons in it.
func (s *Store) beginAside(reason string) error {
	if s.moved.path == "" {
		path := filepath.Clean(s.cfg.Dir) + ".broken-" + s.cfg.Now().UTC().Format("20060102T150405.000Z")
		if err := os.MkdirAll(path, 0o700); err != nil {
			return fmt.Errorf("store: move aside what cannot be opened: %w", err)
		}
		s.moved.path = path
	}
	if s.moved.reason != "" {
		s.moved.reason += "\n"
	}
	s.moved.reason += reason
	if err := durable.Replace(filepath.Join(s.moved.path, "REASON"), []byte(s.moved.reason+"\n")); err != nil {
		return fmt.Errorf("store: move aside what cannot be opened: %w", err)
	}
	return nil
}
