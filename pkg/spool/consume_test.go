package spool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRedelivery: what a handler does not settle comes again, at once or when it
// says, and nothing overtakes it.
func TestRedelivery(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	appendAll(t, l, "1", "2", "3")
	s := newSink()
	var attempts []int
	consume(t, l, "a", func(ctx context.Context, d Delivery) error {
		attempts = append(attempts, d.Attempt)
		switch d.Attempt {
		case 1:
			return errors.New("any error is recoverable")
		case 2:
			return fmt.Errorf("wrapped: %w", Recoverable{After: time.Millisecond, Err: errors.New("busy")})
		}
		return s.handle(ctx, d)
	})
	require.Equal(t, []string{"1", "2", "3"}, s.wait(t, 3))
	require.Equal(t, []int{1, 2, 3}, attempts[:3])
	eventually(t, func() bool { return caughtUp(t, l, "a") })
	c := status(t, l).Counters
	assert.Equal(t, uint64(2), c.Redelivered)
	assert.Equal(t, uint64(3), c.Delivered)
}

// TestFailureIsTold: a consumer that does not get on can be seen, and holds back
// nobody else.
func TestFailureIsTold(t *testing.T) {
	cfg := testConfig(t, "down", "up")
	l := open(t, cfg)
	consume(t, l, "down", func(context.Context, Delivery) error {
		return Recoverable{After: time.Hour, Err: errors.New("no route to the house")}
	})
	appendAll(t, l, "1", "2")
	require.Equal(t, []string{"1", "2"}, drained(t, l, "up"))
	eventually(t, func() bool { return consumerOf(t, l, "down").LastFailure != "" })
	c := consumerOf(t, l, "down")
	assert.Contains(t, c.LastFailure, "no route to the house")
	assert.Equal(t, uint64(2), c.Pending)
	assert.Equal(t, uint64(2), c.Lag)
	assert.Zero(t, c.Cursor)
	assert.False(t, c.Oldest.IsZero())
	assert.GreaterOrEqual(t, c.OldestAge, time.Duration(0))
	up := consumerOf(t, l, "up")
	assert.Equal(t, ConsumerStatus{Name: "up", Cursor: 2}, up)
}

// TestOrderOverRestarts: a reader that goes away with a delivery in hands leaves it
// to the next, before anything newer.
func TestOrderOverRestarts(t *testing.T) {
	cfg := testConfig(t, "a")
	l := open(t, cfg)
	for round := range 3 {
		appendAll(t, l, fmt.Sprint(round))
		got := make(chan Delivery, 1)
		stop := consume(t, l, "a", func(ctx context.Context, d Delivery) error {
			select {
			case got <- d:
			default:
			}
			<-ctx.Done()
			return ctx.Err()
		})
		d := <-got
		require.Equal(t, "0", string(d.Records[0].Events[0].Raw))
		stop()
		if round == 1 {
			closed(t, l)
			l = open(t, cfg)
		}
	}
	require.Equal(t, []string{"0", "1", "2"}, drained(t, l, "a"))
}

// TestMessagesThatDoNotArrive: the server gives messages to a client that has given up
// waiting for them, as happens on a busy machine. They come in their order all the
// same, and before AckWait is over.
func TestMessagesThatDoNotArrive(t *testing.T) {
	for name, n := range map[string]int{"in the middle": 40, "at the end": 3} {
		t.Run(name, func(t *testing.T) {
			l := open(t, testConfig(t, "a"))
			s := newSink()
			consume(t, l, "a", s.handle)
			appendAll(t, l, "first")
			s.wait(t, 1)
			c, err := l.engineNow().stream.Consumer(t.Context(), "a")
			require.NoError(t, err)
			_, err = c.Fetch(3) // and nobody looks at it
			require.NoError(t, err)
			want := numbered("e", n)
			appendAll(t, l, want...)
			require.Equal(t, append([]string{"first"}, want...), s.wait(t, n+1))
			require.Positive(t, status(t, l).Counters.Gaps)
		})
	}
}

// TestSlowHandler: a delivery that is being worked on does not come a second time,
// however long that takes.
func TestSlowHandler(t *testing.T) {
	cfg := testConfig(t, "a")
	cfg.AckWait = 150 * time.Millisecond
	l := open(t, cfg)
	appendAll(t, l, "1")
	s := newSink()
	consume(t, l, "a", func(ctx context.Context, d Delivery) error {
		pause(ctx, 4*cfg.AckWait)
		return s.handle(ctx, d)
	})
	s.wait(t, 1)
	appendAll(t, l, "2")
	require.Equal(t, []string{"1", "2"}, s.wait(t, 2))
}

