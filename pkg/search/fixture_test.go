package search

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/store"
	"github.com/kubewitness/kubewitness/test/bench"
	"github.com/kubewitness/kubewitness/test/rulegen"
)

// dir is where the stores of the tests are.
var dir string

func TestMain(m *testing.M) {
	var err error
	if dir, err = os.MkdirTemp("", "search"); err != nil {
		panic(err)
	}
	code := m.Run()
	if opened != nil {
		opened.store.Close()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// fixture is a store with events of every kind, and the same events beside it.
type fixture struct {
	store  *store.Store
	rows   []store.Row // newest first
	events []*record.Event
	set    *ruleset.Set
}

var (
	opened *fixture
	once   sync.Once
)

// stored gives the fixture, which the tests share and do not change.
func stored(t testing.TB) *fixture {
	t.Helper()
	once.Do(func() {
		set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
		require.NoError(t, err)
		f := &fixture{set: set}
		f.make(t)
		opened = f
	})
	require.NotNil(t, opened, "the fixture could not be made")
	return opened
}

func (f *fixture) searcher() *Searcher {
	return New(Config{Store: f.store, Rules: func() *ruleset.Set { return f.set }, Hostname: "host", Now: time.Now})
}

func openStore(t testing.TB, name string) *store.Store {
	t.Helper()
	path, err := os.MkdirTemp(dir, name)
	require.NoError(t, err)
	s, err := store.Open(store.Config{Dir: path, FreeFloor: 1, MaxRow: 20_000, Now: time.Now})
	require.NoError(t, err)
	return s
}

func (f *fixture) make(t testing.TB) {
	f.store = openStore(t, "fixture")
	m, err := f.set.Matcher(false, nil)
	require.NoError(t, err)
	redactor, err := redact.New(redact.Config{})
	require.NoError(t, err)
	begin := time.Now().UTC().Truncate(time.Hour).Add(-6 * time.Hour)
	known := map[string]bool{}
	for i, e := range inputs(t) {
		id := e.Identity()
		if known[row.ID(id)] {
			continue
		}
		known[row.ID(id)] = true
		e.Cluster = []string{"prod", "dev", "edge"}[i%3]
		found := m.Match(contextOf(e, "host"))
		e, hidden := redactor.Redacted(e)
		e.Cluster = []string{"prod", "dev", "edge"}[i%3]
		// Filed under the time of arrival: its own is that of a recording. Some share one.
		r := &record.Event{Event: e, ID: id, Source: "webhook", Received: begin.Add(time.Duration(i/3) * 7 * time.Second), Flags: record.Late,
			Detections: found.Detections, Redacted: hidden}
		f.rows = append(f.rows, row.Encode(r))
	}
	slices.SortFunc(f.rows, func(a, b store.Row) int {
		if c := b.Time.Compare(a.Time); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	for _, r := range f.rows {
		e, err := row.Decode(r)
		require.NoError(t, err)
		f.events = append(f.events, e)
	}
	ctx := context.Background()
	w, err := f.store.Write(ctx, f.rows)
	require.NoError(t, err)
	require.Equal(t, len(f.rows), w.Rows)
	require.NoError(t, f.store.Sync(ctx))
}

// inputs are recorded events, changed ones, and some that were made to be odd.
func inputs(t testing.TB) (all []*audit.Event) {
	t.Helper()
	for _, corpus := range bench.Corpora {
		data, err := bench.Events(corpus)
		require.NoError(t, err)
		events := read(t, data)
		step := max(1, len(events)/150)
		for i := 0; i < len(events); i += step {
			all = append(all, events[i])
		}
	}
	r := rulegen.NewRandom(5, all)
	recorded := len(all)
	for i := range 250 {
		var batch audit.Batch
		batch.Decode(r.Mutate(all[i*7%recorded]), audit.Position{Input: "made", Line: 1}, audit.Limits{})
		for _, e := range batch.Events {
			all = append(all, e.Clone())
		}
	}
	return append(all, read(t, oddEvents(t))...)
}

func read(t testing.TB, data []byte) (all []*audit.Event) {
	t.Helper()
	for r := audit.NewReader(bytes.NewReader(data), "events", audit.Limits{}); ; {
		e, err := r.Next()
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		all = append(all, e)
	}
}

// odd are values that are easily mistaken for others.
var odd = []string{
	"", "a", "A", "ab", "abc", "a,b", ",", `","`, `"`, `\`, `\"`, `a\`, "]", "[", `["a"]`, "a/b", "/a/b", "//a//", "a*", "*", "?", "[a-c]", "0", "1", "10", "010", "201", "5", "true", "null",
	"10.0.0.1", "10.0.0.10", "::1", "::ffff:10.0.0.1", "::FFFF:a00:1", "fe80::1%eth0", "FE80:0::1", "2001:db8::1", "é", "éa", "a\nb", "a\x00b", "\x00", "\u212a", "k", "K", "İ", "ſ",
	"system:masters", "\ufffd", "\u2028", "<b>", "_msg:x | delete", "a' or 'b", `a") or ("b`, "x\ty", "ka.user.name", strings.Repeat("long ", 5000),
	"password=hunter2hunter2", "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
}

// oddEvents have each odd value in several places, some of them with bodies that hold
// secrets.
func oddEvents(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	for i, v := range odd {
		w := odd[(i*7+3)%len(odd)]
		e := map[string]any{
			"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": fmt.Sprint("odd-", i), "stage": "ResponseComplete", "stageTimestamp": "2026-11-21T19:17:56Z",
			"verb": []string{"create", "get", "patch"}[i%3], "requestURI": "/api/v1/pods?command=" + fmt.Sprint(i), "userAgent": v,
			"user":      map[string]any{"username": v, "groups": []string{w, v, "a"}[:i%4%3+1], "extra": map[string]any{"x": []string{v}}},
			"sourceIPs": []string{w, v}[i%2:], "responseStatus": map[string]any{"code": 100 * (i % 6), "message": v},
			"objectRef":   map[string]any{"resource": []string{"pods", "secrets", "roles"}[i%3], "namespace": []string{"default", "team-a", "team-b", v}[i%4], "name": w, "apiVersion": "v1"},
			"annotations": map[string]any{"authorization.k8s.io/decision": v, "k": w},
			"requestObject": map[string]any{"kind": []string{"Pod", "Secret", "Role"}[i%3], "metadata": map[string]any{"name": w}, "data": map[string]any{"password": v, "other": w},
				"spec":  map[string]any{"containers": []any{map[string]any{"name": v, "image": w, "args": []string{"--token", v}, "env": []any{map[string]any{"name": "DB_PASSWORD", "value": v}}, "securityContext": map[string]any{"runAsUser": i}}}, "hostNetwork": i%2 == 0},
				"rules": []any{map[string]any{"verbs": []string{v, w}, "apiGroups": []string{""}}}},
		}
		if i%5 == 4 {
			delete(e, "auditID")
		}
		b, err := json.Marshal(e)
		require.NoError(t, err)
		out.Write(append(b, '\n'))
	}
	return out.Bytes()
}

// firing tells what the plain evaluator says of a stored event.
func firing(m *match.Plain, e *record.Event) bool {
	return len(m.Match(contextOf(e.Event, "host")).Detections) > 0
}
