package correlate

// table keeps something for each key, within a number of bytes: what was touched
// longest ago makes room.
type table[V any] struct {
	byKey          map[string]*entry[V]
	newest, oldest *entry[V]
	bytes, limit   int64
	evicted        uint64
}

type entry[V any] struct {
	key          string
	newer, older *entry[V]
	size         int64 // beside the fixed part
	gone         bool
	value        V
}

// fixedSize is about what an entry takes beside its key and its value's own memory.
const fixedSize = 224

func newTable[V any](limit int64) *table[V] {
	return &table[V]{byKey: map[string]*entry[V]{}, limit: limit}
}

// get gives an entry, nil where there is none, without touching it.
func (t *table[V]) get(key string) *entry[V] { return t.byKey[key] }

// touch gives the entry of a key, a new one if need be, which is then the newest.
func (t *table[V]) touch(key string) *entry[V] {
	e := t.byKey[key]
	if e == nil {
		e = &entry[V]{key: key}
		t.byKey[key] = e
		t.bytes += fixedSize + int64(len(key))
	} else if t.newest != e {
		t.unlink(e)
	} else {
		return e
	}
	e.older, e.newer = t.newest, nil
	if t.newest != nil {
		t.newest.newer = e
	} else {
		t.oldest = e
	}
	t.newest = e
	return e
}

func (t *table[V]) unlink(e *entry[V]) {
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		t.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		t.oldest = e.newer
	}
}

// resize says how much an entry's value takes, and makes room if that is too much.
func (t *table[V]) resize(e *entry[V], size int64) {
	if !e.gone {
		t.bytes += size - e.size
		e.size = size
	}
	for t.bytes > t.limit && t.oldest != nil {
		t.drop(t.oldest)
		t.evicted++
	}
}

func (t *table[V]) drop(e *entry[V]) {
	if e.gone {
		return
	}
	t.unlink(e)
	delete(t.byKey, e.key)
	t.bytes -= fixedSize + int64(len(e.key)) + e.size
	e.gone = true
	if len(t.byKey) == 0 {
		t.byKey = map[string]*entry[V]{} // a map does not shrink
	}
}

// expire drops some of the oldest entries that are of no use any more.
func (t *table[V]) expire(over func(*V) bool) {
	for range 2 {
		if t.oldest == nil || !over(&t.oldest.value) {
			return
		}
		t.drop(t.oldest)
	}
}
