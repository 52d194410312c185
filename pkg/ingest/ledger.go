package ingest

import (
	"cmp"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Defaults of LedgerConfig.
const (
	DefaultLedgerEntries = 1_500_000
	DefaultLedgerKeep    = 10 * time.Minute
	// DefaultPatience covers what an API server does: it gives a batch 30 s to fill,
	// and makes five attempts, of 30 s at most, within 250 s.
	DefaultPatience = 5 * time.Minute
)

const (
	maxWatched = 16384 // identities kept whole, to be named when they are lost
	maxSample  = 8     // identities named at once
)

// LedgerConfig says how much a Ledger remembers. Now is required.
type LedgerConfig struct {
	// Entries is how many identities are remembered at most, in 16 bytes each at the
	// worst. Memory that is not needed is not touched.
	Entries int
	// Keep is how long an identity is remembered at least, if there are not too many,
	// and half of it longer at most.
	Keep time.Duration
	// Patience is how long the webhook may still give an event after the log file has.
	Patience time.Duration
	// Lost is told how many events of a cluster the webhook should have given and did
	// not, each time some are found, with a few of them. It may call the Ledger.
	Lost func(cluster string, n int, sample []audit.Identity)
	Now  func() time.Time
}

// Ledger remembers which events were stored lately, and which sources gave them. So
// an event that comes twice is stored once; and what the API server's own log has and
// its webhook never sent is found.
//
// An event counts as lost by the webhook when the file gave it, it happened after the
// webhook of that cluster was first heard of, and the webhook has not given it by the
// time it is forgotten. What happened before may have been sent to an earlier process.
//
// Its memory is fixed. It does not outlast the process: after a start an event may be
// stored again. Instead of an identity it keeps 48 bits of a keyed hash, at a place
// that another hash tells: at 20,000 events a second one is wrongly taken for known
// about once in a hundred years, and nobody can choose which.
//
// It is safe for concurrent use.
type Ledger struct {
	cfg   LedgerConfig
	mark  maphash.Seed
	place maphash.Seed

	mu       sync.Mutex
	gens     [generations]generation // the newest first
	clusters map[string]*origin
	names    []string // of clusters, by number
	watched  map[uint64]audit.Identity
	counts   LedgerCounters
}

// LedgerCounters count since the Ledger was made.
type LedgerCounters struct {
	Entries   int               // remembered now
	Forgotten uint64            // remembered before
	Early     uint64            // of them those that had to go before their time, for want of room
	Lost      map[string]uint64 // events lost by the webhook, by cluster
	Undecided uint64            // given by the file only, and forgotten before the webhook's time was up
}

// origin is what is known about a cluster.
type origin struct {
	number  uint64    // its bits in entries; 0: there are too many, this one is not watched
	webhook time.Time // when the webhook was first heard of
}

// NewLedger makes an empty ledger. It panics without a clock.
func NewLedger(cfg LedgerConfig) *Ledger {
	if cfg.Now == nil {
		panic("ingest: a ledger needs a clock")
	}
	cfg.Entries, cfg.Keep = cmp.Or(cfg.Entries, DefaultLedgerEntries), cmp.Or(cfg.Keep, DefaultLedgerKeep)
	cfg.Patience = cmp.Or(cfg.Patience, DefaultPatience)
	l := &Ledger{
		cfg: cfg, mark: maphash.MakeSeed(), place: maphash.MakeSeed(), clusters: map[string]*origin{},
		names: []string{""}, watched: map[uint64]audit.Identity{}, counts: LedgerCounters{Lost: map[string]uint64{}},
	}
	for i := range l.gens {
		l.gens[i] = newGeneration((cfg.Entries + generations - 1) / generations)
	}
	l.gens[0].began = cfg.Now()
	return l
}

// Known tells which events are stored already, in their Known, and notes for these
// that the source has given them.
func (l *Ledger) Known(cluster, source string, seen []Sighting) {
	lost := l.known(cluster, source, seen)
	l.report(lost)
}

func (l *Ledger) known(cluster, source string, seen []Sighting) losses {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Now()
	lost := l.age(now)
	l.hear(cluster, source, now)
	for i := range seen {
		seen[i].Known = l.note(l.hash(&seen[i].ID), source)
	}
	return lost
}

// Stored notes that events which were not known are stored now.
func (l *Ledger) Stored(cluster, source string, seen []Sighting) {
	l.report(l.stored(cluster, source, seen))
}

func (l *Ledger) stored(cluster, source string, seen []Sighting) losses {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Now()
	lost := l.age(now)
	o := l.hear(cluster, source, now)
	for i := range seen {
		if s := &seen[i]; !s.Known {
			lost = append(lost, l.enter(o, source, s, now)...)
		}
	}
	return lost
}

// Expire forgets what is due. It is needed where nothing may come for long: otherwise
// what comes makes room.
func (l *Ledger) Expire() {
	l.mu.Lock()
	lost := l.age(l.cfg.Now())
	l.mu.Unlock()
	l.report(lost)
}

// Counters gives the counts.
func (l *Ledger) Counters() LedgerCounters {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts
	c.Lost = maps.Clone(c.Lost)
	for i := range l.gens {
		c.Entries += l.gens[i].n
	}
	return c
}

// hear notes that a source of a cluster gives something.
func (l *Ledger) hear(cluster, source string, now time.Time) *origin {
	o := l.clusters[cluster]
	if o == nil {
		if len(l.names) > clusterMask {
			return &origin{}
		}
		o = &origin{number: uint64(len(l.names))}
		l.clusters[cluster] = o
		l.names = append(l.names, cluster)
	}
	if source == SourceWebhook && o.webhook.IsZero() {
		o.webhook = now
	}
	return o
}

// spot is where an identity is looked for, and what for.
type spot struct{ place, mark uint64 }

func (l *Ledger) hash(id *audit.Identity) spot {
	return spot{maphash.Bytes(l.place, id[:]), maphash.Bytes(l.mark, id[:]) &^ entryMask}
}

// note notes that a source gave an event; false if it is not known.
func (l *Ledger) note(at spot, source string) bool {
	for i := range l.gens {
		if e := l.gens[i].find(at); e != nil && *e != 0 {
			*e |= sourceBits(source)
			if source == SourceWebhook {
				delete(l.watched, *e&^entryMask)
			}
			return true
		}
	}
	return false
}

// enter notes an event that was stored.
func (l *Ledger) enter(o *origin, source string, s *Sighting, now time.Time) (lost losses) {
	at := l.hash(&s.ID)
	if l.note(at, source) { // another body brought it meanwhile
		return nil
	}
	if l.gens[0].full() {
		l.counts.Early += uint64(l.gens[generations-1].n)
		lost = l.turn(now)
	}
	entry := at.mark | o.number<<clusterShift | entryUsed | sourceBits(source)
	if source == SourceFile && o.number != 0 && !o.webhook.IsZero() && !s.Time.Before(o.webhook) {
		entry |= entryWatched
		if len(l.watched) < maxWatched {
			l.watched[at.mark] = s.ID
		}
	}
	l.gens[0].put(at, entry, now)
	return lost
}

// age forgets what is due.
func (l *Ledger) age(now time.Time) (lost losses) {
	for range generations {
		if now.Sub(l.gens[0].began) < l.cfg.Keep/(generations-1) {
			break
		}
		due := l.gens[0].began.Add(l.cfg.Keep / (generations - 1))
		lost = append(lost, l.turn(now)...)
		// After a long silence several are due.
		l.gens[0].began = due
	}
	if now.Sub(l.gens[0].began) >= l.cfg.Keep { // so long that all is forgotten
		l.gens[0].began = now
	}
	return lost
}

// turn forgets the oldest generation and begins a new one.
func (l *Ledger) turn(now time.Time) losses {
	old := l.gens[generations-1]
	lost := l.forget(&old, now)
	copy(l.gens[1:], l.gens[:generations-1])
	old.reset(now)
	l.gens[0] = old
	return lost
}

// loss is what the webhook of a cluster has lost.
type loss struct {
	cluster string
	n       int
	sample  []audit.Identity
}

type losses []loss

// forget finds what the webhook should have given and did not.
func (l *Ledger) forget(g *generation, now time.Time) (lost losses) {
	l.counts.Forgotten += uint64(g.n)
	by := map[uint64]*loss{}
	for e := range g.watchedOnly() {
		mark := e &^ entryMask
		id, named := l.watched[mark]
		delete(l.watched, mark)
		if now.Sub(g.last) < l.cfg.Patience {
			l.counts.Undecided++
			continue
		}
		number := e >> clusterShift & clusterMask
		x := by[number]
		if x == nil {
			x = &loss{cluster: l.names[number]}
			by[number] = x
		}
		x.n++
		if named && len(x.sample) < maxSample {
			x.sample = append(x.sample, id)
		}
	}
	for _, number := range slices.Sorted(maps.Keys(by)) {
		x := by[number]
		l.counts.Lost[x.cluster] += uint64(x.n)
		lost = append(lost, *x)
	}
	return lost
}

// report tells what was lost. The lock is not held.
func (l *Ledger) report(lost losses) {
	if l.cfg.Lost == nil {
		return
	}
	for _, x := range lost {
		l.cfg.Lost(x.cluster, x.n, x.sample)
	}
}
