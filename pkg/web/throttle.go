package web

import (
	"sync"
	"time"
)

const (
	failuresAtOnce = 20              // wrong tokens of one peer that are answered as such
	failureEvery   = 3 * time.Second // one more of them is
	peersKnown     = 1024            // of which this is kept
)

// throttle bounds how often wrong tokens of one peer are answered, and logged.
type throttle struct {
	now func() time.Time

	mu    sync.Mutex
	peers map[string]*bucket
}

// bucket is what a peer has left.
type bucket struct {
	left float64
	at   time.Time
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{now: now, peers: map[string]*bucket{}}
}

// allow tells whether one more failure of a peer is within bounds.
func (t *throttle) allow(peer string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	b := t.peers[peer]
	if b == nil {
		t.forget(now)
		b = &bucket{left: failuresAtOnce, at: now}
		t.peers[peer] = b
	}
	b.fill(now)
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

func (b *bucket) fill(now time.Time) {
	if gained := now.Sub(b.at); gained > 0 {
		b.left = min(failuresAtOnce, b.left+float64(gained)/float64(failureEvery))
	}
	b.at = now
}

// forget makes room for one more peer: those with nothing against them go, and if that
// does not help the one that failed last the longest ago.
func (t *throttle) forget(now time.Time) {
	if len(t.peers) < peersKnown {
		return
	}
	oldest := ""
	for peer, b := range t.peers {
		if now.Sub(b.at) >= failuresAtOnce*failureEvery {
			delete(t.peers, peer)
		} else if oldest == "" || b.at.Before(t.peers[oldest].at) {
			oldest = peer
		}
	}
	if len(t.peers) >= peersKnown {
		delete(t.peers, oldest)
	}
}
