package pubsub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/spool"
	fake "github.com/kubewitness/kubewitness/test/pubsub"
)

const (
	topic        = "projects/acme/topics/audit"
	subscription = "projects/acme/subscriptions/audit"
	patience     = 2 * time.Minute // of whatever waits, on a busy machine
)

// world is Google's fake of Pub/Sub, spoken to over gRPC, with a subscription that is received from into an intake whose
// log is in memory.
type world struct {
	t      testing.TB
	server *pstest.Server
	addr   string // of it, or of the front before it
	log    *memory
	told   *lines
	sub    *Subscription
	closed bool
	stop   context.CancelFunc
	ended  chan struct{}
}

// newWorld makes the topic and its subscription, and receives.
func newWorld(t testing.TB, change func(*Config)) *world {
	w := newServer(t)
	w.subscribe()
	w.receive(change)
	return w
}

// newEnding is a world for tests of ends. In the fake alone, what is handed back at an end can go once more to the stream that
// is ending, and then comes again only after its deadline.
func newEnding(t testing.TB, change func(*Config)) *world {
	front := fake.New(t)
	w := &world{t: t, server: front.Fake(), addr: front.Addr(), log: newMemory(), told: &lines{}}
	t.Setenv("PUBSUB_EMULATOR_HOST", w.addr)
	t.Cleanup(w.end)
	w.receive(change)
	return w
}

func newServer(t testing.TB) *world {
	w := &world{t: t, server: pstest.NewServer(), log: newMemory(), told: &lines{}}
	w.addr = w.server.Addr
	t.Setenv("PUBSUB_EMULATOR_HOST", w.addr)
	_, err := w.server.GServer.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topic})
	require.NoError(t, err)
	t.Cleanup(func() {
		w.end()
		if !w.closed {
			_ = w.server.Close()
		}
	})
	return w
}

func (w *world) subscribe() {
	_, err := w.server.GServer.CreateSubscription(w.t.Context(), &pubsubpb.Subscription{Name: subscription, Topic: topic, AckDeadlineSeconds: 60})
	require.NoError(w.t, err)
}

