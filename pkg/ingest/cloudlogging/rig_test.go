package cloudlogging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest"
	server "github.com/kubewitness/kubewitness/test/cloudlogging"
)

// patience is how long a test waits for what a busy machine does in its own time.
const patience = time.Minute

// clock is that of the machine, put forward as a test likes.
type clock struct {
	mu  sync.Mutex
	add time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.add)
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add += d
}

// taker keeps what it is given.
type taker struct {
	mu      sync.Mutex
	taken   map[audit.Identity]int
	events  []*audit.Event
	refused []ingest.Refused
	calls   int
	refuse  func(call int) error
	grown   chan struct{} // closed when there is more
}

func newTaker() *taker {
	return &taker{taken: map[audit.Identity]int{}, grown: make(chan struct{})}
}

func (k *taker) TakeGiven(_ context.Context, g ingest.Given) (ingest.Receipt, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
	if k.refuse != nil {
		if err := k.refuse(k.calls - 1); err != nil {
			return ingest.Receipt{}, err
		}
	}
	var r ingest.Receipt
	for _, e := range g.Events {
		if k.taken[e.Identity()]++; k.taken[e.Identity()] > 1 {
			r.Known++
			continue
		}
		r.Events++
		k.events = append(k.events, e)
	}
	k.refused = append(k.refused, g.Refused...)
	r.Dead = len(g.Refused)
	close(k.grown)
	k.grown = make(chan struct{})
	return r, nil
}

func (k *taker) ids() (ids []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.events {
		ids = append(ids, e.AuditID)
	}
	return ids
}

// given is how many events were given, those that were given before included.
func (k *taker) given() (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, times := range k.taken {
		n += times
	}
	return n
}

// await waits until so many different events are there.
func (k *taker) await(t testing.TB, n int) {
	t.Helper()
	limit := time.After(patience)
	for {
		k.mu.Lock()
		have, grown := len(k.events), k.grown
		k.mu.Unlock()
		require.LessOrEqual(t, have, n, "too many events")
		if have == n {
			return
		}
		select {
		case <-grown:
		case <-limit:
			require.Fail(t, fmt.Sprintf("%d of %d events have come", have, n))
		}
	}
}

// rig is a puller with what is around it.
type rig struct {
	*server.Server
	clock  *clock
	taker  *taker
	cfg    Config
	puller *Puller
	end    func()
}

func newRig(t testing.TB, change func(*Config)) *rig {
	r := &rig{Server: server.New(t), clock: &clock{}, taker: newTaker()}
	client, err := Dial(t.Context(), Access{Endpoint: r.Addr()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	r.cfg = Config{
		Client: client, Resource: server.Project, Folder: t.TempDir(), Taker: r.taker, Poll: 5 * time.Millisecond, Overlap: 5 * time.Minute,
		Backoff: time.Millisecond, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: r.clock.now,
		Quotas: &Quotas{PerMinute: 1_000_000, Now: r.clock.now},
	}
	if change != nil {
		change(&r.cfg)
	}
	return r
}

// start runs a puller, a new one each time.
func (r *rig) start(t testing.TB) {
	t.Helper()
	p, err := New(r.cfg)
	require.NoError(t, err)
	r.puller = p
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx)
	}()
	r.end = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(r.end)
}

// until waits until the status is as it shall be.
func (r *rig) until(t testing.TB, what string, ok func(Status) bool) {
	t.Helper()
	require.Eventually(t, func() bool { return ok(r.puller.Status()) }, patience, time.Millisecond, what)
}

// readings waits until the cursor has moved behind so many readings.
func (r *rig) readings(t testing.TB, n int64) {
	t.Helper()
	r.until(t, "the end of a reading", func(s Status) bool { return s.Readings >= n })
}

// past are entries of the time before a test.
func past(from, to int, ago time.Duration) []*loggingpb.LogEntry {
	return server.Entries(from, to, time.Now().Add(-ago), time.Millisecond)
}
