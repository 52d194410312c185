package pubsub

import (
	"slices"
	"sync"
)

// room bounds what is in hand, in messages and in bytes. The library bounds the callbacks that run, which here are over
// long before their messages are settled.
type room struct {
	messages, bytes int // at most

	mu      sync.Mutex
	n       int
	size    int
	waiting []*entrant // in the order in which they came
}

// entrant is a message that waits for room.
type entrant struct {
	bytes int
	in    chan struct{} // closed when it has some
}

func newRoom(messages, bytes int) *room { return &room{messages: messages, bytes: bytes} }

// enter waits for room; false when stop is closed before there is some. A message of more bytes than there may be has room
// when it is alone.
func (r *room) enter(bytes int, stop <-chan struct{}) bool {
	r.mu.Lock()
	if len(r.waiting) == 0 && r.fits(bytes) {
		r.admit(bytes)
		r.mu.Unlock()
		return true
	}
	e := &entrant{bytes: bytes, in: make(chan struct{})}
	r.waiting = append(r.waiting, e)
	r.mu.Unlock()
	select {
	case <-e.in:
		return true
	case <-stop:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.waiting, e); i >= 0 {
		r.waiting = slices.Delete(r.waiting, i, i+1)
		return false
	}
	return true // it was let in meanwhile
}

func (r *room) fits(bytes int) bool {
	return r.n < r.messages && (r.size+bytes <= r.bytes || r.n == 0)
}

func (r *room) admit(bytes int) {
	r.n++
	r.size += bytes
}

// leave makes room, and lets in who has waited longest.
func (r *room) leave(messages, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n -= messages
	r.size -= bytes
	for len(r.waiting) > 0 && r.fits(r.waiting[0].bytes) {
		r.admit(r.waiting[0].bytes)
		close(r.waiting[0].in)
		r.waiting[0] = nil
		r.waiting = r.waiting[1:]
	}
}
