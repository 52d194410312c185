package ingest

import (
	"sync"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// flights are the events that bodies are about to store. An event that comes twice at
// once, through webhook and log file or because a sender has lost patience, is stored
// by one of both; the other waits for the outcome, and stores it if that failed.
type flights struct {
	mu sync.Mutex
	by map[audit.Identity]*flight
}

// flight is a body, or a part of one, on its way to the log.
type flight struct {
	ids    []audit.Identity
	landed chan struct{} // closed when its outcome is in the ledger
}

// board puts events on a new flight, those excepted that are on one already. It
// appends the flight that each is on, which for an event that is there twice is the
// new one, and nil for those that have boarded.
func (fs *flights) board(ids []audit.Identity, on []*flight) (*flight, []*flight) {
	f := &flight{landed: make(chan struct{})}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.by == nil {
		fs.by = map[audit.Identity]*flight{}
	}
	for _, id := range ids {
		other := fs.by[id]
		if on = append(on, other); other == nil {
			fs.by[id] = f
			f.ids = append(f.ids, id)
		}
	}
	return f, on
}

// land ends a flight, whatever came of it.
func (fs *flights) land(f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, id := range f.ids {
		delete(fs.by, id)
	}
	close(f.landed)
}
