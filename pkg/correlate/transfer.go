package correlate

import (
	"bytes"
	"cmp"
	"container/heap"
	"maps"
	"slices"
	"time"
)

// The states of rules, as they are written and read.

func (t *threshold) transfer(x *codec, s *Stream) {
	entries(x, t.keys, func(e *entry[tally]) {
		v := &e.value
		x.cluster(s, &v.clock)
		x.times(&v.fired)
		each(x, &v.stretches, func(st *stretch) {
			x.int(&st.begin)
			each(x, &st.times, func(m *moment) {
				x.int(&m.at)
				x.uint(&m.id)
			})
			each(x, &st.values, func(p *span) {
				x.text(&p.value)
				x.int(&p.first)
				x.int(&p.last)
			})
			if x.reads() && len(st.values) > fewValues {
				st.reindex()
			}
		})
	}, (*tally).size)
}

func (q *sequence) transfer(x *codec, s *Stream) {
	entries(x, q.keys, func(e *entry[trail]) {
		v := &e.value
		x.cluster(s, &v.clock)
		x.times(&v.fired)
		each(x, &v.steps, func(list *[]mark) {
			each(x, list, func(m *mark) {
				x.int(&m.at)
				x.uint(&m.id)
				x.text(&m.audit)
				x.text(&m.differs)
				x.text(&m.ahead)
				x.kept(&m.event)
			})
		})
		if len(v.steps) != len(q.rule.state.Steps) {
			x.fail(errSnapshot)
		}
	}, (*trail).size)
}

func (t *terms) transfer(x *codec, s *Stream) {
	names := slices.Sorted(maps.Keys(t.since))
	each(x, &names, func(name *string) {
		x.text(name)
		since := t.since[*name]
		x.int(&since)
		t.since[*name] = since
	})
	entries(x, t.known, func(e *entry[sighted]) {
		v := &e.value
		x.cluster(s, &v.clock)
		for i := range v.days {
			x.short(&v.days[i])
		}
		x.short(&v.key)
		x.kept(&v.owed)
		if x.reads() && (v.key < 0 || int(v.key) > len(e.key)) {
			x.fail(errSnapshot)
		}
		if x.reads() && x.err == nil && v.owed != nil {
			t.owed[v.clock] = append(t.owed[v.clock], e)
		}
	}, func(v *sighted) int64 { return v.owed.size() })
}

func (c *completion) transfer(x *codec, s *Stream) {
	entries(x, c.open, func(e *entry[request]) {
		v := &e.value
		x.int(&v.deadline)
		x.kept(&v.event)
		if !x.reads() || x.err != nil {
			return
		}
		if v.event == nil || s.clusters[v.event.event.Cluster] == nil {
			x.fail(errSnapshot)
			return
		}
		c.wait(s.clusters[v.event.event.Cluster], e)
	}, func(v *request) int64 { return v.event.size() + 64 })
	if x.reads() {
		for _, due := range c.due {
			heap.Init(due)
		}
	}
}

func (q *silence) transfer(x *codec, s *Stream) {
	entries(x, q.keys, func(e *entry[pulse]) {
		v := &e.value
		x.cluster(s, &v.clock)
		each(x, &v.beats, func(b *beat) {
			x.int(&b.begin)
			x.int(&b.first)
			x.int(&b.last)
			x.kept(&b.event)
		})
		if x.reads() && x.err == nil {
			q.next[v.clock] = 0 // look at once
		}
	}, (*pulse).size)
}

func (f *finished) transfer(x *codec, s *Stream) {
	type done struct {
		cluster string
		key     requestKey
		at      int64
	}
	var all []done
	if !x.reads() {
		for m, keys := range f.minutes {
			for _, key := range keys {
				if at, ok := f.at[key]; ok && floor(at, time.Minute) == m.begin {
					all = append(all, done{m.cluster, key, at})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b done) int { return cmp.Or(cmp.Compare(a.at, b.at), bytes.Compare(a.key[:], b.key[:])) })
	all = slices.CompactFunc(all, func(a, b done) bool { return a.key == b.key })
	each(x, &all, func(d *done) {
		x.text(&d.cluster)
		x.fixed(d.key[:])
		x.int(&d.at)
	})
	if !x.reads() {
		return
	}
	for _, d := range all {
		if k := s.clusters[d.cluster]; k != nil {
			f.add(k, d.key, d.at)
		}
	}
}

func (p *pods) transfer(x *codec) {
	entries(x, p.known, func(e *entry[pod]) {
		v := &e.value
		x.int(&v.at)
		x.text(&v.seen.UID)
		x.bool(&v.seen.Privileged)
		x.text(&v.seen.Workload)
		x.text(&v.seen.Node)
		each(x, &v.seen.Images, x.text)
	}, (*pod).size)
}
