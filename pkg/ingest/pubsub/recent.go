package pubsub

import (
	"hash/maphash"
	"sync"
)

// recent remembers the identifiers of the last messages, to count those that come again. Pub/Sub itself counts deliveries
// only where the subscription has a dead-letter topic.
type recent struct {
	seed maphash.Seed

	mu   sync.Mutex
	has  map[uint64]struct{}
	ring []uint64
	next int
}

const recentMessages = 1 << 16

func newRecent() *recent {
	return &recent{seed: maphash.MakeSeed(), has: map[uint64]struct{}{}}
}

// add tells whether an identifier was there before.
func (r *recent) add(id string) bool {
	h := maphash.String(r.seed, id)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.has[h]; ok {
		return true
	}
	r.has[h] = struct{}{}
	if len(r.ring) < recentMessages {
		r.ring = append(r.ring, h)
		return false
	}
	delete(r.has, r.ring[r.next])
	r.ring[r.next] = h
	r.next = (r.next + 1) % recentMessages
	return false
}
