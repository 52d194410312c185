package elastic_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
	"github.com/kubewitness/kubewitness/pkg/sink/elastic"
)

var (
	_ sink.Counted   = (*elastic.Sink)(nil)
	_ elastic.Client = (*elasticsearch.Client)(nil)
)

const (
	eventStream     = "logs-kubernetes.audit_logs-test"
	detectionStream = "logs-kubewitness.detections-test"
)

// bench is a sink with the cluster that it writes to.
type bench struct {
	*elastic.Sink
	t       *testing.T
	cluster *cluster
	cfg     elastic.Config
	log     *lockedBuffer

	mu   sync.Mutex
	dead []string
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// within runs a test in a bubble, where time passes only when all wait.
func within(t *testing.T, change func(*elastic.Config, *cluster), test func(*testing.T, *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, cluster: newCluster(t), log: &lockedBuffer{}}
		cfg := elastic.Config{
			Client: b.cluster, Documents: ecs.Options{Namespace: "test"}, Now: time.Now, Logger: slog.New(slog.NewTextHandler(b.log, nil)),
			Dead: func(_ context.Context, e *record.Event, reason string) error {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.dead = append(b.dead, reason)
				return nil
			},
		}
		if change != nil {
			change(&cfg, b.cluster)
		}
		s, err := elastic.NewShort(cfg)
		require.NoError(t, err)
		b.Sink, b.cfg = s, cfg
		defer func() { require.NoError(t, s.Close()) }() // or a failure would hide behind goroutines that are left
		test(t, b)
	})
}

// put writes events and waits until they are settled, however long it takes.
func (b *bench) put(events ...*record.Event) {
	b.t.Helper()
	require.NoError(b.t, b.Write(b.t.Context(), events))
	b.settle()
}

func (b *bench) settle() {
	b.t.Helper()
	for {
		err := b.Sync(b.t.Context())
		if err == nil {
			break
		}
		var later sink.Recoverable
		require.ErrorAs(b.t, err, &later)
		require.Less(b.t, time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), 48*time.Hour, "it is never settled: %v", err)
	}
	st := b.State()
	assert.Zero(b.t, st.Unsettled)
	assert.Zero(b.t, st.Memory)
	assert.Zero(b.t, st.Oldest)
}

// event is number n, with as many detections.
func event(n, found int) *record.Event {
	e := &record.Event{
		Event: &audit.Event{Raw: fmt.Appendf(nil, `{"n":%d}`, n), Stage: "ResponseComplete", Time: time.Now(), Cluster: "prod"},
		ID:    audit.Identity{byte(n >> 8), byte(n)}, Received: time.Now(),
	}
	for i := range found {
		e.Detections = append(e.Detections, match.Detection{Rule: &rules.Rule{Name: fmt.Sprintf("rule %d", i)}})
	}
	return e
}

func id(n int) string { return fmt.Sprintf("%04x0000", n) }

func several(n int) (all []*record.Event) {
	for i := range n {
		all = append(all, event(i, i%2))
	}
	return all
}

// requireOnce holds that events 0 to n-1 are there, each once, and nothing else.
func (b *bench) requireOnce(n int) {
	b.t.Helper()
	found := b.cluster.found(eventStream)
	for i := range n {
		require.Equal(b.t, 1, found[id(i)], "event %d", i)
	}
	require.Len(b.t, found, n)
}

func TestEachGoesIntoItsStream(t *testing.T) {
	within(t, nil, func(t *testing.T, b *bench) {
		assert.Equal(t, "elasticsearch", b.Name())
		b.put(event(0, 0), event(1, 2), event(0, 0))
		b.requireOnce(2)
		assert.Equal(t, map[string]int{id(1) + "-0": 1, id(1) + "-1": 1}, b.cluster.found(detectionStream))
		b.put(event(1, 2), event(2, 0))
		b.requireOnce(3)
		st := b.Stats()
		assert.EqualValues(t, 3, st.EventsCreated)
		assert.EqualValues(t, 2, st.DetectionsCreated)
		assert.EqualValues(t, 3, st.Conflicts)
		assert.EqualValues(t, 1, st.Joined)
		c := b.Counters()
		assert.EqualValues(t, 2, c.Writes)
		assert.EqualValues(t, 3, c.Events)
		assert.EqualValues(t, 4, c.Repeated)
		assert.NotZero(t, c.Bytes)
	})
}

func TestWhatIsLeftOut(t *testing.T) {
	received := event(1, 0)
	received.Event.Stage = "RequestReceived"
	detected := event(2, 1)
	detected.Event.Stage = "RequestReceived"
	derived := event(3, 1)
	derived.Flags = record.Derived // what several events have told: none by itself
	for name, tt := range map[string]struct {
		change     func(*elastic.Config, *cluster)
		events     int
		detections int
	}{
		"nothing":         {func(c *elastic.Config, _ *cluster) {}, 3, 3},
		"RequestReceived": {func(c *elastic.Config, _ *cluster) { c.DropRequestReceived = true }, 2, 3},
		"events":          {func(c *elastic.Config, _ *cluster) { c.DetectionsOnly = true }, 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, tt.change, func(t *testing.T, b *bench) {
				b.put(event(0, 1), received, detected, derived)
				assert.Len(t, b.cluster.found(eventStream), tt.events)
				assert.Len(t, b.cluster.found(detectionStream), tt.detections)
			})
		})
	}
}

