package ingest

import (
	"iter"
	"math/bits"
	"time"
)

// generations is how many tables a Ledger turns through.
const generations = 3

// An entry of a generation: 48 bits of the identity's hash, 12 of the cluster's
// number, and these. 0 is no entry.
const (
	entryWebhook uint64 = 1 << iota // given by the webhook
	entryFile                       // given by the file
	entryWatched                    // counts as lost when the webhook does not give it
	entryUsed                       // set in all

	clusterShift = 4
	clusterMask  = 1<<12 - 1
	entryMask    = 1<<16 - 1 // all but the hash
)

func sourceBits(source string) uint64 {
	switch source {
	case SourceWebhook:
		return entryWebhook
	case SourceFile:
		return entryFile
	}
	return 0
}

// generation is a hash table of fixed size with linear probing: what was noted in one
// stretch of time.
type generation struct {
	slots []uint64 // a power of two, never full
	n     int      // entries
	most  int
	began time.Time
	last  time.Time // of the newest entry
}

// newGeneration makes a table for so many entries.
func newGeneration(entries int) generation {
	entries = max(entries, 1)
	size := 1 << bits.Len(uint(entries+entries/3)) // three quarters full at most
	return generation{slots: make([]uint64, size), most: entries}
}

func (g *generation) full() bool { return g.n >= g.most }

// find returns the entry at a spot, or the free one where it would be.
func (g *generation) find(at spot) *uint64 {
	mask := uint64(len(g.slots) - 1)
	for i := at.place & mask; ; i = (i + 1) & mask {
		if e := &g.slots[i]; *e == 0 || *e&^entryMask == at.mark {
			return e
		}
	}
}

// put adds an entry that is not there.
func (g *generation) put(at spot, entry uint64, now time.Time) {
	*g.find(at) = entry
	g.n++
	g.last = now
}

// watchedOnly yields the entries that are watched and that the webhook did not give.
func (g *generation) watchedOnly() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		if g.n == 0 {
			return
		}
		for _, e := range g.slots {
			if e&(entryWatched|entryWebhook) == entryWatched && !yield(e) {
				return
			}
		}
	}
}

// reset empties the table.
func (g *generation) reset(now time.Time) {
	if g.n > 0 {
		clear(g.slots)
	}
	g.n, g.began, g.last = 0, now, time.Time{}
}
