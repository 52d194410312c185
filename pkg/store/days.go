package store

import (
	"slices"
	"sync"
	"time"
)

// days tells which days are at rest: no row has come since the barrier before, so that
// what was counted in one still holds. Its lock is held for a moment only, unlike that
// of writers, which a barrier holds for as long as it takes.
type days struct {
	lock    sync.Mutex
	changes map[string]uint64 // how often rows have come to a day, or it was removed
	moving  map[string]bool   // days with rows that queries may not see yet
}

// written notes that rows come to a day; called before they do.
func (d *days) written(name string) {
	d.lock.Lock()
	defer d.lock.Unlock()
	d.change(name)
	if d.moving == nil {
		d.moving = map[string]bool{}
	}
	d.moving[name] = true
}

// removed notes that a day is gone.
func (d *days) removed(name string) {
	d.lock.Lock()
	defer d.lock.Unlock()
	d.change(name)
}

func (d *days) change(name string) {
	if d.changes == nil {
		d.changes = map[string]uint64{}
	}
	d.changes[name]++
}

// settled notes that queries see all that has been written.
func (d *days) settled() {
	d.lock.Lock()
	defer d.lock.Unlock()
	clear(d.moving)
}

// atRest gives the number of changes of a day; false while queries may not see all of
// its rows.
func (d *days) atRest(name string) (changes uint64, ok bool) {
	d.lock.Lock()
	defer d.lock.Unlock()
	return d.changes[name], !d.moving[name]
}

// slice is a day at rest that lies wholly in a span, or, without a name, what is between
// such days.
type slice struct {
	day     string
	changes uint64
	in      span
}

// sliced takes a span apart, the earliest first.
func (s *Store) sliced(in span) (all []slice) {
	names := s.engine.PartitionList()
	slices.Sort(names)
	for _, name := range names {
		at, err := time.Parse(dayForm, name)
		if err != nil {
			continue
		}
		d := span{at.UnixNano(), at.UnixNano() + int64(day) - 1}
		changes, ok := s.days.atRest(name)
		if !ok || d.least < in.least || d.most > in.most {
			continue
		}
		if d.least > in.least {
			all = append(all, slice{in: span{in.least, d.least - 1}})
		}
		all = append(all, slice{name, changes, d})
		in.least = d.most + 1
	}
	if !in.empty() {
		all = append(all, slice{in: in})
	}
	return all
}
