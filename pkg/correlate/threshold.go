package correlate

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/field"
)

// threshold counts events, or distinct values, within a time.
//
// Of a key there are stretches of time as long as the rule's "within". Of the
// events in one stretch the first N and the last N are enough, N being the count
// that is asked for: no time of the length "within" has only such in it that are
// neither, and one that has more than N of a stretch is full anyway. The same goes
// for distinct values.
type threshold struct {
	rule *rule
	n    int32
	keys *table[tally]

	scratch map[string]int
	flat    []moment
}

// tally is what is counted of a key.
type tally struct {
	clock     *clock
	stretches []stretch // in their order
	fired     []int64   // windows, in their order
}

// stretch is a part of a tally.
type stretch struct {
	begin  int64
	times  []moment         // of events, in their order
	values []span           // distinct ones
	index  map[string]int32 // of values; nil while there are few
}

// moment is an event that counts; of a distinct value its first or last one.
type moment struct {
	at int64
	id uint64 // tells events of one time apart
	of string // the value
}

// span is where in a stretch a value is.
type span struct {
	value       string
	first, last int64
}

func newThreshold(r *rule, n int32, memory int64) *threshold {
	return &threshold{rule: r, n: n, keys: newTable[tally](memory), scratch: map[string]int{}}
}

func (t *threshold) within() int64 { return int64(t.rule.state.Within) }

// window is the one that a time is in: a stretch is never in two.
func (t *threshold) window(at int64) int64 {
	return floor(floor(at, t.rule.state.Within), t.rule.state.Suppress)
}

func (t *threshold) observe(s *Stream, k *clock, h *hit) {
	at := s.c.Event.Time.UnixNano()
	e := t.keys.touch(h.key)
	v := &e.value
	v.clock = k
	v.forget(k.mark(), t.rule.state.Within, t.rule.state.Suppress)
	i := v.stretch(floor(at, t.rule.state.Within))
	if len(t.rule.values) > 0 {
		v.stretches[i].addValue(h.value, at, t.rule.state.Count)
	} else {
		id := s.identity()
		v.stretches[i].addTime(moment{at: at, id: binary.LittleEndian.Uint64(id[:])}, t.rule.state.Count)
	}
	if !v.hasFired(t.window(at)) || !v.hasFired(t.window(at+t.within()-1)) {
		t.check(s, k, h.key, v, i, at)
	}
	t.keys.resize(e, v.size())
	t.keys.expire(func(v *tally) bool { return v.over(t.rule.state.Within, t.rule.state.Suppress) })
}

// check fires for what an event at a time has filled: times that end with it, or
// with one after it.
func (t *threshold) check(s *Stream, k *clock, key string, v *tally, i int, at int64) {
	begin := v.stretches[i].begin
	t.flat = t.flat[:0]
	for j := max(0, i-1); j < len(v.stretches) && v.stretches[j].begin <= begin+t.within(); j++ {
		if v.stretches[j].begin >= begin-t.within() {
			t.flat = v.stretches[j].flatten(t.flat)
		}
	}
	if len(t.flat) < t.rule.state.Count {
		return
	}
	if len(t.rule.values) > 0 {
		slices.SortFunc(t.flat, func(a, b moment) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.of, b.of)) })
	}
	end, _ := slices.BinarySearchFunc(t.flat, at, func(m moment, at int64) int { return cmp.Compare(m.at, at) })
	for ; end < len(t.flat) && t.flat[end].at < at+t.within(); end++ {
		window := t.window(t.flat[end].at)
		if v.hasFired(window) {
			continue
		}
		first, count := t.full(end)
		if count < t.rule.state.Count {
			continue
		}
		v.fire(window)
		s.fire(t.n, k, key, window, field.Correlation{
			Count: uint64(count), First: timeOf(t.flat[first].at), Last: timeOf(t.flat[end].at), Key: textsOf(key)[1:], Values: t.shown(first, end),
		}, nil)
	}
}

// full counts what is in the time that ends with a moment, back to where it begins or
// there is enough.
func (t *threshold) full(end int) (first, count int) {
	least := t.flat[end].at - t.within()
	if len(t.rule.values) == 0 {
		first, _ = slices.BinarySearchFunc(t.flat[:end+1], least, func(m moment, least int64) int {
			if m.at <= least {
				return -1
			}
			return 1
		})
		return first, end + 1 - first
	}
	clear(t.scratch)
	for first = end; first >= 0 && t.flat[first].at > least; first-- {
		t.scratch[t.flat[first].of]++
	}
	return first + 1, len(t.scratch)
}

// shownValues is how many distinct values are shown.
const shownValues = 20

func (t *threshold) shown(first, end int) (values []string) {
	if len(t.rule.values) == 0 {
		return nil
	}
	for _, m := range t.flat[first : end+1] {
		text := shownText(m.of)
		if len(values) < shownValues && !slices.Contains(values, text) {
			values = append(values, text)
		}
	}
	return values
}

