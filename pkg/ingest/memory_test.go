package ingest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// noon is what the tests' clock begins at, and when the tests' events happen.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// clock is a clock that the test sets.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: noon} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// memory is a log in memory that refuses what it is told to, and what is larger than
// its limit.
type memory struct {
	mu      sync.Mutex
	records []spool.Record
	errs    []error // for the next Appends
	limit   int     // of the bytes of a record's events and dead letters; 0: none
}

func (m *memory) Append(_ context.Context, r spool.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.errs) > 0 {
		err := m.errs[0]
		m.errs = m.errs[1:]
		return err
	}
	size := 0
	kept := r
	kept.Events, kept.Dead = nil, nil
	for _, e := range r.Events {
		size += len(e.Raw)
		e.Raw, e.Detections, e.Notes = bytes.Clone(e.Raw), bytes.Clone(e.Detections), bytes.Clone(e.Notes)
		kept.Events = append(kept.Events, e)
	}
	for _, d := range r.Dead {
		size += len(d.Raw)
		d.Raw, d.Digest = bytes.Clone(d.Raw), bytes.Clone(d.Digest)
		kept.Dead = append(kept.Dead, d)
	}
	if m.limit > 0 && size > m.limit {
		return spool.TooLarge{Size: size, Limit: m.limit}
	}
	m.records = append(m.records, kept)
	return nil
}

// events are all events of the log, as sinks get them.
func (m *memory) events(t testing.TB) (all []*record.Event) {
	t.Helper()
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

// newJudge makes the judge that the program has, with its built-in rules.
func newJudge(t testing.TB) *judge.Judge {
	t.Helper()
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	compiled, err := judge.Compile(set, judge.Options{})
	require.NoError(t, err)
	red, err := redact.New(redact.Config{})
	require.NoError(t, err)
	return judge.New(compiled, red, "host")
}

// plain is a judge that finds nothing and leaves all as it is, but for the word
// hunter2.
type plain struct{}

func (plain) Judge(events []*audit.Event, ids []audit.Identity) (items []record.Item, ruleset []byte) {
	for i, e := range events {
		items = append(items, record.Item{Raw: e.Raw, Notes: record.EncodeNotes(record.Notes{ID: ids[i]})})
	}
	return items, []byte("rules")
}

func (plain) Text(s string) string { return strings.ReplaceAll(s, "hunter2", redact.Marker) }

// intake is an Intake on a log in memory.
type intake struct {
	*Intake
	log    *memory
	clock  *clock
	ledger *Ledger
}

func newIntake(change func(*Config)) *intake {
	in := &intake{log: &memory{}, clock: newClock()}
	in.ledger = NewLedger(LedgerConfig{Entries: 10_000, Now: in.clock.now})
	cfg := Config{Log: in.log, Judge: plain{}, Ledger: in.ledger, Now: in.clock.now}
	if change != nil {
		change(&cfg)
	}
	in.Intake = New(cfg)
	return in
}

// take takes a body of the webhook.
func (in *intake) take(t testing.TB, cluster, data string) (Receipt, error) {
	t.Helper()
	return in.Take(t.Context(), Body{Source: SourceWebhook, Cluster: cluster, Peer: "peer", Data: []byte(data)})
}

func (in *intake) mustTake(t testing.TB, data string) Receipt {
	t.Helper()
	r, err := in.take(t, "prod", data)
	require.NoError(t, err)
	return r
}

// event is an item of an EventList.
func event(id string, extra ...string) string {
	return eventAt(id, noon, extra...)
}

func eventAt(id string, at time.Time, extra ...string) string {
	more := ""
	for _, x := range extra {
		more += "," + x
	}
	return fmt.Sprintf(`{"auditID":%q,"stage":"ResponseComplete","verb":"get","user":{"username":"jane"},"stageTimestamp":%q%s}`,
		id, at.Format(time.RFC3339Nano), more)
}

// list is a body as the API server sends it.
func list(items ...string) string {
	return `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` + strings.Join(items, ",") + "]}\n"
}

func auditIDs(events []*record.Event) (ids []string) {
	for _, e := range events {
		ids = append(ids, e.Event.AuditID)
	}
	return ids
}

// recorded gives recorded events, one on a line.
func recorded(t testing.TB) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "test", "bench", "testdata", "events-3k.jsonl.gz"))
	require.NoError(t, err)
	defer f.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(audit.Decompress(f))
	require.NoError(t, err)
	return b.Bytes()
}
