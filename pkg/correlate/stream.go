package correlate

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// Lateness is how far behind the newest event of its cluster an event may come: an
// API server sends a batch again for some four minutes.
const Lateness = 5 * time.Minute

// DefaultMemory is how many bytes are kept of a rule.
const DefaultMemory = 16 << 20

// Options are for streams.
type Options struct {
	Memory   int64  // bytes that are kept of a rule, and of all pods together; 0: DefaultMemory
	Hostname string // evt.hostname, of events that are told later
}

// Found is a stateful rule that has fired.
type Found struct {
	Event     *audit.Event   // that it fired with; valid as long as the event just judged
	ID        audit.Identity // of the finding: the same whenever and wherever the same events are judged
	Trigger   audit.Identity // of the event
	Detection match.Detection
}

// Counters count since a stream was made.
type Counters struct {
	Late    uint64   // events that came more than Lateness behind, and met a rule's condition
	Evicted uint64   // keys that made room for others
	Found   uint64   // detections
	Faults  uint64   // rules that failed on an event: defects of this program
	Bytes   int64    // kept now, about
	Rules   []Gauged // each rule by itself
}

// Gauged is what is kept of a rule.
type Gauged struct {
	Name    string
	Keys    int
	Bytes   int64
	Evicted uint64
}

// Stream is the state of a run of events through the rules. It is for one goroutine at
// a time.
type Stream struct {
	rules    *Rules
	opt      Options
	clusters map[string]*clock
	states   []state // by rule
	finished *finished
	pods     *pods
	counters Counters
	found    []Found

	c  *field.Context // of the event being judged
	id audit.Identity
}

// clock is the time of a cluster, in nanoseconds since 1970.
type clock struct {
	name       string
	key        string // of a rule that has none but the cluster; "": not made yet
	first, max int64
	told       int64 // when the states were told last
}

// own is the key of what is about the cluster as such.
func (k *clock) own() string {
	if k.key == "" {
		k.key = string(appendText(nil, k.name))
	}
	return k.key
}

// mark is the time that no event counts any more from before.
func (k *clock) mark() int64 { return k.max - int64(Lateness) }

// state is what is kept of a rule.
type state interface {
	// observe takes an event that meets the rule's condition.
	observe(s *Stream, k *clock, h *hit)
	// advance does what is due when all events before a time have come.
	advance(s *Stream, k *clock, mark int64)
	gauge() Gauged
	transfer(x *codec, s *Stream)
}

// NewStream begins a run.
func NewStream(r *Rules, opt Options) *Stream {
	if opt.Memory <= 0 {
		opt.Memory = DefaultMemory
	}
	s := &Stream{rules: r, opt: opt, clusters: map[string]*clock{}}
	for i := range r.rules {
		s.states = append(s.states, newState(r.rules[i], int32(i), opt.Memory))
	}
	if len(r.timed) > 0 {
		s.finished = newFinished(opt.Memory)
	}
	if r.seen {
		s.pods = newPods(opt.Memory)
	}
	return s
}

func newState(r *rule, n int32, memory int64) state {
	if r.state == nil {
		return &alone{rule: r, n: n}
	}
	switch r.state.Kind {
	case rules.Threshold:
		return newThreshold(r, n, memory)
	case rules.Sequence:
		return newSequence(r, n, memory)
	case rules.NewTerms:
		return newTerms(r, n, memory)
	}
	if len(r.state.Timers) > 0 {
		return newCompletion(r, n, memory)
	}
	return newSilence(r, n, memory)
}

// maxClusters bounds the clusters of a stream; the events of others are left out.
const maxClusters = 10_000