// shownText is a value as people see it.
func shownText(value string) string {
	texts := textsOf(value)
	if len(texts) == 1 {
		return texts[0]
	}
	var out []byte
	for i, text := range texts {
		if i > 0 {
			out = append(out, " | "...)
		}
		out = append(out, text...)
	}
	return string(out)
}

func timeOf(ns int64) time.Time { return time.Unix(0, ns).UTC() }

func (t *threshold) advance(*Stream, *clock, int64) {}

func (t *threshold) gauge() Gauged {
	return Gauged{Keys: len(t.keys.byKey), Bytes: t.keys.bytes, Evicted: t.keys.evicted}
}

func (v *tally) hasFired(window int64) bool { return slices.Contains(v.fired, window) }

func (v *tally) fire(window int64) {
	v.fired = append(v.fired, window)
	slices.Sort(v.fired)
}

// forget drops what no event from a time on can count with.
func (v *tally) forget(from int64, within, suppress time.Duration) {
	n := 0
	for n < len(v.stretches) && v.stretches[n].begin+2*int64(within) <= from {
		n++
	}
	v.stretches = slices.Delete(v.stretches, 0, n)
	v.fired = forgetFired(v.fired, from, within, suppress)
}

// forgetFired drops the windows in which no event from a time on can be.
func forgetFired(fired []int64, from int64, within, suppress time.Duration) []int64 {
	n := 0
	for n < len(fired) && fired[n]+int64(suppress)+int64(within) <= from {
		n++
	}
	return slices.Delete(fired, 0, n)
}

// over tells that nothing that is known of a key is of use any more.
func (v *tally) over(within, suppress time.Duration) bool {
	mark := v.clock.mark()
	if n := len(v.fired); n > 0 && v.fired[n-1]+int64(suppress)+int64(within) > mark {
		return false
	}
	n := len(v.stretches)
	return n == 0 || v.stretches[n-1].begin+2*int64(within) <= mark
}

// stretch gives the number of the one that begins at a time.
func (v *tally) stretch(begin int64) int {
	i, ok := slices.BinarySearchFunc(v.stretches, begin, func(s stretch, begin int64) int { return cmp.Compare(s.begin, begin) })
	if !ok {
		v.stretches = slices.Insert(v.stretches, i, stretch{begin: begin})
	}
	return i
}

func (v *tally) size() int64 {
	size := int64(8 * cap(v.fired))
	for i := range v.stretches {
		s := &v.stretches[i]
		size += 96 + 32*int64(cap(s.times)) + 40*int64(cap(s.values)) + 80*int64(len(s.index))
		for k := range s.values {
			size += int64(len(s.values[k].value))
		}
	}
	return size
}

// slack is how much more than needed a stretch holds before it is thinned out.
const slack = 64

func (s *stretch) addTime(m moment, count int) {
	i, ok := slices.BinarySearchFunc(s.times, m, func(a, b moment) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	if ok {
		return // it came before
	}
	s.times = slices.Insert(s.times, i, m)
	if len(s.times) > 2*count+slack {
		s.times = slices.Delete(s.times, count, len(s.times)-count)
	}
}

// fewValues is how many values are looked through one by one.
const fewValues = 16

func (s *stretch) addValue(value string, at int64, count int) {
	if i := s.find(value); i >= 0 {
		s.values[i].first, s.values[i].last = min(s.values[i].first, at), max(s.values[i].last, at)
		return
	}
	s.values = append(s.values, span{value, at, at})
	if s.index != nil {
		s.index[value] = int32(len(s.values) - 1)
	}
	if len(s.values) > 2*count+slack {
		s.thin(count)
	}
	if s.index == nil && len(s.values) > fewValues {
		s.reindex()
	}
}

func (s *stretch) find(value string) int {
	if s.index != nil {
		if i, ok := s.index[value]; ok {
			return int(i)
		}
		return -1
	}
	return slices.IndexFunc(s.values, func(v span) bool { return v.value == value })
}

func (s *stretch) reindex() {
	s.index = make(map[string]int32, len(s.values))
	for i := range s.values {
		s.index[s.values[i].value] = int32(i)
	}
}

// thin leaves the values that came first and those that came last.
func (s *stretch) thin(count int) {
	slices.SortFunc(s.values, func(a, b span) int { return cmp.Or(cmp.Compare(b.last, a.last), cmp.Compare(a.value, b.value)) })
	rest := s.values[count:]
	slices.SortFunc(rest, func(a, b span) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.value, b.value)) })
	// The first ones of all, less those among the last, are among the first of the rest.
	clear(rest[count:])
	s.values = s.values[:2*count]
	s.reindex()
}

// flatten appends the moments of a stretch: of times in their order.
func (s *stretch) flatten(dst []moment) []moment {
	dst = append(dst, s.times...)
	for i := range s.values {
		v := &s.values[i]
		dst = append(dst, moment{at: v.first, of: v.value})
		if v.last != v.first {
			dst = append(dst, moment{at: v.last, of: v.value})
		}
	}
	return dst
}
