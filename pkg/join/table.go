package join

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// Times of the rules in the package comment.
const (
	Skew    = time.Second      // by which the clocks of an API server and of this host may differ
	Opened  = 10 * time.Second // within which a request that was received is reviewed
	Longest = time.Minute      // within which any is: an API server gives up then
)

// Defaults of Config.
const (
	DefaultKeep    = 15 * time.Minute
	DefaultEntries = 1 << 17
)

// Config says how much a Table remembers. Now is required.
type Config struct {
	Keep    time.Duration // how long; 0: DefaultKeep
	Entries int           // how many reviews at most, and half as many requests, in some 300 bytes each; 0: DefaultEntries
	// Anybody has reviews that nothing proves count as others: where nobody but this host can send any.
	Anybody bool
	Now     func() time.Time
}

// Table holds the reviews and requests of the last minutes. It is safe for concurrent use;
// a nil one joins nothing.
type Table struct {
	cfg  Config
	seed maphash.Seed

	scratch sync.Pool // of *[]seen

	mu       sync.Mutex
	reviews  half
	requests half
	counters Counters
}

// Counters count since the Table was made.
type Counters struct {
	Joined    uint64 // requests whose review was found
	Ambiguous uint64 // reviews and events of requests that were left apart since several fit
	Evicted   uint64 // reviews and requests that were forgotten early, for want of room
	Reviews   int    // remembered now
	Requests  int    // remembered now
}

// side is a review, or a request with what is known of it.
type side struct {
	sight
	review  bool
	partner *side
	before  []*side  // of a request: reviews of its attempts before the partner's
	rules   []string // that its events have detections of, as far as they are on disk
	kept    bool     // one of its events is on disk
	came    time.Time
}

// New makes an empty table. It panics without a clock.
func New(cfg Config) *Table {
	if cfg.Now == nil {
		panic("join: a table needs a clock")
	}
	cfg.Keep, cfg.Entries = cmp.Or(cfg.Keep, DefaultKeep), cmp.Or(cfg.Entries, DefaultEntries)
	return &Table{cfg: cfg, seed: maphash.MakeSeed(), reviews: newHalf(cfg.Entries), requests: newHalf(max(cfg.Entries/2, 1))}
}

// Meeting is an event that could be joined, on its way to the log.
type Meeting struct {
	Index int // of the event
	side  *side
}

// Meet takes events of one body before they are judged: those made of reviews if the source
// is record.SourceAdmission, else those of an audit log. Those that are joined get their
// Review. Kept is to be called for what it returns when they are on disk.
func (t *Table) Meet(source string, events []*audit.Event, dst []Meeting) []Meeting {
	if t == nil || len(events) == 0 {
		return dst
	}
	all := t.look(source, events)
	if all == nil {
		return dst
	}
	dst = t.meet(*all, source, events, dst)
	clear(*all) // what is of the events
	t.scratch.Put(all)
	return dst
}

// seen is an event that can be joined.
type seen struct {
	sight
	index int
}

// look reads events, which needs no lock; nil where none can be joined.
func (t *Table) look(source string, events []*audit.Event) (all *[]seen) {
	read := t.request
	if source == record.SourceAdmission {
		read = t.review
	}
	for i, e := range events {
		s, ok := read(e)
		if !ok {
			continue
		}
		if all == nil {
			if all, _ = t.scratch.Get().(*[]seen); all == nil {
				all = new([]seen)
			}
			*all = (*all)[:0]
		}
		*all = append(*all, seen{s, i})
	}
	return all
}

func (t *Table) meet(all []seen, source string, events []*audit.Event, dst []Meeting) []Meeting {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.cfg.Now()
	t.reviews.expire(now.Add(-t.cfg.Keep))
	t.requests.expire(now.Add(-t.cfg.Keep))
	if source == record.SourceAdmission {
		for i := range all {
			dst = append(dst, Meeting{all[i].index, t.reviewed(all[i].sight, now)})
		}
		return dst
	}
	for _, open := range []bool{false, true} {
		for i := range all {
			if all[i].open != open {
				continue
			}
			x := t.requested(all[i].sight, now)
			if x.partner != nil {
				events[all[i].index].Review = x.partner.label
			}
			dst = append(dst, Meeting{all[i].index, x})
		}
	}
	return dst
}

// Remember takes an event that was on disk before the table was made: of a review of the last
// minutes, the oldest first. Others are passed over.
func (t *Table) Remember(e *record.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.review(e.Event)
	if !ok || e.Source != record.SourceAdmission || t.reviews.byID[s.id] != nil {
		return
	}
	names := make([]string, len(e.Detections))
	for i, d := range e.Detections {
		names[i] = d.Rule.Name
	}
	r := t.add(&t.reviews, s, t.cfg.Now())
	r.review = true
	t.keep(r, names)
}

