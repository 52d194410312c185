package spool

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func consumeBehind(t testing.TB, l *Log, name string, h Handler, b Barrier) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.ConsumeBehind(ctx, name, h, b) }()
	return func() {
		cancel()
		require.NoError(t, <-ended)
	}
}

// TestBarrierMovesTheCursor: what a handler took is settled by the barrier and not
// before, all at once; what it failed for comes to it again.
func TestBarrierMovesTheCursor(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	appendAll(t, l, "1", "2", "3")
	s := newSink()
	asked, answer := make(chan struct{}), make(chan error)
	stop := consumeBehind(t, l, "a", s.handle, Barrier{Every: time.Millisecond, Bytes: 1 << 20, Sync: func(ctx context.Context) error {
		select {
		case asked <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		return <-answer
	}})
	<-asked
	require.Equal(t, []string{"1", "2", "3"}, s.wait(t, 3))
	assert.Zero(t, consumerOf(t, l, "a").Cursor, "taken is not settled")
	answer <- errors.New("the disk is slow")
	<-asked
	assert.Zero(t, consumerOf(t, l, "a").Cursor, "nor is what the barrier failed for")
	answer <- nil
	eventually(t, func() bool { return caughtUp(t, l, "a") })
	assert.Equal(t, []string{"1", "2", "3"}, s.got(), "a failed barrier does not bring it again")
	stop()
}

// TestCrashBeforeTheBarrier: what was taken and not settled comes again, all of it,
// and in order.
func TestCrashBeforeTheBarrier(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	appendAll(t, l, "1", "2")
	first := newSink()
	stop := consumeBehind(t, l, "a", first.handle, Barrier{Every: 20 * time.Second, Bytes: 1 << 20, Sync: func(context.Context) error {
		return errors.New("not reached")
	}})
	require.Equal(t, []string{"1", "2"}, first.wait(t, 2))
	appendAll(t, l, "3")
	require.Equal(t, []string{"1", "2", "3"}, first.wait(t, 3), "the handler goes on before the barrier")
	stop()
	require.Equal(t, []string{"1", "2", "3"}, drained(t, l, "a"))
}

// TestBarrierByBytes: much is settled without waiting for the time.
func TestBarrierByBytes(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	appendAll(t, l, numbered("e", 50)...)
	var syncs atomic.Int64
	s := newSink()
	stop := consumeBehind(t, l, "a", s.handle, Barrier{Every: 20 * time.Second, Bytes: 1, Sync: func(context.Context) error {
		syncs.Add(1)
		return nil
	}})
	eventually(t, func() bool { return caughtUp(t, l, "a") })
	stop()
	require.Equal(t, numbered("e", 50), s.got())
	assert.Positive(t, syncs.Load())
}

// TestBarrierWithoutBounds: a barrier that would come too late is refused.
func TestBarrierWithoutBounds(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	sync := func(context.Context) error { return nil }
	for _, b := range []Barrier{{Sync: sync, Bytes: 1}, {Sync: sync, Every: time.Second}, {Sync: sync, Every: time.Hour, Bytes: 1}} {
		require.ErrorContains(t, l.ConsumeBehind(t.Context(), "a", newSink().handle, b), "barrier")
	}
}

// TestDrainIsABarrier: what was taken when the log drains does not come again after the
// next start, though the barrier would not have been due for long.
func TestDrainIsABarrier(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	appendAll(t, l, "1", "2")
	s := newSink()
	stop := consumeBehind(t, l, "a", s.handle, Barrier{Every: 20 * time.Second, Bytes: 1 << 20, Sync: func(context.Context) error { return nil }})
	require.Equal(t, []string{"1", "2"}, s.wait(t, 2))
	assert.Zero(t, consumerOf(t, l, "a").Cursor)
	require.NoError(t, l.Drain(t.Context()))
	begun := time.Now()
	eventually(t, func() bool { return caughtUp(t, l, "a") })
	assert.Less(t, time.Since(begun), 15*time.Second, "the barrier by itself")
	stop()
}
