package spool

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestInterestTrap: a stream that keeps only what consumers wait for acknowledges and
// drops everything while it has none. This is the server's behaviour that the order
// of Open is made for; should it change, the order may.
func TestInterestTrap(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	e := l.engineNow()
	ctx := t.Context()
	s, err := e.js.CreateStream(ctx, jetstream.StreamConfig{Name: "TRAP", Subjects: []string{"trap"}, Retention: jetstream.InterestPolicy})
	require.NoError(t, err)
	_, err = e.js.Publish(ctx, "trap", []byte("x"))
	require.NoError(t, err, "acknowledged")
	info, err := s.Info(ctx)
	require.NoError(t, err)
	require.Zero(t, info.State.Msgs, "and gone")
}

// TestNoConsumers: without consumers the log keeps what fits into MaxBytes.
func TestNoConsumers(t *testing.T) {
	cfg := testConfig(t)
	cfg.MaxBytes = 100 << 10
	l := open(t, cfg)
	for range 30 {
		require.NoError(t, l.Append(t.Context(), Record{Extra: incompressible(20 << 10)}))
	}
	s := status(t, l)
	require.Equal(t, uint64(30), s.LastSeq)
	require.Positive(t, s.Messages)
	require.Less(t, s.Messages, uint64(10))
}

// TestConsumersComeAndGo: a new one starts now, a removed one lets go of what it held.
func TestConsumersComeAndGo(t *testing.T) {
	cfg := testConfig(t)
	with := func(names ...string) *Log {
		cfg.Consumers = names
		return open(t, cfg)
	}
	l := with()
	appendAll(t, l, "kept by limits")
	closed(t, l)

	l = with("a")
	appendAll(t, l, "1")
	closed(t, l)

	l = with("a", "b")
	appendAll(t, l, "2")
	require.Equal(t, []string{"1", "2"}, drained(t, l, "a"), "nothing of the time before it")
	require.Equal(t, []string{"2"}, drained(t, l, "b"))
	appendAll(t, l, "3")
	require.Equal(t, []string{"3"}, drained(t, l, "b"))
	require.Equal(t, uint64(1), status(t, l).Messages, "a has not read it")
	closed(t, l)

	l = with("b")
	eventually(t, func() bool { return status(t, l).Messages == 0 }, "only a had to read it")
	require.Len(t, status(t, l).Consumers, 1)
	appendAll(t, l, "4")
	closed(t, l)

	l = with()
	require.Equal(t, uint64(1), status(t, l).Messages, "what nobody has read stays when the last one goes")
	appendAll(t, l, "5")
	require.Equal(t, uint64(2), status(t, l).Messages)
}

func TestFullLog(t *testing.T) {
	cfg := testConfig(t, "a")
	cfg.MaxBytes = 300 << 10
	l := open(t, cfg)
	var full Full
	n := 0
	for {
		err := l.Append(t.Context(), Record{Kind: fmt.Sprint(n), Extra: incompressible(50 << 10)})
		if errors.As(err, &full) {
			break
		}
		require.NoError(t, err)
		n++
	}
	require.Equal(t, FullLog, full.Reason)
	require.Equal(t, DefaultRetryAfter, full.RetryAfter)
	require.Equal(t, uint64(n), status(t, l).Messages, "nothing was discarded")
	require.NoError(t, l.Fault(), "full is no fault")

	s := newSink()
	consume(t, l, "a", s.handle)
	eventually(t, func() bool { return status(t, l).Messages == 0 })
	appendAll(t, l, "again")
}

func TestFullDisk(t *testing.T) {
	cfg := testConfig(t, "a")
	var free atomic.Int64
	cfg.freeSpace = func(string) (int64, error) { return free.Load(), nil }
	free.Store(cfg.FreeFloor)
	l := open(t, cfg)
	appendAll(t, l, "1")
	free.Add(-1)
	var full Full
	require.ErrorAs(t, l.Append(t.Context(), event("2")), &full)
	require.Equal(t, FullDisk, full.Reason)
	free.Add(1)
	appendAll(t, l, "3")
	require.Equal(t, []string{"1", "3"}, drained(t, l, "a"))
	require.Equal(t, uint64(1), status(t, l).Counters.Refused)
}