func TestRequestsAreBounded(t *testing.T) {
	for name, change := range map[string]func(*elastic.Config){
		"bytes":     func(c *elastic.Config) { c.BulkBytes = 1000 },
		"documents": func(c *elastic.Config) { c.BulkDocuments = 9 },
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(cfg *elastic.Config, c *cluster) {
				change(cfg)
				c.bulk = func(b *bulk) error {
					if b.size > 1000 || cfg.BulkDocuments > 0 && len(b.ids) > cfg.BulkDocuments {
						return errors.New("too much")
					}
					return nil
				}
			}, func(t *testing.T, b *bench) {
				b.put(several(100)...)
				b.requireOnce(100)
				assert.Empty(t, b.Stats().Retried)
				assert.Greater(t, b.Stats().Requests, uint64(10))
			})
		})
	}
}

// TestMemoryIsBounded has Write wait while the server does nothing.
func TestMemoryIsBounded(t *testing.T) {
	down := true
	within(t, func(cfg *elastic.Config, c *cluster) {
		cfg.MaxMemory = 20_000
		c.bulk = func(*bulk) error {
			if down {
				return errNoAnswer
			}
			return nil
		}
	}, func(t *testing.T, b *bench) {
		short, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		var later sink.Recoverable
		require.ErrorAs(t, b.Write(short, several(100)), &later)
		st := b.State()
		assert.LessOrEqual(t, st.Memory, int64(20_000))
		assert.Greater(t, st.Memory, int64(15_000))
		assert.Equal(t, start, st.Oldest)
		assert.Equal(t, elastic.Unavailable, st.Cause)
		assert.NotZero(t, st.UnderWay)

		large := event(500, 0)
		large.Event.Raw = fmt.Appendf(nil, `{"a":"%s"}`, strings.Repeat("x", 30_000))
		b.cluster.mu.Lock()
		down = false
		b.cluster.mu.Unlock()
		b.put(append(several(100), large)...)
		assert.Len(t, b.cluster.found(eventStream), 101, "also one that is larger than all the memory")
		assert.EqualValues(t, 1, b.Counters().Failed)
	})
}

func TestSyncTellsWhatIsWrong(t *testing.T) {
	within(t, func(_ *elastic.Config, c *cluster) {
		c.bulk = func(b *bulk) error {
			if b.n < 30 {
				return errNoAnswer
			}
			return nil
		}
	}, func(t *testing.T, b *bench) {
		require.NoError(t, b.Write(t.Context(), several(5)))
		var later sink.Recoverable
		require.ErrorAs(t, b.Sync(t.Context()), &later)
		assert.ErrorContains(t, later, "without an answer")
		b.settle()
		b.requireOnce(5)
		assert.Empty(t, b.State().Trouble)
		assert.Contains(t, b.log.String(), "indexed again")
	})
}

func TestClose(t *testing.T) {
	within(t, func(_ *elastic.Config, c *cluster) {
		c.bulk = func(*bulk) error { return errNoAnswer }
	}, func(t *testing.T, b *bench) {
		require.NoError(t, b.Write(t.Context(), several(50)))
		synced := make(chan error)
		go func() { synced <- b.Sync(context.Background()) }()
		synctest.Wait()
		require.NoError(t, b.Close())
		var later sink.Recoverable
		require.ErrorAs(t, <-synced, &later)
		require.ErrorAs(t, b.Write(t.Context(), several(1)), &later)
		require.ErrorAs(t, b.Sync(t.Context()), &later)
	})
}

func TestConfigIsChecked(t *testing.T) {
	fine := func() elastic.Config {
		return elastic.Config{Client: newCluster(t), Documents: ecs.Options{Namespace: "prod"}, Now: time.Now,
			Dead: func(context.Context, *record.Event, string) error { return nil }}
	}
	s, err := elastic.New(fine())
	require.NoError(t, err)
	require.NoError(t, s.Close())
	for name, spoil := range map[string]func(*elastic.Config){
		"no client": func(c *elastic.Config) { c.Client = nil }, "no clock": func(c *elastic.Config) { c.Now = nil },
		"no dead letters": func(c *elastic.Config) { c.Dead = nil }, "no namespace": func(c *elastic.Config) { c.Documents.Namespace = "" },
		"a namespace that is two words": func(c *elastic.Config) { c.Documents.Namespace = "a-b" },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := fine()
			spoil(&cfg)
			_, err := elastic.New(cfg)
			assert.Error(t, err)
		})
	}
}
