package store

import (
	"container/list"
	"sync"
)

// tally is how many rows have each value of a column.
type tally map[string]uint64

func (t tally) add(more tally) {
	for value, n := range more {
		t[value] += n
	}
}

// bytes is about what a tally takes in memory.
func (t tally) bytes() int {
	const entry = 64 // of a map, with the text's header and the count
	n := entry
	for value := range t {
		n += entry + len(value)
	}
	return n
}

// known remembers tallies of days at rest: whoever looks at weeks asks for the same
// counts time and again, of which only those of today have changed. It holds at most so
// many bytes; what was asked for longest ago goes first.
type known struct {
	lock  sync.Mutex
	most  int
	bytes int
	by    map[knownKey]*list.Element
	order list.List // of *knownTally, the latest asked for in front
}

// knownKey is what a tally is of.
type knownKey struct{ filter, day, column string }

type knownTally struct {
	key     knownKey
	changes uint64 // of the day when it was counted
	tally   tally
	bytes   int
}

// get gives a tally if the day has not changed since. Nobody may write to it.
func (k *known) get(key knownKey, changes uint64) (tally, bool) {
	k.lock.Lock()
	defer k.lock.Unlock()
	e := k.by[key]
	if e == nil {
		return nil, false
	}
	t := e.Value.(*knownTally)
	if t.changes != changes {
		k.drop(e)
		return nil, false
	}
	k.order.MoveToFront(e)
	return t.tally, true
}

// put remembers a tally, which nobody writes to any more, unless it alone would push
// out a good part of the others.
func (k *known) put(key knownKey, changes uint64, t tally) {
	bytes := t.bytes() + len(key.filter)
	k.lock.Lock()
	defer k.lock.Unlock()
	if bytes > k.most/4 {
		return
	}
	if e := k.by[key]; e != nil {
		k.drop(e)
	}
	if k.by == nil {
		k.by = map[knownKey]*list.Element{}
	}
	k.by[key] = k.order.PushFront(&knownTally{key, changes, t, bytes})
	k.bytes += bytes
	for k.bytes > k.most {
		k.drop(k.order.Back())
	}
}

func (k *known) drop(e *list.Element) {
	t := k.order.Remove(e).(*knownTally)
	delete(k.by, t.key)
	k.bytes -= t.bytes
}