// TestPermanent: of a delivery only the records that fail alone become dead letters,
// and the rest is settled.
func TestPermanent(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	big := Record{Kind: "poison", Events: []Item{{Raw: incompressible(3 << 20)}}}
	appendAll(t, l, "1", "2")
	require.NoError(t, l.Append(t.Context(), big))
	appendAll(t, l, "3")
	s := newSink()
	consume(t, l, "a", func(ctx context.Context, d Delivery) error {
		for _, r := range d.Records {
			if r.Kind == "poison" || string(r.Events[0].Raw) == "2" {
				return Permanent{errors.New("mapping\nrefused")}
			}
		}
		return s.handle(ctx, d)
	})
	require.Equal(t, []string{"1", "3"}, s.wait(t, 2))
	eventually(t, func() bool { return caughtUp(t, l, "a") })

	var dead []Dead
	require.NoError(t, l.View().DeadLetters(t.Context(), func(d Dead) error {
		dead = append(dead, d)
		return nil
	}))
	require.Len(t, dead, 2)
	assert.Equal(t, event("2"), dead[0].Record)
	assert.Equal(t, "a", dead[0].Consumer)
	assert.Equal(t, "mapping refused", dead[0].Reason)
	assert.False(t, dead[0].Buried.IsZero())
	assert.Equal(t, big.Events, dead[1].Record.Events, "in chunks")
	assert.Equal(t, uint64(2), status(t, l).Counters.DeadLetters)
	assert.Positive(t, status(t, l).DeadLetters)
	stop := errors.New("enough")
	require.ErrorIs(t, l.View().DeadLetters(t.Context(), func(Dead) error { return stop }), stop)
}

// TestDeadLetterHook: a hook takes the place of the log's own keeping, and is asked
// until it takes the letter.
func TestDeadLetterHook(t *testing.T) {
	cfg := testConfig(t, "a")
	var dead []Dead
	refusals := 2
	cfg.OnDead = func(_ context.Context, d Dead) error {
		if refusals--; refusals >= 0 {
			return errors.New("not now")
		}
		dead = append(dead, d)
		return nil
	}
	l := open(t, cfg)
	appendAll(t, l, "1")
	consume(t, l, "a", func(context.Context, Delivery) error { return Permanent{errors.New("no")} })
	eventually(t, func() bool { return caughtUp(t, l, "a") })
	require.Len(t, dead, 1)
	require.Equal(t, Dead{Consumer: "a", Reason: "no", Seq: 1, Record: event("1")}, dead[0])
	require.Zero(t, status(t, l).DeadLetters)
}

// TestBury: a consumer's own dead letters lie beside the others and are counted.
func TestBury(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	want := Dead{Consumer: "a", Reason: "the receiver refuses it", Record: event("1")}
	require.NoError(t, l.Bury(t.Context(), want))
	var dead []Dead
	require.NoError(t, l.View().DeadLetters(t.Context(), func(d Dead) error {
		require.NotZero(t, d.Buried)
		d.Buried = time.Time{}
		dead = append(dead, d)
		return nil
	}))
	require.Equal(t, []Dead{want}, dead)
	require.EqualValues(t, 1, status(t, l).Counters.DeadLetters)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, l.Bury(ctx, want), context.Canceled)
}

