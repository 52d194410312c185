package spool

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for what should happen at once.
const patience = 20 * time.Second

// testConfig is a log in a folder of the test's own.
func testConfig(t testing.TB, consumers ...string) Config {
	t.Helper()
	return Config{
		Dir: t.TempDir(), Consumers: consumers, Now: time.Now,
		MaxBytes: 1 << 30, FreeFloor: 1 << 20, recheck: 20 * time.Millisecond,
	}
}

func open(t testing.TB, cfg Config) *Log {
	t.Helper()
	l, err := Open(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close(context.Background()) })
	return l
}

func closed(t testing.TB, l *Log) {
	t.Helper()
	require.NoError(t, l.Close(context.Background()))
}

// event is a record of one event.
func event(id string) Record {
	return Record{Kind: "test", Cluster: "c", Received: time.Unix(1700000000, 5).UTC(), Events: []Item{{Raw: []byte(id)}}}
}

func appendAll(t testing.TB, l *Log, ids ...string) {
	t.Helper()
	for _, id := range ids {
		require.NoError(t, l.Append(t.Context(), event(id)))
	}
}

func numbered(prefix string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return ids
}

// sink collects what a consumer delivers.
type sink struct {
	mu  sync.Mutex
	ids []string
	n   chan struct{} // gets a token after each delivery
}

func newSink() *sink { return &sink{n: make(chan struct{}, 1)} }

func (s *sink) handle(_ context.Context, d Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range d.Records {
		for _, e := range r.Events {
			s.ids = append(s.ids, string(e.Raw))
		}
	}
	select {
	case s.n <- struct{}{}:
	default:
	}
	return nil
}

func (s *sink) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.ids...)
}

// wait returns what was delivered once there are n.
func (s *sink) wait(t testing.TB, n int) []string {
	t.Helper()
	deadline := time.After(patience)
	for {
		if ids := s.got(); len(ids) >= n {
			return ids
		}
		select {
		case <-s.n:
		case <-deadline:
			require.FailNow(t, "not delivered", "%d of %d", len(s.got()), n)
		}
	}
}

// consume reads a consumer until stop is called, which waits for it.
func consume(t testing.TB, l *Log, name string, h Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Consume(ctx, name, h) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(t, <-ended)
		})
	}
	t.Cleanup(stop)
	return stop
}

// eventually waits until something holds. Unlike testify's it asks in the test's own
// goroutine, so that nothing asks on when the test is over.
func eventually(t testing.TB, holds func() bool, what ...string) {
	t.Helper()
	tick, deadline := time.NewTicker(5*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			require.FailNow(t, "it does not come to hold", what)
		}
	}
}

// drained reads a consumer until nothing is left.
func drained(t testing.TB, l *Log, name string) []string {
	t.Helper()
	s := newSink()
	stop := consume(t, l, name, s.handle)
	eventually(t, func() bool { return caughtUp(t, l, name) })
	stop()
	return s.got()
}

func status(t testing.TB, l *Log) Status {
	t.Helper()
	s, err := l.Status(context.Background())
	require.NoError(t, err)
	return s
}

// caughtUp tells whether a consumer has settled all there is. It goes by the cursor:
// the server tells a consumer of a message after it has acknowledged it to its writer,
// so for a moment nothing is pending.
func caughtUp(t testing.TB, l *Log, name string) bool {
	t.Helper()
	ctx := context.Background()
	info, err := l.engineNow().stream.Info(ctx)
	require.NoError(t, err)
	c, err := l.engineNow().stream.Consumer(ctx, name)
	require.NoError(t, err)
	return c.CachedInfo().AckFloor.Stream >= info.State.LastSeq
}

func consumerOf(t testing.TB, l *Log, name string) ConsumerStatus {
	t.Helper()
	for _, c := range status(t, l).Consumers {
		if c.Name == name {
			return c
		}
	}
	require.FailNow(t, "no such consumer", name)
	return ConsumerStatus{}
}

// externalServer is a second server that listens on loopback, with defaults.
func externalServer(t testing.TB) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
	})
	require.NoError(t, err)
	s.Start()
	require.True(t, s.ReadyForConnections(patience))
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