// TestQuota: one cluster cannot fill the log, what it has stored counts over a
// restart, and what is settled does not count.
func TestQuota(t *testing.T) {
	cfg := testConfig(t, "a")
	cfg.Quota = 100 << 10
	cfg.Quotas = map[string]int64{"big": 1 << 20, "none": 0}
	l := open(t, cfg)
	fill := func(cluster string) (n int) {
		for ; n < 40; n++ {
			err := l.Append(t.Context(), Record{Cluster: cluster, Extra: incompressible(20 << 10)})
			var full Full
			if errors.As(err, &full) {
				require.Equal(t, FullQuota, full.Reason)
				return n
			}
			require.NoError(t, err)
		}
		return n
	}
	require.Equal(t, 4, fill("greedy"))
	require.Equal(t, 4, fill("modest"))
	require.Equal(t, 40, fill("big"))
	require.Equal(t, 40, fill("none"))
	before := status(t, l).Unsettled
	require.InDelta(t, 82<<10, before["greedy"], 4<<10)
	closed(t, l)

	l = open(t, cfg)
	require.InDelta(t, before["greedy"], status(t, l).Unsettled["greedy"], 1<<10)
	require.Zero(t, fill("greedy"))
	s := newSink()
	consume(t, l, "a", s.handle)
	eventually(t, func() bool { return len(status(t, l).Unsettled) == 0 })
	require.Positive(t, fill("greedy"))
}

func TestTooLarge(t *testing.T) {
	cfg := testConfig(t, "a")
	cfg.MaxRecord = 2 << 20
	l := open(t, cfg)
	var large TooLarge
	require.ErrorAs(t, l.Append(t.Context(), Record{Extra: make([]byte, 2<<20)}), &large)
	require.Equal(t, 2<<20, large.Limit)
	require.NoError(t, l.Append(t.Context(), Record{Extra: make([]byte, 2<<20-100)}))
}

func TestFullQueue(t *testing.T) {
	q := newQueue(1000)
	push := func(n int) bool {
		_, ok := q.push(&pending{raw: make([]byte, n)})
		return ok
	}
	require.True(t, push(5000), "alone it may be larger")
	require.False(t, push(1))
	items := q.next(1 << 20)
	require.Len(t, items, 1)
	require.False(t, push(1), "it still takes memory")
	q.written(items...)
	require.True(t, push(1))
}

// TestGroups: Appends at the same time share messages, and all of them are stored.
func TestGroups(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	const writers, each = 32, 20
	var wg sync.WaitGroup
	var failed atomic.Int64
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if l.Append(context.Background(), event(fmt.Sprintf("%d-%d", w, i))) != nil {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	require.Zero(t, failed.Load())
	c := status(t, l).Counters
	assert.Equal(t, uint64(writers*each), c.Records)
	assert.Equal(t, uint64(writers*each), c.Events)
	assert.Less(t, c.Messages, c.Records/2)
	got := drained(t, l, "a")
	require.Len(t, got, writers*each)
	next := map[string]int{}
	for _, id := range got {
		w, i, _ := strings.Cut(id, "-")
		require.Equal(t, fmt.Sprint(next[w]), i, "each writer's records in its order")
		next[w]++
	}
}

// TestLargeRecord: 16 MiB that do not compress, in chunks, on our own server and on
// one with a default configuration.
func TestLargeRecord(t *testing.T) {
	external := Config{URL: externalServer(t).ClientURL(), Consumers: []string{"a"}, Now: time.Now, MaxBytes: 1 << 30}
	small := testConfig(t, "a") // more chunks than a consumer asks for at once
	small.MaxPayload = 16 << 10
	for name, tt := range map[string]struct {
		cfg  Config
		size int
	}{
		"embedded": {testConfig(t, "a"), 16 << 20}, "external": {external, 16 << 20}, "many chunks": {small, 2 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			noise := incompressible(tt.size)
			l := open(t, tt.cfg)
			appendAll(t, l, "before")
			require.NoError(t, l.Append(t.Context(), Record{Kind: "large", Events: []Item{{Raw: noise}}}))
			appendAll(t, l, "after")
			got := drained(t, l, "a")
			require.Len(t, got, 3)
			require.Equal(t, "before", got[0])
			require.True(t, got[1] == string(noise))
			require.Equal(t, "after", got[2])
			c := status(t, l).Counters
			require.Equal(t, uint64(1), c.Chunked)
			require.GreaterOrEqual(t, c.Messages, uint64(18))
		})
	}
}

// TestTornRecord: what a writer that died between two chunks left is discarded at
// the next start, and nothing behind it waits.
func TestTornRecord(t *testing.T) {
	cfg := testConfig(t, "a")
	l := open(t, cfg)
	appendAll(t, l, "1")
	torn := chunksOf(t, 99, 1, Record{Extra: incompressible(9000)}, 4<<10)
	for _, m := range torn[:2] {
		_, err := l.engineNow().js.Publish(t.Context(), l.cfg.subject(), m)
		require.NoError(t, err)
	}
	closed(t, l)

	l = open(t, cfg)
	v, err := l.View().Verify(t.Context())
	require.NoError(t, err)
	require.Equal(t, uint64(2), v.Incomplete)
	appendAll(t, l, "2")
	require.Equal(t, []string{"1", "2"}, drained(t, l, "a"))
	require.Equal(t, uint64(2), status(t, l).Counters.TornChunks)
	eventually(t, func() bool { return status(t, l).Messages == 0 })
}