// Link is the link of an event that Meet was given, nil where it is not joined. It tells of
// the rules of the other half what is known by now.
func (t *Table) Link(m Meeting) *record.Link {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := m.side.partner
	switch {
	case p == nil, m.side.review && m.side.kept, m.side.review && !p.kept: // the review came first
		return nil
	case m.side.review:
		return &record.Link{Review: m.side.label, At: timeOf(m.side.from), Audit: p.label, Told: slices.Clone(p.rules)}
	}
	l := &record.Link{Review: p.label, At: timeOf(p.from), Told: slices.Clone(p.rules)}
	for _, r := range m.side.before {
		l.Told = union(l.Told, r.rules)
		if len(l.Attempts) < mostAttempts {
			l.Attempts = append(l.Attempts, r.label)
		}
	}
	return l
}

// mostAttempts is how many attempts are named. API servers give up after five.
const mostAttempts = 8

// union adds texts that are not there yet.
func union(all, more []string) []string {
	for _, s := range more {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

func timeOf(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// Kept tells that an event is on disk, and the rules that it has detections of there.
func (t *Table) Kept(m Meeting, rules []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.keep(m.side, rules)
}

// keep notes what is on disk. What anybody can send is linked, and keeps nobody from being told:
// it would be a way to have something else told.
func (t *Table) keep(x *side, rules []string) {
	x.kept = true
	if x.strange && !t.cfg.Anybody {
		return
	}
	x.rules = union(x.rules, rules)
}

// Counters gives the counts.
func (t *Table) Counters() Counters {
	if t == nil {
		return Counters{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.counters
	c.Reviews, c.Requests = len(t.reviews.byID), len(t.requests.byID)
	return c
}

// reviewed takes a review.
func (t *Table) reviewed(s sight, now time.Time) *side {
	if known := t.reviews.byID[s.id]; known != nil {
		return known
	}
	r := t.add(&t.reviews, s, now)
	r.review = true
	request, _, several := nearest(t.requests.around(s.place, s.from-int64(Longest+Skew), s.from+int64(Skew)), func(a *side) fit { return fitOf(r, a) })
	if !several && request != nil && request.open {
		several = t.rivaled(r, request)
	}
	t.settle(r, request, several)
	return r
}

// requested takes an event of a request.
func (t *Table) requested(s sight, now time.Time) *side {
	a := t.requests.byID[s.id]
	switch {
	case a == nil:
		a = t.add(&t.requests, s, now)
	case a.partner != nil || s.open:
		return a
	case a.place != s.place: // as whom it acts is told later than that it was received
		t.requests.leave(a)
		a.know(s)
		t.requests.enter(a)
	default:
		a.know(s)
	}
	if a.refused {
		return a
	}
	around := t.reviews.around(a.place, a.from-int64(Skew), a.last()+int64(Skew))
	review, how, several := nearest(around, func(r *side) fit { return fitOf(r, a) })
	switch {
	case several && how == inside && !a.open:
		if all := attempts(around, a); len(all) > 0 {
			a.before, several = all[:len(all)-1], false
			for _, r := range a.before {
				r.partner = a
			}
		}
	case !several && review != nil && a.open:
		several = t.rivaled(review, a)
	}
	t.settle(a, review, several)
	return a
}

// know takes what a later stage tells of a request.
func (a *side) know(s sight) {
	label, from := a.label, a.from
	a.sight = s
	a.label, a.from = label, from // the same
}

// settle joins a newcomer with what it found.
func (t *Table) settle(x, found *side, several bool) {
	switch {
	case several:
		t.counters.Ambiguous++
	case found != nil:
		x.partner, found.partner = found, x
		t.counters.Joined++
	}
}

// rivaled tells whether another review, or request, fits one of two that could be joined.
func (t *Table) rivaled(r, a *side) bool {
	for _, other := range t.reviews.around(a.place, a.from-int64(Skew), a.last()+int64(Skew)) {
		if other != r && fitOf(other, a) != apart {
			return true
		}
	}
	for _, other := range t.requests.around(r.place, r.from-int64(Longest+Skew), r.from+int64(Skew)) {
		if other != a && fitOf(r, other) != apart {
			return true
		}
	}
	return false
}

func (t *Table) add(h *half, s sight, now time.Time) *side {
	s.label = strings.Clone(s.label[:min(len(s.label), longestLabel)])
	x := &side{sight: s, came: now}
	t.counters.Evicted += uint64(h.add(x))
	return x
}

// longestLabel is how long an audit ID may be, which clients choose; a uid is no longer.
const longestLabel = 256