// Times outside of these are no clock's.
var (
	earliest = time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Observe takes the next event, with what [Rules.Look] said of it, and gives what it
// made fire, which may be about events before it. What it gives is valid until the
// next call.
func (s *Stream) Observe(c *field.Context, o *Observation) []Found {
	s.found = s.found[:0]
	if len(s.states) == 0 {
		return nil
	}
	k := s.clock(c.Event)
	if k == nil {
		s.late(o)
		return nil
	}
	now := c.Event.Time.UnixNano()
	if k.max = max(k.max, now); now >= k.mark() {
		k.first = min(k.first, now)
	}
	if o != nil {
		s.take(k, c, o, now)
	}
	s.c = c
	s.tell(k, k.mark())
	s.c = nil
	return s.found
}

// clock is that of the event's cluster.
func (s *Stream) clock(e *audit.Event) *clock {
	if e.Time.Before(earliest) || e.Time.After(latest) {
		return nil
	}
	k := s.clusters[e.Cluster]
	if k == nil {
		if len(s.clusters) >= maxClusters {
			return nil
		}
		now := e.Time.UnixNano()
		k = &clock{name: string([]byte(e.Cluster)), first: now, max: now, told: now}
		s.clusters[k.name] = k
	}
	return k
}

func (s *Stream) late(o *Observation) {
	if o != nil && len(o.hits) > 0 {
		s.counters.Late++
	}
}

func (s *Stream) take(k *clock, c *field.Context, o *Observation, now int64) {
	s.counters.Faults += uint64(len(o.Faults))
	if o.pod != nil {
		s.pods.note(now, o.pod)
	}
	if now < k.mark() {
		s.late(o)
		return
	}
	if o.finishes {
		s.finish(k, o.request, now)
	}
	if len(o.hits) == 0 {
		return
	}
	s.c, s.id = c, o.id
	if s.pods != nil {
		c.Seen = s.pods.of(c.Event)
	}
	for i := range o.hits {
		h := &o.hits[i]
		if h.pending && !s.settle(h, c) {
			continue
		}
		s.states[h.rule].observe(s, k, h)
	}
	c.Seen, s.c = nil, nil
}

// identity is that of the event being judged.
func (s *Stream) identity() audit.Identity {
	if s.c != nil {
		s.id = orOf(s.id, s.c.Event)
	}
	return s.id
}

// settle judges a condition that asks for what was seen before.
func (s *Stream) settle(h *hit, c *field.Context) bool {
	rule := s.rules.rules[h.rule]
	holds, err := rule.whole[h.step].Holds(c)
	if err != nil {
		s.counters.Faults++
		return false
	}
	return holds && rule.fill(h, c)
}

// tellEvery is how often the states are told what time it is: what is due is found by
// the times of events, so that nothing hangs on it.
const tellEvery = int64(time.Second)

func (s *Stream) tell(k *clock, mark int64) {
	if k.max-k.told < tellEvery {
		return
	}
	k.told = k.max
	for _, st := range s.states {
		st.advance(s, k, mark)
	}
	if s.finished != nil {
		s.finished.forget(k)
	}
}

// Tick tells a stream that no event is on its way, and what time it is by a clock: a
// cluster can be silent without any event that says so. Nothing else goes by it.
func (s *Stream) Tick(now time.Time) []Found {
	s.found = s.found[:0]
	for _, k := range s.clusters {
		for _, st := range s.states {
			if silence, ok := st.(*silence); ok {
				silence.advance(s, k, max(k.max, now.UnixNano())-int64(Lateness))
			}
		}
	}
	return s.found
}

// End tells a stream that no event comes any more, and gives what fires for that: what
// is late can not come any more either.
func (s *Stream) End() []Found {
	s.found = s.found[:0]
	for _, k := range s.clusters {
		for _, st := range s.states {
			st.advance(s, k, k.max)
		}
	}
	return s.found
}

// Counters gives the counts.
func (s *Stream) Counters() Counters {
	c := s.counters
	c.Rules = nil
	for i, st := range s.states {
		g := st.gauge()
		g.Name = s.rules.rules[i].spec.Name
		c.Bytes += g.Bytes
		c.Evicted += g.Evicted
		c.Rules = append(c.Rules, g)
	}
	if s.pods != nil {
		c.Bytes += s.pods.known.bytes
		c.Evicted += s.pods.known.evicted
	}
	if s.finished != nil {
		c.Bytes += s.finished.bytes()
		c.Evicted += s.finished.evicted
	}
	return c
}

// fire notes that a rule has fired with the event being judged, or an earlier one.
func (s *Stream) fire(n int32, k *clock, key string, window int64, x field.Correlation, with *kept) {
	r := s.rules.rules[n]
	var c field.Context
	if s.c != nil {
		c = *s.c
	}
	var trigger audit.Identity
	if with == nil {
		trigger = s.identity()
	} else {
		c = field.Context{Event: with.event, Num: with.num, First: c.First, Hostname: s.opt.Hostname}
		trigger = orOf(with.id, with.event)
	}
	if s.pods != nil {
		c.Seen = s.pods.of(c.Event)
	}
	c.Correlation = &x
	d, err := r.single.Detection(&c)
	if err != nil {
		s.counters.Faults++
		return
	}
	s.counters.Found++
	s.found = append(s.found, Found{Event: c.Event, ID: findingID(r.spec.Name, k.name, key, window), Trigger: trigger, Detection: d})
}

// findingID tells findings apart.
func findingID(rule, cluster, key string, window int64) (id audit.Identity) {
	h := sha256.New()
	var n [8]byte
	for _, s := range []string{"kubewitness correlate 1", rule, cluster, key} {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		_, _ = io.WriteString(h, s)
	}
	binary.BigEndian.PutUint64(n[:], uint64(window))
	h.Write(n[:])
	h.Sum(id[:0])
	return id
}

// alone is the state of a rule that only asks for what was seen before: there is none.
type alone struct {
	rule *rule
	n    int32
}

func (a *alone) observe(s *Stream, k *clock, _ *hit) {
	c := *s.c
	d, err := a.rule.single.Detection(&c)
	if err != nil {
		s.counters.Faults++
		return
	}
	s.counters.Found++
	trigger := s.identity()
	s.found = append(s.found, Found{Event: c.Event, ID: findingID(a.rule.spec.Name, k.name, string(trigger[:]), 0), Trigger: trigger, Detection: d})
}

func (a *alone) advance(*Stream, *clock, int64) {}
func (a *alone) gauge() Gauged                  { return Gauged{} }
func (a *alone) transfer(*codec, *Stream)       {}

// floor is the multiple of size that is not above t.
func floor(t int64, size time.Duration) int64 {
	n := t % int64(size)
	if n < 0 {
		n += int64(size)
	}
	return t - n
}

// kept is an event that may have to be told later.
type kept struct {
	event *audit.Event
	id    audit.Identity
	num   uint64
}

// largestKept is how large an event may be that is kept.
const largestKept = 256 << 10

// keep keeps the event being judged; nil where it is too large.
func (s *Stream) keep() *kept {
	if len(s.c.Event.Raw) > largestKept {
		return nil
	}
	return &kept{event: s.c.Event.Clone(), id: s.id, num: s.c.Num}
}

// size is about what it takes.
func (k *kept) size() int64 {
	if k == nil {
		return 0
	}
	return 320 + int64(len(k.event.Raw))
}
