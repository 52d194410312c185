package correlate

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// silence finds where after an event none follows for long.
type silence struct {
	rule *rule
	n    int32
	keys *table[pulse]
	next map[*clock]int64 // before which mark none can be due
}

// pulse is what is known of a key. Events in one stretch of the length "within" are
// no gap to each other: the first and the last are enough.
type pulse struct {
	clock *clock
	beats []beat // in their order
}

type beat struct {
	begin, first, last int64
	event              *kept // the last one
}

func newSilence(r *rule, n int32, memory int64) *silence {
	return &silence{rule: r, n: n, keys: newTable[pulse](memory), next: map[*clock]int64{}}
}

func (q *silence) within() int64 { return int64(q.rule.state.Within) }

func (q *silence) observe(s *Stream, k *clock, h *hit) {
	at := s.c.Event.Time.UnixNano()
	key := h.key
	if key == "" {
		key = k.own()
	}
	e := q.keys.touch(key)
	v := &e.value
	v.clock = k
	begin := floor(at, q.rule.state.Within)
	i, ok := slices.BinarySearchFunc(v.beats, begin, func(b beat, begin int64) int { return cmp.Compare(b.begin, begin) })
	if !ok {
		v.beats = slices.Insert(v.beats, i, beat{begin: begin, first: at, last: math.MinInt64})
	}
	b := &v.beats[i]
	b.first = min(b.first, at)
	if at > b.last || at == b.last && b.event != nil && s.before(b.event) {
		b.last = at
		b.event = s.rekeep(b.event)
	}
	if due, ok := q.next[k]; !ok || at+q.within() < due {
		q.next[k] = at + q.within()
	}
	q.keys.resize(e, v.size())
}

// before orders the event being judged and one that is kept, of the same time.
func (s *Stream) before(k *kept) bool {
	mine, other := orOf(s.id, s.c.Event), orOf(k.id, k.event)
	return bytes.Compare(mine[:], other[:]) < 0
}

// orOf is the identity of an event where none was given.
func orOf(id audit.Identity, e *audit.Event) audit.Identity {
	if id == (audit.Identity{}) {
		return e.Identity()
	}
	return id
}

// rekeep keeps the event being judged in the memory of another.
func (s *Stream) rekeep(old *kept) *kept {
	e := s.c.Event
	if old == nil || len(e.Raw) > largestKept || cap(old.event.Raw) < len(e.Raw) {
		return s.keep()
	}
	raw := append(old.event.Raw[:0], e.Raw...)
	stage := old.event.Stage
	if stage != e.Stage {
		stage = strings.Clone(e.Stage)
	}
	*old.event = audit.Event{
		Raw: raw, AuditID: strings.Clone(e.AuditID), Stage: stage, Time: e.Time, DuplicateKeys: e.DuplicateKeys, Cluster: e.Cluster, Labels: e.Labels,
		SourceID: e.SourceID, Review: strings.Clone(e.Review), Input: e.Input, Line: e.Line, Offset: e.Offset,
	}
	old.id, old.num = s.id, s.c.Num
	return old
}

func (v *pulse) size() int64 {
	size := 48 * int64(cap(v.beats))
	for i := range v.beats {
		size += v.beats[i].event.size()
	}
	return size
}

// checkEvery is how often the keys of a cluster are looked through at most.
const checkEvery = 10 * int64(1e9)

func (q *silence) advance(s *Stream, k *clock, mark int64) {
	due, ok := q.next[k]
	if !ok || mark <= due {
		return
	}
	next := int64(math.MaxInt64)
	var over []*entry[pulse]
	for _, e := range q.keys.byKey {
		if e.value.clock != k {
			continue
		}
		over = append(over, e)
	}
	slices.SortFunc(over, func(a, b *entry[pulse]) int { return cmp.Compare(a.key, b.key) })
	for _, e := range over {
		next = min(next, q.settle(s, k, e, mark))
	}
	if next == math.MaxInt64 {
		delete(q.next, k)
		return
	}
	q.next[k] = max(next, mark+checkEvery)
}

// settle fires for the gaps of a key that no event can fill any more, and tells when
// to look again.
func (q *silence) settle(s *Stream, k *clock, e *entry[pulse], mark int64) (next int64) {
	v := &e.value
	done := 0
	for i := range v.beats {
		b := &v.beats[i]
		if b.last+q.within() >= mark {
			break
		}
		done = i + 1
		if i+1 < len(v.beats) && v.beats[i+1].first <= b.last+q.within() {
			continue
		}
		at := timeOf(b.last)
		s.fire(q.n, k, e.key, b.last, field.Correlation{First: at, Last: at, Key: textsOf(e.key)[1:]}, b.event)
	}
	v.beats = slices.Delete(v.beats, 0, done)
	if len(v.beats) == 0 {
		q.keys.drop(e)
		return math.MaxInt64
	}
	q.keys.resize(e, v.size())
	return v.beats[0].last + q.within()
}

func (q *silence) gauge() Gauged {
	return Gauged{Keys: len(q.keys.byKey), Bytes: q.keys.bytes, Evicted: q.keys.evicted}
}