// TestAppendDeadline: the store that does not answer is not waited for, and nobody
// claims to know what became of the record.
func TestAppendDeadline(t *testing.T) {
	cfg := testConfig(t, "a")
	cfg.AppendTimeout = 500 * time.Millisecond
	l := open(t, cfg)
	mute(t, l)
	err := l.Append(t.Context(), event("1"))
	var unknown Unknown
	require.ErrorAs(t, err, &unknown)
	require.ErrorContains(t, err, "may or may not be stored")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = l.Append(ctx, event("2"))
	require.True(t, errors.Is(err, context.Canceled) || errors.As(err, &unknown), "%v", err)
	require.Equal(t, uint64(2), status(t, l).Counters.Unknown+status(t, l).Counters.Refused)
}

// mute makes the log write to a subject where somebody listens and nobody answers.
func mute(t testing.TB, l *Log) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	nc, err := nats.Connect("", nats.InProcessServer(l.eng.server))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	_, err = nc.SubscribeSync("mute")
	require.NoError(t, err)
	require.NoError(t, nc.Flush())
	l.eng = &engine{server: l.eng.server, conn: l.eng.conn, js: muted{l.eng.js}, stream: l.eng.stream, gone: l.eng.gone}
}

type muted struct{ jetstream.JetStream }

func (m muted) PublishMsgAsync(msg *nats.Msg, opts ...jetstream.PublishOpt) (jetstream.PubAckFuture, error) {
	msg.Subject = "mute"
	return m.JetStream.PublishMsgAsync(msg, opts...)
}

func TestOutOfSpace(t *testing.T) {
	for text, want := range map[string]bool{
		"JetStream stream 'A > B' write error: write /d/1.blk: " + syscall.ENOSPC.Error(): true,
		"JetStream stream 'A > B' write error: write /d/1.blk: " + syscall.EDQUOT.Error(): true,
		"JetStream stream 'A > B' write error: sync /d/1.blk: " + syscall.ENOSPC.Error():  false,
		"JetStream stream 'A > B' write error: sync /d/1.blk: " + syscall.EIO.Error():     false,
		"JetStream not enabled": false,
	} {
		require.Equal(t, want, outOfSpace(errors.New(text)), text)
	}
}

// TestNothingIsLeftRunning: a closed log has no goroutines.
func TestNothingIsLeftRunning(t *testing.T) {
	cycle := func() {
		l := open(t, testConfig(t, "a"))
		s := newSink()
		stop := consume(t, l, "a", s.handle)
		appendAll(t, l, numbered("e", 5)...)
		s.wait(t, 5)
		closed(t, l)
		stop()
	}
	cycle() // what libraries start once
	before := runtime.NumGoroutine()
	const cycles = 5
	for range cycles {
		cycle()
	}
	stacks := make([]byte, 1<<20)
	eventually(t, func() bool {
		text := string(stacks[:runtime.Stack(stacks, true)])
		return !strings.Contains(text, "spool.(*Log)") && !strings.Contains(text, "spool.(*reader)") &&
			runtime.NumGoroutine() < before+cycles // the server's own come and go
	})
}

// TestAppendKeepsDeadLettersBesideTheLog: what came in and is no event is durable
// like everything else, does not wait for consumers and does not go when they
// have settled.
func TestAppendKeepsDeadLettersBesideTheLog(t *testing.T) {
	cfg := testConfig(t)
	cfg.Consumers = []string{"a"}
	l := open(t, cfg)
	r := event("1")
	r.Cluster = "prod"
	r.Dead = []DeadLetter{{Reason: "syntax", Raw: []byte("{"), Size: 1}}
	require.NoError(t, l.Append(t.Context(), r))
	only := Record{Kind: "webhook", Dead: []DeadLetter{{Reason: "kind", Raw: []byte("{}"), Size: 2}}}
	require.NoError(t, l.Append(t.Context(), only))
	s := status(t, l)
	assert.EqualValues(t, 2, s.Counters.DeadItems)
	assert.EqualValues(t, 1, s.Counters.Events)
	require.NoError(t, l.Close(t.Context()))

	l = open(t, cfg)
	var dead []Dead
	require.NoError(t, l.View().DeadLetters(t.Context(), func(d Dead) error {
		dead = append(dead, d)
		return nil
	}))
	require.Len(t, dead, 2)
	assert.Equal(t, "syntax", dead[0].Reason)
	assert.Equal(t, "prod", dead[0].Record.Cluster)
	assert.Empty(t, dead[0].Record.Events)
	assert.Equal(t, "kind", dead[1].Reason)
	assert.Empty(t, dead[1].Consumer)
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, l.Consume(ctx, "a", func(_ context.Context, d Delivery) error {
		cancel()
		require.Len(t, d.Records, 1)
		assert.Len(t, d.Records[0].Events, 1)
		assert.Empty(t, d.Records[0].Dead)
		return nil
	}))

	require.NoError(t, l.Drain(t.Context()))
	require.ErrorAs(t, l.Append(t.Context(), only), new(Draining))
}
