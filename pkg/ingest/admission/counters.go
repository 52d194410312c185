package admission

import (
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// statuses are all that are answered.
var statuses = []int{
	http.StatusOK, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
	http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusTooManyRequests,
}

// Why an event of a review was not stored; in counters.
const (
	LostRate    = "rate"    // the cluster sends more than it may
	LostRoom    = "room"    // too many were being stored already
	LostLog     = "log"     // the log did not take it for as long as it was tried
	LostClosing = "closing" // the service ended meanwhile
)

var losses = []string{LostRate, LostRoom, LostLog, LostClosing}

// Bounds are the upper ends of the buckets of a Histogram, but for the last one.
var Bounds = []time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second,
}

// Histogram is how long something took, how often.
type Histogram struct {
	Buckets []uint64 // not cumulative; one more than Bounds
	Sum     time.Duration
}

// Counters count since the Handler was made.
type Counters struct {
	Answers  map[int]uint64 // by status; all that there can be are in it
	Allowed  uint64         // reviews, those with warnings included
	Warned   uint64
	Denied   uint64
	Faults   uint64            // reviews allowed since judging failed: a defect of this program
	Late     uint64            // answered before the event was on disk
	Unproved uint64            // denied without the evidence being on disk
	Lost     map[string]uint64 // events of reviews that were answered and never stored, by reason
	Behind   int               // events being stored now
	InHand   int64             // bytes of bodies in hand now

	Mutations Mutations

	Decided  Histogram // from the end of the body until it is known what to answer
	Answered Histogram // from there until the answer, the disk included
}

type counts struct {
	answers [16]atomic.Uint64 // by index in statuses
	lost    [8]atomic.Uint64  // by index in losses

	allowed, warned, denied, faults, late, unproved atomic.Uint64

	patched, unchanged, would, mutateFailed atomic.Uint64

	decided, answered, mutating histogram
}

type histogram struct {
	buckets [16]atomic.Uint64
	sum     atomic.Int64
}

func (h *histogram) add(d time.Duration) {
	i, _ := slices.BinarySearch(Bounds, d)
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

func (h *histogram) snapshot() Histogram {
	out := Histogram{Buckets: make([]uint64, len(Bounds)+1), Sum: time.Duration(h.sum.Load())}
	for i := range out.Buckets {
		out.Buckets[i] = h.buckets[i].Load()
	}
	return out
}

func (c *counts) status(status int) {
	if i := slices.Index(statuses, status); i >= 0 {
		c.answers[i].Add(1)
	}
}

func (c *counts) lose(reason string) { c.lost[slices.Index(losses, reason)].Add(1) }

func (c *counts) verdict(v *Verdict) {
	switch v.word() {
	case verdictDeny:
		c.denied.Add(1)
		return
	case verdictWarn:
		c.warned.Add(1)
	}
	c.allowed.Add(1)
}

// Counters gives the counts.
func (h *Handler) Counters() Counters {
	c := &h.counts
	out := Counters{
		Answers: map[int]uint64{}, Lost: map[string]uint64{},
		Allowed: c.allowed.Load(), Warned: c.warned.Load(), Denied: c.denied.Load(), Faults: c.faults.Load(),
		Late: c.late.Load(), Unproved: c.unproved.Load(), Behind: len(h.behind), InHand: h.inHand.Load(),
		Decided: c.decided.snapshot(), Answered: c.answered.snapshot(),
		Mutations: Mutations{
			Patched: c.patched.Load(), Unchanged: c.unchanged.Load(), Would: c.would.Load(), Failed: c.mutateFailed.Load(), Decided: c.mutating.snapshot(),
		},
	}
	for i, status := range statuses {
		out.Answers[status] = c.answers[i].Load()
	}
	for i, reason := range losses {
		out.Lost[reason] = c.lost[i].Load()
	}
	return out
}
