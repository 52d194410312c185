package ingest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// OtherClusters stands in counters for all clusters that are not configured, of which
// there can be any number.
const OtherClusters = "(other)"

// maxSources is how many sources are counted apart, for each cluster.
const maxSources = 16

// Why a body was refused; in counters.
const (
	RefusedRate     = "rate" // RateLimited
	RefusedFull     = "full"
	RefusedDraining = "draining"
	RefusedPoisoned = "poisoned"
	RefusedUnknown  = "unknown"
	RefusedOther    = "other" // the context ended
)

var refusals = []string{RefusedRate, RefusedFull, RefusedDraining, RefusedPoisoned, RefusedUnknown, RefusedOther}

var deadReasons = []string{
	string(audit.ReasonSyntax), string(audit.ReasonType), string(audit.ReasonKind), string(audit.ReasonTime),
	string(audit.ReasonUTF8), string(audit.ReasonDepth), string(audit.ReasonSize), string(audit.ReasonEntry), DeadBody, DeadTooLarge,
}

// Counter counts what came of one cluster from one source.
type Counter struct {
	Cluster string // as configured, or OtherClusters
	Source  string

	Bodies  uint64            // taken
	Bytes   uint64            // of them
	Events  uint64            // stored, those of refused bodies included
	Known   uint64            // stored before, and not again
	Expired uint64            // older than the retention
	Ahead   uint64            // more than an hour in the future
	Faults  uint64            // times that judging or redacting failed
	Dead    map[string]uint64 // rejections by reason; those of bodies that were refused later count, too
	Letters uint64            // dead letters stored for them
	Refused map[string]uint64 // bodies, by the kind of the error
}

// Counters count since the Intake was made, in the order of clusters and sources.
type Counters []Counter

// Counters gives the counts.
func (in *Intake) Counters() Counters {
	in.counters.mu.RLock()
	defer in.counters.mu.RUnlock()
	var all Counters
	for key, c := range in.counters.by {
		all = append(all, c.snapshot(key))
	}
	slices.SortFunc(all, func(a, b Counter) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Source, b.Source))
	})
	return all
}

type countKey struct{ cluster, source string }

// counters are the counts by cluster and source.
type counters struct {
	mu sync.RWMutex
	by map[countKey]*count
	n  map[string]int // sources of each cluster
}

// count is a Counter that is being counted.
type count struct {
	bodies, bytes, events, known, expired, ahead, faults, letters atomic.Uint64

	deadBy    [16]atomic.Uint64 // by index in deadReasons
	refusedBy [8]atomic.Uint64  // by index in refusals
}

// of returns the count of a cluster and source.
func (cs *counters) of(cluster, source string) *count {
	key := countKey{cluster, source}
	cs.mu.RLock()
	c := cs.by[key]
	cs.mu.RUnlock()
	if c != nil {
		return c
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.by == nil {
		cs.by, cs.n = map[countKey]*count{}, map[string]int{}
	}
	if cs.by[key] == nil && cs.n[cluster] >= maxSources {
		key.source = OtherClusters
	}
	if c = cs.by[key]; c == nil {
		c = new(count)
		cs.by[key] = c
		cs.n[cluster]++
	}
	return c
}

// taken counts a body and what became of it.
func (c *count) taken(size int, r Receipt, err error) {
	c.events.Add(uint64(r.Events))
	c.known.Add(uint64(r.Known))
	c.letters.Add(uint64(r.Dead))
	if err != nil {
		c.refusedBy[slices.Index(refusals, refusal(err))].Add(1)
		return
	}
	c.bodies.Add(1)
	c.bytes.Add(uint64(size))
}

// deadLetter counts a rejection.
func (c *count) deadLetter(reason string) {
	if i := slices.Index(deadReasons, reason); i >= 0 {
		c.deadBy[i].Add(1)
	}
}

func (c *count) snapshot(key countKey) Counter {
	out := Counter{
		Cluster: key.cluster, Source: key.source,
		Bodies: c.bodies.Load(), Bytes: c.bytes.Load(), Events: c.events.Load(), Known: c.known.Load(), Expired: c.expired.Load(),
		Ahead: c.ahead.Load(), Faults: c.faults.Load(), Letters: c.letters.Load(),
		Dead: map[string]uint64{}, Refused: map[string]uint64{},
	}
	for i, reason := range deadReasons {
		if n := c.deadBy[i].Load(); n > 0 {
			out.Dead[reason] = n
		}
	}
	for i, kind := range refusals {
		if n := c.refusedBy[i].Load(); n > 0 {
			out.Refused[kind] = n
		}
	}
	return out
}

// refusal is the kind of an error of Take.
func refusal(err error) string {
	switch {
	case is[RateLimited](err):
		return RefusedRate
	case is[spool.Full](err):
		return RefusedFull
	case is[spool.Draining](err):
		return RefusedDraining
	case is[spool.Poisoned](err):
		return RefusedPoisoned
	case is[spool.Unknown](err), errors.Is(err, context.DeadlineExceeded):
		return RefusedUnknown
	}
	return RefusedOther
}

func is[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}

func tooLarge(err error) bool { return is[spool.TooLarge](err) }
