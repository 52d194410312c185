package search

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/record"
)

// TestTailGivesWhatIsStoredFromNowOn: in its order, and only what was asked for.
func TestTailGivesWhatIsStoredFromNowOn(t *testing.T) {
	f := stored(t)
	s := f.searcher()
	s.Publish(f.events[:5]) // before anybody listens
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hits, done := make(chan *Hit), make(chan error, 1)
	p := Principal{Scope: Scope{Clusters: []string{"prod"}}}
	go func() {
		done <- s.Tail(ctx, p, Request{Condition: "ka.verb exists"}, func(h *Hit) error {
			hits <- h
			return nil
		})
	}()
	require.Eventually(t, func() bool { // only the reader knows when it listens
		s.tails.mu.Lock()
		defer s.tails.mu.Unlock()
		return len(s.tails.readers) == 1
	}, testWait, testTick)
	go func() {
		s.Publish(f.events[:100])
		s.Publish(f.events[100:200])
	}()
	q, err := s.query(p, Request{Condition: "ka.verb exists"})
	require.NoError(t, err)
	for i, e := range f.events[:200] {
		if v, err := q.verdict(e); err == nil && v == holds {
			assert.Equal(t, f.rows[i].ID, (<-hits).ID)
		}
	}
	cancel()
	assert.ErrorIs(t, <-done, context.Canceled)
	assert.Empty(t, s.tails.readers)
}

// TestSlowTailIsToldWhatItMissed: nobody waits for it, nothing is lost without a count.
func TestSlowTailIsToldWhatItMissed(t *testing.T) {
	f := stored(t)
	s := f.searcher()
	many := make([]*record.Event, tailRoom)
	for i := range many {
		many[i] = f.events[i%len(f.events)]
	}
	published, given := make(chan struct{}), 0
	done := make(chan error, 1)
	go func() {
		done <- s.Tail(t.Context(), local, Request{}, func(*Hit) error {
			if given++; given == 1 {
				<-published
			}
			return nil
		})
	}()
	require.Eventually(t, func() bool {
		s.Publish(f.events[:1])
		s.tails.mu.Lock()
		defer s.tails.mu.Unlock()
		return len(s.tails.readers) == 1
	}, testWait, testTick)
	s.Publish(f.events[:1])
	s.Publish(many)
	s.Publish(many[:100])
	close(published)
	err := <-done
	var lagged Lagged
	require.ErrorAs(t, err, &lagged)
	assert.GreaterOrEqual(t, lagged.Missed, uint64(100))
	assert.GreaterOrEqual(t, given, tailRoom)
}