// receive begins to receive.
func (w *world) receive(change func(*Config)) {
	in := ingest.New(ingest.Config{
		Log: w.log, Judge: plain{}, Ledger: ingest.NewLedger(ingest.LedgerConfig{Now: time.Now}), Now: time.Now,
		Retention: 100 * 365 * 24 * time.Hour, Clusters: []ingest.Cluster{{Name: "slow", EventsPerSecond: 1e-6, Burst: 1}},
	})
	cfg := Config{
		Subscription: subscription, Emulator: w.addr, Taker: in, Now: time.Now, Linger: time.Millisecond, PartWait: time.Hour, Hold: time.Hour,
		Logger: slog.New(slog.NewTextHandler(w.told, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	w.sub, err = Open(cfg)
	require.NoError(w.t, err)
	ctx, stop := context.WithCancel(context.Background())
	w.stop, w.ended = stop, make(chan struct{})
	go func() {
		defer close(w.ended)
		w.sub.Run(ctx)
	}()
}

// end ends receiving in order.
func (w *world) end() {
	if w.stop == nil {
		return
	}
	w.stop()
	select {
	case <-w.ended:
	case <-time.After(patience):
		assert.Fail(w.t, "it does not end", w.sub.Status())
	}
	w.stop = nil
}

func (w *world) publish(entries ...string) (ids []string) {
	for _, e := range entries {
		ids = append(ids, w.server.Publish(topic, []byte(e), nil))
	}
	return ids
}

// eventually waits for what happens in its own time.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	require.Eventually(w.t, ok, patience, 2*time.Millisecond, "%s: %+v", what, status{w.sub})
}

// status is printed when it is asked for.
type status struct{ of *Subscription }

func (s status) String() string { return fmt.Sprintf("%+v", s.of.Status()) }

// acked tells whether all of some messages were acknowledged, each once.
func (w *world) acked(ids ...string) bool {
	for _, id := range ids {
		if w.server.Message(id).Acks != 1 {
			return false
		}
	}
	return true
}

// acks counts the acknowledgements of some messages.
func (w *world) acks(ids ...string) (n int) {
	for _, id := range ids {
		n += w.server.Message(id).Acks
	}
	return n
}

// requireStored holds that the log has these events, each once.
func (w *world) requireStored(auditIDs ...string) {
	w.t.Helper()
	var got []string
	for _, e := range w.log.events(w.t) {
		got = append(got, e.Event.AuditID)
	}
	require.ElementsMatch(w.t, auditIDs, got)
}

// entry is a log entry of a cluster in which a pod is read.
func entry(id, cluster string) string {
	return fmt.Sprintf(`{"insertId":%q,"logName":"projects/acme/logs/cloudaudit.googleapis.com%%2Fdata_access","timestamp":"2026-11-19T08:43:03.141592Z",`+
		`"receiveTimestamp":"2026-11-19T08:43:04Z","resource":{"type":"k8s_cluster","labels":{"cluster_name":%q,"location":"europe-west4","project_id":"acme"}},`+
		`"newField":{"of":["later"]},"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","serviceName":"k8s.io","methodName":"io.k8s.core.v1.pods.get",`+
		`"resourceName":"core/v1/namespaces/shop/pods/web-0","authenticationInfo":{"principalEmail":"dora@acme.example"},"requestMetadata":{"callerIp":"203.0.113.7"}}}`,
		id, cluster)
}

// part is a part of a split entry in which a pod with so many labels is created; the labels are spread over the parts.
func part(id, cluster string, index, total int) string {
	return fmt.Sprintf(`{"insertId":"%[1]s-%[3]d","logName":"projects/acme/logs/cloudaudit.googleapis.com%%2Factivity","timestamp":"2026-11-19T08:43:03.141592Z",`+
		`"receiveTimestamp":"2026-11-19T08:43:04Z","resource":{"type":"k8s_cluster","labels":{"cluster_name":%[2]q}},`+
		`"split":{"uid":"%[1]s+2026","index":%[3]d,"totalSplits":%[4]d},"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","serviceName":"k8s.io",`+
		`"methodName":"io.k8s.core.v1.pods.create","resourceName":"core/v1/namespaces/shop/pods/web-0","request":{"@type":"core.k8s.io/v1.Pod","metadata":{"labels":{"part-%[3]d":"here"}}}}}`,
		id, cluster, index, total)
}

const (
	notJSON   = `{"insertId":`
	notAnyone = `{"greeting":"hello"}`
	noTime    = `{"insertId":"x","logName":"l","protoPayload":{"serviceName":"k8s.io","methodName":"io.k8s.core.v1.pods.get"}}`
	otherAPI  = `{"insertId":"x","logName":"projects/acme/logs/cloudaudit.googleapis.com%2Factivity","protoPayload":{"serviceName":"container.googleapis.com"}}`
	container = `{"insertId":"x","logName":"projects/acme/logs/stdout","textPayload":"hello"}`
)

// memory is a log that keeps records, and refuses them when it is told to.
type memory struct {
	mu      sync.Mutex
	records []spool.Record
	fail    func(spool.Record) error
	asked   int
}

func newMemory() *memory { return &memory{fail: func(spool.Record) error { return nil }} }

// Append implements ingest.Log.
func (m *memory) Append(_ context.Context, r spool.Record) error {
	m.mu.Lock()
	m.asked++
	fail := m.fail
	m.mu.Unlock()
	if err := fail(r); err != nil { // which may wait
		return err
	}
	r.Events = append([]spool.Item(nil), r.Events...)
	for i := range r.Events {
		r.Events[i].Raw = bytes.Clone(r.Events[i].Raw)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = append(m.records, r)
	return nil
}

func (m *memory) set(fail func(spool.Record) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

func (m *memory) calls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

func (m *memory) events(t testing.TB) (all []*record.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.records {
		s := record.Stored{Source: r.Kind, Cluster: r.Cluster, Received: r.Received, Ruleset: r.Ruleset, Extra: r.Extra}
		for _, it := range r.Events {
			s.Items = append(s.Items, record.Item(it))
		}
		events, errs := record.Decode(s)
		require.Empty(t, errs)
		all = append(all, events...)
	}
	return all
}

func (m *memory) dead() (all []spool.DeadLetter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.records {
		all = append(all, r.Dead...)
	}
	return all
}

// refusing is a log's error for everything.
func refusing(err error) func(spool.Record) error { return func(spool.Record) error { return err } }

var errFull = spool.Full{Reason: spool.FullDisk, RetryAfter: time.Millisecond}

// plain is a judge that finds nothing and leaves all as it is.
type plain struct{}

func (plain) Judge(events []*audit.Event, ids []audit.Identity) (items []record.Item, ruleset []byte) {
	for i, e := range events {
		items = append(items, record.Item{Raw: e.Raw, Notes: record.EncodeNotes(record.Notes{ID: ids[i]})})
	}
	return items, []byte("rules")
}

func (plain) Text(s string) string { return s }

// lines is what was logged.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var errLost = errors.New("the disk is gone")
