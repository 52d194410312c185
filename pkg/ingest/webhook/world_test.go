package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

const (
	token      = "token-of-prod-0123456789"
	anyToken   = "token-of-all-0123456789"
	bothToken  = "token-of-two-0123456789"
	pathSecret = "secret-in-path-0123456789"
)

var credentials = []Credential{
	{Name: "prod", Token: token, Clusters: []string{"prod"}},
	{Name: "all", Token: anyToken, Clusters: []string{AnyCluster}},
	{Name: "two", Token: bothToken, Clusters: []string{"prod", "test"}},
	{Name: "path", PathSecret: pathSecret, Clusters: []string{"test"}},
	{Name: "certificate", CertificateName: "apiserver.prod", Clusters: []string{"prod"}},
}

// memory is a log in memory that refuses what it is told to.
type memory struct {
	mu      sync.Mutex
	records []spool.Record
	errs    []error       // for the next Appends
	gate    chan struct{} // if set, an Append waits until it can take from it
}

func (m *memory) Append(ctx context.Context, r spool.Record) error {
	if m.gate != nil {
		select {
		case <-m.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.errs) > 0 {
		err := m.errs[0]
		m.errs = m.errs[1:]
		return err
	}
	r.Events = append([]spool.Item(nil), r.Events...)
	for i := range r.Events {
		r.Events[i].Raw = bytes.Clone(r.Events[i].Raw)
	}
	m.records = append(m.records, r)
	return nil
}

// content is all of the log in words: cluster, events and the reasons of dead letters.
func (m *memory) content() (all []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.records {
		for _, e := range r.Events {
			_, id, _ := strings.Cut(string(e.Raw), `"auditID":"`)
			id, _, _ = strings.Cut(id, `"`)
			all = append(all, r.Cluster+" "+id)
		}
		for _, d := range r.Dead {
			reason, _, _ := strings.Cut(d.Reason, ":")
			all = append(all, r.Cluster+" dead "+reason)
		}
	}
	return all
}

// plain is a judge that finds nothing.
type plain struct{}

func (plain) Judge(events []*audit.Event, ids []audit.Identity) (items []record.Item, ruleset []byte) {
	for i, e := range events {
		items = append(items, record.Item{Raw: e.Raw, Notes: record.EncodeNotes(record.Notes{ID: ids[i]})})
	}
	return items, nil
}

func (plain) Text(s string) string { return s }

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

func newIntake(log ingest.Log, j ingest.Judge) *ingest.Intake {
	return ingest.New(ingest.Config{
		Log: log, Judge: j, Ledger: ingest.NewLedger(ingest.LedgerConfig{Entries: 30_000, Now: time.Now}), Now: time.Now,
		Clusters: []ingest.Cluster{{Name: "prod"}, {Name: "test"}, {Name: "slow", EventsPerSecond: 0.001}},
	})
}

// world is a Handler with a log in memory behind it.
type world struct {
	*Handler
	log *memory
}

func newWorld(t testing.TB, change func(*Config)) *world {
	t.Helper()
	w := &world{log: &memory{}}
	cfg := Config{Intake: newIntake(w.log, plain{}), Clusters: []string{"prod", "test", "slow"}, Now: time.Now}
	if change != nil {
		change(&cfg)
	}
	h, err := New(cfg)
	require.NoError(t, err)
	require.NoError(t, h.SetCredentials(credentials))
	w.Handler = h
	return w
}

// post makes a request with the token of prod.
func post(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "https://kubewitness.example"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func (w *world) do(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

// item is an item of an EventList. Two of the same id have the same length: RFC3339Nano
// would leave out zeros at the end.
func item(id string) string {
	return fmt.Sprintf(`{"auditID":%q,"stage":"ResponseComplete","stageTimestamp":%q}`, id, time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z"))
}

func list(items ...string) string {
	return `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` + strings.Join(items, ",") + "]}\n"
}

var errOther = errors.New("another error")
