package pubsub

import "sync"

// room bounds what is in hand, in messages and in bytes. The library bounds the callbacks that run, which here are over
// long before their messages are settled.
type room struct {
	messages, bytes int // at most

	mu    sync.Mutex
	n     int
	size  int
	freed chan struct{} // closed when there is more room
}

func newRoom(messages, bytes int) *room {
	return &room{messages: messages, bytes: bytes, freed: make(chan struct{})}
}

// enter waits for room; false when stop is closed before there is some. A message of more bytes than there may be has room
// when it is alone.
func (r *room) enter(bytes int, stop <-chan struct{}) bool {
	for {
		r.mu.Lock()
		if r.n < r.messages && (r.size+bytes <= r.bytes || r.n == 0) {
			r.n++
			r.size += bytes
			r.mu.Unlock()
			return true
		}
		freed := r.freed
		r.mu.Unlock()
		select {
		case <-freed:
		case <-stop:
			return false
		}
	}
}

func (r *room) leave(messages, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n -= messages
	r.size -= bytes
	close(r.freed)
	r.freed = make(chan struct{})
}
