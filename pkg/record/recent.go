package record

import (
	"sync"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Recent is a bounded set of identities that forgets the oldest ones. It is safe
// for concurrent use.
type Recent struct {
	mu   sync.Mutex
	half int
	new  map[audit.Identity]struct{}
	old  map[audit.Identity]struct{}
}

// NewRecent makes a set that knows at least the last n identities added, and at
// most twice as many.
func NewRecent(n int) *Recent {
	return &Recent{half: max(n, 1), new: map[audit.Identity]struct{}{}}
}

// Add adds an identity and reports whether it is new to the set.
func (r *Recent) Add(id audit.Identity) (isNew bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.has(id) {
		return false
	}
	if len(r.new) >= r.half {
		r.old, r.new = r.new, make(map[audit.Identity]struct{}, r.half)
	}
	r.new[id] = struct{}{}
	return true
}

// Has reports whether an identity is in the set.
func (r *Recent) Has(id audit.Identity) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.has(id)
}

func (r *Recent) has(id audit.Identity) bool {
	if _, ok := r.new[id]; ok {
		return true
	}
	_, ok := r.old[id]
	return ok
}
