package correlate

import (
	"bytes"
	"cmp"
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

const stageReceived = "RequestReceived"

// requestKey tells requests apart. A client can choose the audit ID, so that alone
// would let it complete one request with another.
type requestKey [16]byte

func requestKeyOf(e *audit.Event) (key requestKey) {
	h := sha256.New()
	root := e.Root()
	var n [8]byte
	for _, s := range []string{e.Cluster, e.AuditID, root.Get("verb").Text(), root.Get("requestURI").Text(),
		root.Path("user", "username").Text(), root.Get("requestReceivedTimestamp").Text()} {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		_, _ = io.WriteString(h, s)
	}
	var sum [sha256.Size]byte
	copy(key[:], h.Sum(sum[:0]))
	return key
}

// finished tells whether an event completes a request that has a time for it.
func (r *Rules) finished(e *audit.Event) (key requestKey, ok bool) {
	if e.Stage == stageReceived || e.Stage == "" || !r.timed[verbOf(e)] {
		return key, false
	}
	return requestKeyOf(e), true
}

// lasts tells whether a request lasts as long as the client likes.
func lasts(e *audit.Event) bool {
	root := e.Root()
	if verb := root.Get("verb").Text(); verb == "watch" || verb == "connect" {
		return true
	}
	uri := root.Get("requestURI").Text()
	_, query, _ := strings.Cut(uri, "?")
	switch root.Path("objectRef", "subresource").Text() {
	case "exec", "attach", "portforward", "proxy":
		return true
	case "log":
		return strings.Contains(query, "follow=")
	}
	return strings.Contains(query, "watch=")
}

// asked tells whether an event is of an admission review: no later stage is of the same one.
func asked(e *audit.Event) bool {
	return e.Root().Path("annotations", "admission.kubewitness.io/uid").Exists()
}

// finished are the requests that were completed lately: their beginning may still
// come.
type finished struct {
	at      map[requestKey]int64
	minutes map[minute][]requestKey // in which they were completed
	limit   int
	evicted uint64
}

type minute struct {
	cluster string
	begin   int64
}

// finishedSize is about what one of them takes.
const finishedSize = 96

func newFinished(memory int64) *finished {
	return &finished{at: map[requestKey]int64{}, minutes: map[minute][]requestKey{}, limit: int(memory / finishedSize)}
}

func (f *finished) bytes() int64 { return int64(len(f.at)) * finishedSize }

func (f *finished) add(k *clock, key requestKey, at int64) {
	if old, ok := f.at[key]; ok && old <= at {
		return
	}
	f.at[key] = at
	m := minute{k.name, floor(at, time.Minute)}
	f.minutes[m] = append(f.minutes[m], key)
	if len(f.at) > f.limit {
		f.drop(f.earliest())
	}
}

func (f *finished) earliest() (first minute) {
	found := false
	for m := range f.minutes {
		if !found || cmp.Or(cmp.Compare(m.begin, first.begin), cmp.Compare(m.cluster, first.cluster)) < 0 {
			first, found = m, true
		}
	}
	return first
}

func (f *finished) drop(m minute) {
	for _, key := range f.minutes[m] {
		if at, ok := f.at[key]; ok && floor(at, time.Minute) == m.begin {
			delete(f.at, key)
			f.evicted++
		}
	}
	delete(f.minutes, m)
}

// forget drops those whose beginning can not come any more.
func (f *finished) forget(k *clock) {
	evicted := f.evicted
	for m := range f.minutes {
		if m.cluster == k.name && m.begin+int64(time.Minute) < k.mark() {
			f.drop(m)
		}
	}
	f.evicted = evicted
}

// finish notes that a request was completed.
func (s *Stream) finish(k *clock, key requestKey, at int64) {
	s.finished.add(k, key, at)
	for _, st := range s.states {
		if c, ok := st.(*completion); ok {
			c.finish(key, at)
		}
	}
}

// completion finds requests that were received and never completed.
type completion struct {
	rule *rule
	n    int32
	open *table[request]
	due  map[*clock]*deadlines
}

// request is one that was received.
type request struct {
	event    *kept
	deadline int64
}

func newCompletion(r *rule, n int32, memory int64) *completion {
	return &completion{rule: r, n: n, open: newTable[request](memory), due: map[*clock]*deadlines{}}
}

func (c *completion) observe(s *Stream, k *clock, _ *hit) {
	e := s.c.Event
	key := requestKeyOf(e)
	deadline := e.Time.UnixNano() + int64(c.rule.state.Timers[verbOf(e)])
	if at, ok := s.finished.at[key]; ok && at <= deadline {
		return
	}
	if c.open.get(string(key[:])) != nil {
		return // it came before
	}
	event := s.keep()
	if event == nil {
		c.open.evicted++
		return
	}
	x := c.open.touch(string(key[:]))
	x.value = request{event, deadline}
	c.wait(k, x)
	c.open.resize(x, event.size()+64)
}

func (c *completion) wait(k *clock, x *entry[request]) {
	if c.due[k] == nil {
		c.due[k] = &deadlines{}
	}
	heap.Push(c.due[k], x)
}

func (c *completion) finish(key requestKey, at int64) {
	if x := c.open.get(string(key[:])); x != nil && at <= x.value.deadline {
		c.open.drop(x)
	}
}

func (c *completion) advance(s *Stream, k *clock, mark int64) {
	due := c.due[k]
	for due != nil && len(*due) > 0 && (*due)[0].value.deadline < mark {
		x := heap.Pop(due).(*entry[request])
		if x.gone {
			continue
		}
		event := x.value.event
		c.open.drop(x)
		at := event.event.Time
		s.fire(c.n, k, x.key, at.UnixNano(), field.Correlation{First: at, Last: at, Values: []string{limited(event.event.AuditID)}}, event)
	}
}

func (c *completion) gauge() Gauged {
	return Gauged{Keys: len(c.open.byKey), Bytes: c.open.bytes, Evicted: c.open.evicted}
}

// deadlines are requests, the one with the next deadline first.
type deadlines []*entry[request]

func (d deadlines) Len() int { return len(d) }
func (d deadlines) Less(i, j int) bool {
	a, b := d[i], d[j]
	return cmp.Or(cmp.Compare(a.value.deadline, b.value.deadline), bytes.Compare([]byte(a.key), []byte(b.key))) < 0
}
func (d deadlines) Swap(i, j int) { d[i], d[j] = d[j], d[i] }

// Push implements heap.Interface.
func (d *deadlines) Push(x any) { *d = append(*d, x.(*entry[request])) }

// Pop implements heap.Interface.
func (d *deadlines) Pop() any {
	last := len(*d) - 1
	x := (*d)[last]
	(*d)[last] = nil
	*d = (*d)[:last]
	return x
}