func TestConfigIsChecked(t *testing.T) {
	ok := Config{Dir: "d", Now: time.Now}
	for name, tt := range map[string]struct {
		change func(*Config)
		want   string
	}{
		"neither":     {func(c *Config) { c.Dir = "" }, "set one of dir and url"},
		"both":        {func(c *Config) { c.URL = "nats://h" }, "set one of dir and url"},
		"clock":       {func(c *Config) { c.Now = nil }, "a clock is needed"},
		"stream":      {func(c *Config) { c.Stream = "a.b" }, `the name "a.b"`},
		"consumer":    {func(c *Config) { c.Consumers = []string{"a>"} }, `the name "a>"`},
		"consumers":   {func(c *Config) { c.Consumers = []string{"a", "b", "a"} }, `two consumers named "a"`},
		"max_payload": {func(c *Config) { c.MaxPayload = 100 }, "max_payload is 100 bytes"},
		"max_record":  {func(c *Config) { c.MaxRecord = 1 << 19 }, "below max_payload"},
	} {
		t.Run(name, func(t *testing.T) {
			c := ok
			tt.change(&c)
			_, err := Open(t.Context(), c)
			require.ErrorContains(t, err, tt.want)
		})
	}
	_, err := ok.withDefaults()
	require.NoError(t, err)
}

func TestPlaceHidesCredentials(t *testing.T) {
	for url, want := range map[string]string{
		"nats://user:pass@h:4222": "nats://h:4222",
		"tls://token@h":           "tls://h",
		"user:p@ss@h:1":           "nats://h:1",
		"h:4222":                  "nats://h:4222",
	} {
		require.Equal(t, want, (&Config{URL: url}).place())
	}
}

// TestRoundTrip: what goes in comes out, in order, for each consumer, and the cursor
// stays where it is over a restart.
func TestRoundTrip(t *testing.T) {
	cfg := testConfig(t, "a", "b")
	l := open(t, cfg)
	want := numbered("e", 50)
	appendAll(t, l, want...)

	require.Equal(t, want, drained(t, l, "a"))
	require.Equal(t, uint64(50), consumerOf(t, l, "b").Pending)
	closed(t, l)

	l = open(t, cfg)
	appendAll(t, l, "more")
	require.Equal(t, append(want, "more"), drained(t, l, "b"))
	require.Equal(t, []string{"more"}, drained(t, l, "a"))
	eventually(t, func() bool { return status(t, l).Messages == 0 }, "settled by all, and gone")
}

func TestStoreBelongsToOneProcess(t *testing.T) {
	cfg := testConfig(t, "a")
	l := open(t, cfg)
	_, err := Open(t.Context(), cfg)
	require.ErrorAs(t, err, new(InUse))
	_, err = Inspect(t.Context(), cfg)
	require.ErrorContains(t, err, "another process has it open")
	closed(t, l)
	open(t, cfg)
}

func TestConnectionRefused(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := ln.Addr().String()
	require.NoError(t, ln.Close())
	_, err = Open(t.Context(), Config{URL: "nats://me:secret@" + addr, Now: time.Now})
	require.ErrorContains(t, err, "connect to nats://"+addr)
	require.False(t, strings.Contains(err.Error(), "secret"))
}

func TestDrainAndClose(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	appendAll(t, l, "1")
	require.NoError(t, l.Drain(t.Context()))
	err := l.Append(t.Context(), event("2"))
	require.ErrorAs(t, err, new(Draining))
	require.Equal(t, StateDraining, status(t, l).State)
	require.Equal(t, []string{"1"}, drained(t, l, "a"), "consumers go on")

	s := newSink()
	stop := consume(t, l, "a", s.handle)
	eventually(t, func() bool { return consumerOf(t, l, "a").Reading })
	closed(t, l)
	stop()
	closed(t, l)
	require.ErrorAs(t, l.Append(t.Context(), event("3")), new(Draining))
	require.ErrorAs(t, l.Consume(t.Context(), "a", s.handle), new(Draining))
}

func TestConsumeOnce(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	s := newSink()
	stop := consume(t, l, "a", s.handle)
	eventually(t, func() bool { return consumerOf(t, l, "a").Reading })
	require.ErrorContains(t, l.Consume(t.Context(), "a", s.handle), "is being read already")
	require.ErrorContains(t, l.Consume(t.Context(), "x", s.handle), "is not configured")
	stop()
	appendAll(t, l, "1")
	require.Equal(t, []string{"1"}, drained(t, l, "a"), "free again")
}

func TestCloseGivesUpWaiting(t *testing.T) {
	l := open(t, testConfig(t, "a"))
	l.appends.Add(1) // an Append that hangs
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.True(t, errors.Is(l.Close(ctx), context.Canceled))
	l.appends.Done()
}
