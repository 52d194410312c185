package correlate

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/field"
)

// terms finds values that were not there before.
type terms struct {
	rule  *rule
	n     int32
	known *table[sighted]
	since map[string]int64 // by cluster that was known before the rule: when it was put in force
	owed  map[*clock][]*entry[sighted]
}

// sighted is what is known of a key and a value.
type sighted struct {
	clock *clock
	days  [3]int32 // on which it was there: the last ones, the latest first; 0: none
	owed  *kept    // the first event of a day of which not all that came before has come
	key   int32    // bytes of the entry's key that are the rule's
}

func newTerms(r *rule, n int32, memory int64) *terms {
	return &terms{rule: r, n: n, known: newTable[sighted](memory), since: map[string]int64{}, owed: map[*clock][]*entry[sighted]{}}
}

func (t *terms) observe(s *Stream, k *clock, h *hit) {
	at := s.c.Event.Time.UnixNano()
	e := t.known.touch(h.key + h.value)
	v := &e.value
	v.clock, v.key = k, int32(len(h.key))
	day := dayOf(at)
	switch fresh := v.note(day); {
	case !fresh && (v.owed == nil || dayOf(v.owed.event.Time.UnixNano()) != day):
	case midnight(day) > k.mark(): // an event of the day before may still come
		t.owe(s, k, e)
	case fresh && v.isNew(day, t.rule) && t.learned(k, day):
		t.fire(s, k, e, day, nil)
	}
	t.known.resize(e, v.owed.size())
	t.known.expire(func(v *sighted) bool {
		return v.owed == nil && midnight(v.days[0]+days(t.rule.state.Within)+1) < v.clock.mark()
	})
}

// learned tells whether on a day the time to learn is over.
func (t *terms) learned(k *clock, day int32) bool {
	since, late := t.since[k.name]
	if !late {
		since = k.first
	}
	return t.rule.state.Learning == 0 || midnight(day) >= since+int64(t.rule.state.Learning)
}

// note notes a day and tells whether it is the first time on that day.
func (v *sighted) note(day int32) bool {
	for i, d := range v.days {
		switch {
		case d == day:
			return false
		case d < day:
			copy(v.days[i+1:], v.days[i:])
			v.days[i] = day
			return true
		}
	}
	return true
}

// isNew tells whether a value that is there on a day was not there before.
func (v *sighted) isNew(day int32, r *rule) bool {
	for _, d := range v.days {
		if d != 0 && d < day && d >= day-days(r.state.Within) {
			return false
		}
	}
	return true
}

// owe keeps an event of a day that has just begun: whether its value is new is known
// when all of the day before has come. The first one is kept.
func (t *terms) owe(s *Stream, k *clock, e *entry[sighted]) {
	v, id := &e.value, s.identity()
	if v.owed != nil {
		a, b := s.c.Event.Time, v.owed.event.Time
		if cmp.Or(a.Compare(b), bytes.Compare(id[:], v.owed.id[:])) >= 0 {
			return
		}
	} else {
		t.owed[k] = append(t.owed[k], e)
	}
	if v.owed = s.keep(); v.owed == nil { // too large to wait with
		if day := dayOf(s.c.Event.Time.UnixNano()); v.isNew(day, t.rule) && t.learned(k, day) {
			t.fire(s, k, e, day, nil)
		}
	}
}

func (t *terms) advance(s *Stream, k *clock, mark int64) {
	owed := t.owed[k]
	if len(owed) == 0 {
		return
	}
	later := owed[:0]
	var due []*entry[sighted]
	for _, e := range owed {
		switch {
		case e.gone || e.value.owed == nil:
		case midnight(dayOf(e.value.owed.event.Time.UnixNano())) > mark:
			later = append(later, e)
		default:
			due = append(due, e)
		}
	}
	clear(owed[len(later):])
	t.owed[k] = later
	slices.SortFunc(due, func(a, b *entry[sighted]) int {
		x, y := a.value.owed, b.value.owed
		return cmp.Or(x.event.Time.Compare(y.event.Time), bytes.Compare(x.id[:], y.id[:]), cmp.Compare(a.key, b.key))
	})
	for _, e := range due {
		event := e.value.owed
		e.value.owed = nil
		if day := dayOf(event.event.Time.UnixNano()); e.value.isNew(day, t.rule) && t.learned(k, day) {
			t.fire(s, k, e, day, event)
		}
		t.known.resize(e, 0)
	}
}

func (t *terms) fire(s *Stream, k *clock, e *entry[sighted], day int32, with *kept) {
	var at time.Time
	if with != nil {
		at = with.event.Time
	} else {
		at = s.c.Event.Time
	}
	key := e.key[:e.value.key]
	s.fire(t.n, k, e.key, midnight(day), field.Correlation{
		Count: 1, First: at, Last: at, Key: textsOf(key)[1:], Values: []string{shownText(e.key[e.value.key:])},
	}, with)
}

func (t *terms) gauge() Gauged {
	return Gauged{Keys: len(t.known.byKey), Bytes: t.known.bytes, Evicted: t.known.evicted}
}

// days is how many whole days a length of time has.
func days(d time.Duration) int32 { return int32(d / (24 * time.Hour)) }

// dayOf is the number of the day of UTC that a time is on.
func dayOf(at int64) int32 { return int32(floor(at, 24*time.Hour) / int64(24*time.Hour)) }

// midnight is when a day begins.
func midnight(day int32) int64 { return int64(day) * int64(24*time.Hour) }
