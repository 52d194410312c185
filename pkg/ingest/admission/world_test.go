package admission

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/ingest/gate"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

const (
	token      = "token-of-prod-0123456789"
	pathSecret = "secret-in-path-0123456789"
)

// memory is a log in memory.
type memory struct {
	mu      sync.Mutex
	records []spool.Record
	err     error         // of all Appends
	gate    chan struct{} // if set, an Append waits until it is closed
}

func (m *memory) Append(ctx context.Context, r spool.Record) error {
	if m.gate != nil {
		<-m.gate
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	r.Events = append([]spool.Item(nil), r.Events...)
	m.records = append(m.records, r)
	return nil
}

// events are all that the log has, and how many dead letters.
func (m *memory) events(t testing.TB) (events []*record.Event, dead int) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.records {
		s := record.Stored{Source: r.Kind, Cluster: r.Cluster, Received: r.Received, Ruleset: r.Ruleset}
		for _, it := range r.Events {
			s.Items = append(s.Items, record.Item(it))
		}
		some, errs := record.Decode(s)
		require.Empty(t, errs)
		events, dead = append(events, some...), dead+len(r.Dead)
	}
	return events, dead
}

// plain is a judge that finds nothing and knows no secrets.
type plain struct{}

func (plain) Judge(events []*audit.Event, ids []audit.Identity) (items []record.Item, ruleset []byte) {
	for i, e := range events {
		items = append(items, record.Item{Raw: e.Raw, Notes: record.EncodeNotes(record.Notes{ID: ids[i]})})
	}
	return items, []byte("intake")
}

func (plain) Text(s string) string { return s }

// strict is a judge that denies what is called "denied", warns of what is called "warned",
// and fails on what is called "fatal".
type strict struct{}

func (strict) Review(e *audit.Event, id audit.Identity) Judgement {
	items, _ := plain{}.Judge([]*audit.Event{e}, []audit.Identity{id})
	j := Judgement{Item: items[0], Ruleset: []byte("review")}
	switch e.Answer().What.Name {
	case "denied":
		j.Verdict = Verdict{Denied: true, Message: "no such thing\nhere"}
	case "warned":
		j.Verdict = Verdict{Warnings: []string{"mind the gap"}}
	case "fatal":
		panic("a defect")
	}
	return j
}

// world is a handler with what it works on.
type world struct {
	*Handler
	log *memory
}

func newWorld(t testing.TB, change func(*Config, *ingest.Config)) *world {
	t.Helper()
	w := &world{log: &memory{}}
	now := func() time.Time { return noon }
	in := ingest.Config{Log: w.log, Judge: plain{}, Ledger: ingest.NewLedger(ingest.LedgerConfig{Entries: 1000, Now: now}), Now: now,
		Clusters: []ingest.Cluster{{Name: "prod"}, {Name: "lab"}}}
	cfg := Config{Judge: strict{}, Clusters: []string{"prod", "lab"}, Deadline: time.Minute, Now: now}
	if change != nil {
		change(&cfg, &in)
	}
	cfg.Intake = ingest.New(in)
	var err error
	w.Handler, err = New(cfg)
	require.NoError(t, err)
	require.NoError(t, w.SetCredentials([]gate.Credential{
		{Name: "prod", Token: token, Clusters: []string{"prod"}},
		{Name: "lab", PathSecret: pathSecret, Clusters: []string{"lab"}},
	}))
	return w
}

// reviewOf is a review about a pod.
func reviewOf(uid, name string) string {
	return fmt.Sprintf(`{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":%q,"operation":"CREATE","name":%q,`+
		`"namespace":"shop","resource":{"version":"v1","resource":"pods"},"userInfo":{"username":"jane"},"object":{"kind":"Pod"}}}`, uid, name)
}

// request is one to the handler; headers come as names and values by turns.
func request(path, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Del(headers[i])
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	return r
}

func (w *world) do(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

// ask sends a review and gives what is answered.
func (w *world) ask(t testing.TB, uid, name string) decision {
	t.Helper()
	rec := w.do(request("/admission/prod?timeout=2m", reviewOf(uid, name)))
	return decided(t, rec)
}

func decided(t testing.TB, rec *httptest.ResponseRecorder) decision {
	t.Helper()
	require.Equal(t, http.StatusOK, rec.Code, "%s", rec.Body)
	require.Equal(t, "application/json", rec.Header().Get("Content-Type"))
	var a response
	d := json.NewDecoder(bytes.NewReader(rec.Body.Bytes()))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&a))
	require.Equal(t, "admission.k8s.io/v1", a.APIVersion)
	require.Equal(t, "AdmissionReview", a.Kind)
	return a.Response
}

// finish waits until all is stored that will be.
func (w *world) finish(t testing.TB) {
	t.Helper()
	require.NoError(t, w.Close(t.Context()))
}
