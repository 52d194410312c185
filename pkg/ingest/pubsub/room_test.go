package pubsub

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRoom(t *testing.T) {
	r, open, shut := newRoom(2, 10), make(chan struct{}), make(chan struct{})
	close(shut)
	require.True(t, r.enter(30, open), "alone")
	require.False(t, r.enter(0, shut), "beside it")
	r.leave(1, 30)
	require.True(t, r.enter(5, open))
	require.False(t, r.enter(6, shut), "bytes")
	require.True(t, r.enter(5, open))
	require.False(t, r.enter(0, shut), "messages")
	assert.Empty(t, r.waiting)
	r.leave(2, 10)
	assert.Zero(t, r.n)
	assert.Zero(t, r.size)
}

// TestRoomKeepsItsBounds: whoever comes and goes at once, and nobody waits for ever.
func TestRoomKeepsItsBounds(t *testing.T) {
	r := newRoom(7, 50)
	open := make(chan struct{})
	var all sync.WaitGroup
	for i := range uint64(200) {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(i, 1))
			for range 50 {
				n := rng.IntN(60)
				assert.True(t, r.enter(n, open))
				r.mu.Lock()
				assert.LessOrEqual(t, r.n, 7)
				assert.True(t, r.size <= 50 || r.n == 1)
				r.mu.Unlock()
				r.leave(1, n)
			}
		})
	}
	all.Wait()
	assert.Zero(t, r.n)
	assert.Zero(t, r.size)
	assert.Empty(t, r.waiting)
}
