package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"

	"github.com/kubewitness/kubewitness/pkg/durable"
)

// opening opens the engine one day at a time. The engine would open all at once, in
// goroutines of its own, in which nobody can catch a panic. So the days are held back
// in a folder beside, the engine opens without any, and attaches them one by one.
type opening struct {
	s     *Store
	tries attempt // what the last process died at
}

// attempt is what stands in the file "opening" while a day is attached.
type attempt struct {
	Day   string
	Times int // that a process has begun, and not ended, to attach it
}

// maxAttempts is how many processes may die over a day before it is moved aside. One
// may be killed at any time for no fault of the day's.
const maxAttempts = 3

func (s *Store) heldDir() string       { return filepath.Join(s.cfg.Dir, "held") }
func (s *Store) partitionsDir() string { return filepath.Join(s.engineDir(), "partitions") }
func (o *opening) attemptPath() string { return filepath.Join(o.s.cfg.Dir, "opening") }

// prepare holds the days back, those that an earlier opening held too, and clears what
// was left over by a process that died.
func (o *opening) prepare() error {
	if text, err := os.ReadFile(o.attemptPath()); err == nil {
		_ = json.Unmarshal(text, &o.tries) // what cannot be read is no attempt
	}
	if err := os.MkdirAll(o.s.heldDir(), 0o700); err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	days, err := os.ReadDir(o.s.partitionsDir())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("store: open: %w", err)
	}
	for _, d := range days {
		from, to := filepath.Join(o.s.partitionsDir(), d.Name()), filepath.Join(o.s.heldDir(), d.Name())
		gone, err := removed(from)
		if err == nil && gone {
			err = os.RemoveAll(from)
		} else if err == nil {
			err = os.Rename(from, to)
		}
		if err != nil {
			return fmt.Errorf("store: open: %w", err)
		}
	}
	return nil
}

// removed reports whether the engine was about to remove a partition, or to make it,
// when the process died: it marks those that it removes, and empties them.
func removed(partition string) (bool, error) {
	in, err := os.ReadDir(partition)
	if err != nil {
		if there(partition) {
			return false, nil // it is no folder; attaching it will tell
		}
		return true, nil
	}
	for _, e := range in {
		if e.Name() == ".delete-this-dir" {
			return true, nil
		}
	}
	return len(in) == 0, nil
}

// start opens the engine without any days. What is then in its folder can be made anew.
func (o *opening) start() error {
	why := o.tryStart()
	if why == "" {
		return nil
	}
	if err := o.s.putAside(o.s.engineDir(), "engine", why); err != nil {
		return err
	}
	if why := o.tryStart(); why != "" {
		return errors.New("store: the engine does not start in a new folder: " + why)
	}
	return nil
}

func (o *opening) tryStart() (why string) {
	defer func() {
		if what := recover(); what != nil {
			why = fmt.Sprint(what)
		}
	}()
	o.s.engine = logstorage.MustOpenStorage(o.s.engineDir(), o.s.engineConfig())
	return ""
}

// attachAll attaches the days that are held back.
func (o *opening) attachAll() error {
	days, err := os.ReadDir(o.s.heldDir())
	if err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	for _, d := range days {
		if err := o.attach(d.Name()); err != nil {
			return err
		}
	}
	for _, err := range []error{os.RemoveAll(o.attemptPath()), os.RemoveAll(o.s.heldDir()), durable.SyncFolder(o.s.cfg.Dir), durable.SyncFolder(o.s.partitionsDir())} {
		if err != nil {
			return fmt.Errorf("store: open: %w", err)
		}
	}
	return nil
}

// attach has the engine open a day, or removes it if it is too old, or moves it aside if
// it cannot be opened.
func (o *opening) attach(name string) error {
	held, path := filepath.Join(o.s.heldDir(), name), filepath.Join(o.s.partitionsDir(), name)
	if o.tooOld(name) {
		return os.RemoveAll(held)
	}
	why, err := o.beforeAttach(name, held)
	if err != nil {
		return err
	}
	if why != "" {
		return o.s.putAside(held, name, why)
	}
	if err := os.Rename(held, path); err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	if why := o.tryAttach(name); why != "" {
		return o.s.putAside(path, name, why)
	}
	return nil
}

// beforeAttach says why a day should not even be tried, and writes down that it is.
func (o *opening) beforeAttach(name, held string) (why string, err error) {
	if why := broken(held); why != "" {
		return why, nil
	}
	if err := dropCopies(held); err != nil {
		return "", fmt.Errorf("store: open: %w", err)
	}
	now := attempt{Day: name, Times: 1}
	if o.tries.Day == name {
		now.Times += o.tries.Times
		if now.Times > maxAttempts {
			return fmt.Sprintf("the process ended %d times running while it was opened", o.tries.Times), nil
		}
	}
	text, err := json.Marshal(now)
	if err == nil {
		err = durable.Replace(o.attemptPath(), text)
	}
	if err != nil {
		return "", fmt.Errorf("store: open: %w", err)
	}
	return "", nil
}

func (o *opening) tryAttach(name string) (why string) {
	defer func() {
		if what := recover(); what != nil {
			why = fmt.Sprint(what)
		}
	}()
	if err := o.s.engine.PartitionAttach(name); err != nil {
		return err.Error()
	}
	return ""
}

// tooOld reports whether all of a day is older than rows are kept. The engine looks for
// these when it starts, and then once an hour.
func (o *opening) tooOld(name string) bool {
	t, err := time.Parse(dayForm, name)
	return err == nil && t.Add(day).Before(o.s.cfg.Now().Add(-o.s.cfg.Retention))
}