// TestForeignMessages: what is not ours becomes a dead letter; what a later version
// wrote waits for it.
func TestForeignMessages(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	publish := func(b []byte) {
		_, err := l.engineNow().js.Publish(t.Context(), l.cfg.subject(), b)
		require.NoError(t, err)
	}
	appendAll(t, l, "1")
	publish([]byte("hello"))
	appendAll(t, l, "2")
	require.Equal(t, []string{"1", "2"}, drained(t, l, "a"))
	var dead []Dead
	require.NoError(t, l.View().DeadLetters(t.Context(), func(d Dead) error {
		dead = append(dead, d)
		return nil
	}))
	require.Len(t, dead, 1)
	assert.Equal(t, KindUnreadable, dead[0].Record.Kind)
	assert.Equal(t, "hello", string(dead[0].Record.Dead[0].Raw))
	assert.Equal(t, uint64(2), dead[0].Seq)

	publish(sealed(append([]byte{version + 1}, make([]byte, 20)...)...))
	appendAll(t, l, "3")
	s := newSink()
	consume(t, l, "a", s.handle)
	eventually(t, func() bool { return consumerOf(t, l, "a").LastFailure != "" })
	assert.Contains(t, consumerOf(t, l, "a").LastFailure, "version 2")
	assert.Equal(t, uint64(2), consumerOf(t, l, "a").Pending)
	v, err := l.View().Verify(t.Context())
	require.NoError(t, err)
	require.Len(t, v.Unreadable, 1)
	text, err := json.Marshal(v)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"unreadable":[{"sequence":4,"reason":"`)
	assert.Contains(t, string(text), "version 2")
}

// TestDeliveriesAreBounded: a long backlog comes in pieces.
func TestDeliveriesAreBounded(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	for range 12 {
		require.NoError(t, l.Append(t.Context(), Record{Extra: make([]byte, 1<<20)}))
	}
	var sizes []int
	consume(t, l, "a", func(_ context.Context, d Delivery) error {
		sizes = append(sizes, len(d.Records))
		return nil
	})
	eventually(t, func() bool { return caughtUp(t, l, "a") })
	require.Equal(t, []int{4, 4, 4}, sizes)
}

// TestExternal: the same code over the network, and a server that goes away is
// Unknown, not a broken log.
func TestExternal(t *testing.T) {
	cfg := Config{
		URL: externalServer(t).ClientURL(), Consumers: []string{"a", "b"}, Now: time.Now, MaxBytes: 1 << 30,
		AppendTimeout: 2 * time.Second, recheck: 20 * time.Millisecond,
	}
	l := open(t, cfg)
	want := numbered("e", 20)
	appendAll(t, l, want...)
	require.Equal(t, want, drained(t, l, "a"))
	require.Zero(t, status(t, l).FreeBytes)

	// A second process, with the same consumers, writes into the same log.
	other := open(t, cfg)
	appendAll(t, other, "other")
	require.Equal(t, append(slices.Clone(want), "other"), drained(t, l, "b"))
	closed(t, other)

	// Somebody deletes a consumer: the log may acknowledge what it does not keep.
	require.NoError(t, l.engineNow().stream.DeleteConsumer(t.Context(), "b"))
	<-l.Poisoned()
	require.ErrorAs(t, l.Append(t.Context(), event("x")), new(Poisoned))
	require.Equal(t, StatePoisoned, status(t, l).State)
}

func TestExternalGoesAway(t *testing.T) {
	s := externalServer(t)
	cfg := Config{URL: s.ClientURL(), Consumers: []string{"a"}, Now: time.Now, MaxBytes: 1 << 30, AppendTimeout: 100 * time.Millisecond, recheck: 20 * time.Millisecond}
	l := open(t, cfg)
	appendAll(t, l, "1")
	s.Shutdown()
	s.WaitForShutdown()
	require.ErrorAs(t, l.Append(t.Context(), event("2")), new(Unknown))
	require.NoError(t, l.Fault())
}

// TestInspect: a look from a command changes nothing.
func TestInspect(t *testing.T) {
	cfg := testConfig(t, "a", "b")
	_, err := Inspect(t.Context(), Config{Dir: cfg.Dir + "/none", Now: time.Now})
	require.Error(t, err)
	l := open(t, cfg)
	appendAll(t, l, "1", "2")
	closed(t, l)

	v, err := Inspect(t.Context(), Config{Dir: cfg.Dir, Now: time.Now})
	require.NoError(t, err)
	s, err := v.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, uint64(2), s.Messages)
	require.Len(t, s.Consumers, 2)
	assert.Equal(t, uint64(2), s.Consumers[0].Pending)
	report, err := v.Verify(t.Context())
	require.NoError(t, err)
	assert.Equal(t, Verification{Messages: 2, Bytes: report.Bytes, Records: 2, Events: 2}, report)
	require.NoError(t, v.DeadLetters(t.Context(), func(Dead) error { return errors.New("there are none") }))
	v.Close()

	l = open(t, cfg)
	require.Equal(t, []string{"1", "2"}, drained(t, l, "a"))
	require.Equal(t, []string{"1", "2"}, drained(t, l, "b"))
}

// TestEverythingAtOnce: writers, readers that fail now and then, and looks, with a
// drain in between; nothing acknowledged is missing.
func TestEverythingAtOnce(t *testing.T) {
	l := open(t, testConfig(t, "a", "b"))
	sinks := map[string]*sink{"a": newSink(), "b": newSink()}
	for name, s := range sinks {
		n := 0
		consume(t, l, name, func(ctx context.Context, d Delivery) error {
			if n++; n%3 == 0 {
				return Recoverable{After: time.Millisecond, Err: errors.New("now and then")}
			}
			return s.handle(ctx, d)
		})
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var acked []string
	for w := range 4 {
		wg.Go(func() {
			for i := range 40 {
				r := event(fmt.Sprintf("%d-%d", w, i))
				if i%20 == 0 {
					r.Extra = incompressible(1 << 20) // chunked
				}
				if l.Append(context.Background(), r) == nil {
					mu.Lock()
					acked = append(acked, string(r.Events[0].Raw))
					mu.Unlock()
				}
				if i%7 == 0 {
					_, _ = l.Status(context.Background())
				}
			}
		})
	}
	wg.Wait()
	require.Len(t, acked, 160)
	for _, s := range sinks {
		require.ElementsMatch(t, acked, s.wait(t, len(acked)))
	}
}
