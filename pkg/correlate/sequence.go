package correlate

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"github.com/kubewitness/kubewitness/pkg/field"
)

// sequence finds events of several steps, one after the other.
type sequence struct {
	rule *rule
	n    int32
	keys *table[trail]
}

// trail is what is known of a key.
type trail struct {
	clock *clock
	steps [][]mark // by step, in the order of time
	fired []int64
}

// mark is an event of a step.
type mark struct {
	at             int64
	id             uint64 // tells events of one time apart
	audit          string
	differs, ahead string
	event          *kept // of the last step, as long as an event of the others can still come before it

	start int64 // of the chain that ends here, if any; for one search only
	from  int32 // the mark before in that chain
}

// mostMarks is how many events of a step are kept of a key and a time of the length
// "within": the first ones and the last ones.
const mostMarks = 64

func newSequence(r *rule, n int32, memory int64) *sequence {
	return &sequence{rule: r, n: n, keys: newTable[trail](memory)}
}

func (q *sequence) within() int64 { return int64(q.rule.state.Within) }

func (q *sequence) window(at int64) int64 {
	return floor(floor(at, q.rule.state.Within), q.rule.state.Suppress)
}

func (q *sequence) observe(s *Stream, k *clock, h *hit) {
	at := s.c.Event.Time.UnixNano()
	e := q.keys.touch(h.key)
	v := &e.value
	if v.clock = k; v.steps == nil {
		v.steps = make([][]mark, len(q.rule.state.Steps))
	}
	q.forget(v, k.mark())
	id := s.identity()
	m := mark{at: at, id: binary.LittleEndian.Uint64(id[:]), audit: limited(s.c.Event.AuditID), differs: h.differs, ahead: h.ahead}
	if q.add(s, v, int(h.step), m) {
		q.check(s, k, h.key, v, at)
	}
	q.keys.resize(e, v.size())
	q.keys.expire(func(v *trail) bool { return q.over(v) })
}

// limited is a text that a client chooses.
func limited(text string) string { return string([]byte(text[:min(len(text), longestText)])) }

// add is false for an event that came before.
func (q *sequence) add(s *Stream, v *trail, step int, m mark) bool {
	list := v.steps[step]
	i, known := slices.BinarySearchFunc(list, m, func(a, b mark) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	if known {
		return false
	}
	if step == len(v.steps)-1 {
		m.event = s.keep()
	}
	list = slices.Insert(list, i, m)
	v.steps[step] = q.thin(list, m.at)
	return true
}

// thin takes the middle out of what lies in the same time as a mark, if it is too much.
func (q *sequence) thin(list []mark, at int64) []mark {
	begin := floor(at, q.rule.state.Within)
	byTime := func(m mark, at int64) int { return cmp.Compare(m.at, at) }
	from, _ := slices.BinarySearchFunc(list, begin, byTime)
	to, _ := slices.BinarySearchFunc(list, begin+q.within(), byTime)
	if to-from <= mostMarks {
		return list
	}
	middle := from + (to-from)/2
	return slices.Delete(list, middle, middle+1)
}

// check fires for the sequences that an event at a time has completed: those that end
// with it or after it.
func (q *sequence) check(s *Stream, k *clock, key string, v *trail, at int64) {
	last := v.steps[len(v.steps)-1]
	end, _ := slices.BinarySearchFunc(last, at, func(m mark, at int64) int { return cmp.Compare(m.at, at) })
	searched := false
	for ; end < len(last) && last[end].at <= at+q.within(); end++ {
		window := q.window(last[end].at)
		if slices.Contains(v.fired, window) {
			continue
		}
		if !searched {
			if !q.search(v) {
				return
			}
			searched = true
		}
		m := &last[end]
		if m.start == math.MinInt64 || m.at-m.start > q.within() {
			continue
		}
		v.fired = append(v.fired, window)
		slices.Sort(v.fired)
		x := field.Correlation{Count: uint64(len(v.steps)), First: timeOf(m.start), Last: timeOf(m.at), Key: textsOf(key)[1:], Values: q.chain(v, end)}
		s.fire(q.n, k, key, window, x, m.event)
	}
}

// search finds, for each mark, the chain that ends with it and begins last. It is false
// where a step has no marks at all.
func (q *sequence) search(v *trail) bool {
	for step, list := range v.steps {
		if len(list) == 0 {
			return false
		}
		for i := range list {
			m := &list[i]
			if step == 0 {
				m.start = m.at
				continue
			}
			m.start = math.MinInt64
			differs := len(q.rule.differ[step]) > 0
			before := v.steps[step-1]
			for j := range before {
				b := &before[j]
				if b.at >= m.at {
					break
				}
				if b.start >= m.start && b.start != math.MinInt64 && (!differs || b.ahead != m.differs) {
					m.start, m.from = b.start, int32(j)
				}
			}
		}
	}
	return true
}

// chain gives the audit IDs of the events of a chain, in their order.
func (q *sequence) chain(v *trail, end int) []string {
	ids := make([]string, len(v.steps))
	at := end
	for step := len(v.steps) - 1; step >= 0; step-- {
		m := &v.steps[step][at]
		ids[step], at = m.audit, int(m.from)
	}
	return ids
}

func (q *sequence) forget(v *trail, from int64) {
	for step, list := range v.steps {
		n := 0
		for n < len(list) && list[n].at+q.within() < from {
			n++
		}
		v.steps[step] = slices.Delete(list, 0, n)
	}
	for last, i := v.steps[len(v.steps)-1], 0; i < len(last) && last[i].at <= from; i++ {
		last[i].event = nil // nothing comes before it any more
	}
	v.fired = forgetFired(v.fired, from, q.rule.state.Within, q.rule.state.Suppress)
}

func (q *sequence) over(v *trail) bool {
	mark := v.clock.mark()
	if n := len(v.fired); n > 0 && v.fired[n-1]+int64(q.rule.state.Suppress)+q.within() > mark {
		return false
	}
	for _, list := range v.steps {
		if n := len(list); n > 0 && list[n-1].at+q.within() >= mark {
			return false
		}
	}
	return true
}

func (v *trail) size() int64 {
	size := int64(8*cap(v.fired) + 24*len(v.steps))
	for _, list := range v.steps {
		size += 112 * int64(cap(list))
		for i := range list {
			size += int64(len(list[i].audit)+len(list[i].differs)+len(list[i].ahead)) + list[i].event.size()
		}
	}
	return size
}

func (q *sequence) advance(*Stream, *clock, int64) {}

func (q *sequence) gauge() Gauged {
	return Gauged{Keys: len(q.keys.byKey), Bytes: q.keys.bytes, Evicted: q.keys.evicted}
}
