package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/search"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// today is when the events of the tests happened: the store removes old ones by the
// clock of the machine.
var today = time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour)

// made is an event of a test.
type made struct {
	cluster, namespace, user, verb, resource, name, agent string

	at    time.Duration // after today
	extra string        // more members
}

// raw writes it as an API server does.
func (m made) raw() string {
	text := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b)
	}
	at := today.Add(m.at).Format(time.RFC3339Nano)
	path := "/api/v1/namespaces/" + m.namespace + "/" + m.resource + "/" + m.name
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":%s,"stage":"ResponseComplete","requestURI":%s,`+
		`"verb":%s,"user":{"username":%s,"groups":["g-%s"]},"sourceIPs":["10.0.0.1"],"userAgent":%s,`+
		`"objectRef":{"resource":%s,"namespace":%s,"name":%s,"apiVersion":"v1"},"responseStatus":{"code":200},`+
		`"requestReceivedTimestamp":%q,"stageTimestamp":%q%s}`,
		text(m.cluster+m.namespace+m.user+m.at.String()), text(path), text(m.verb), text(m.user), strings.Trim(text(m.user), `"`), text(m.agent),
		text(m.resource), text(m.namespace), text(m.name), at, at, m.extra)
}

const worldRules = `
- list: watched
  items: [secrets]
- macro: reads
  condition: ka.verb in (get, list)
- rule: Secret read
  desc: somebody reads a Secret
  condition: reads and ka.target.resource in (watched)
  output: Secret read (user=%ka.user.name name=%ka.target.name)
  priority: WARNING
  source: k8s_audit
  tags: [T1552, k8s]
- rule: Something deleted
  desc: somebody deletes
  condition: ka.verb=delete
  output: deleted (user=%ka.user.name)
  priority: NOTICE
  source: k8s_audit
- rule: Never
  desc: not in force
  condition: ka.verb=never
  output: never
  priority: DEBUG
  source: k8s_audit
  enabled: false
`

// world is a store with events and the API in front of it.
type world struct {
	*httptest.Server
	t        testing.TB
	handler  *Handler
	searcher *search.Searcher
	store    *store.Store
	set      *ruleset.Set
	judge    *judge.Judge
	ticks    chan time.Time
}

// newWorld makes one. change may alter the configuration.
func newWorld(t testing.TB, events []made, change func(*Config)) *world {
	t.Helper()
	w := &world{t: t, ticks: make(chan time.Time)}
	var err error
	w.store, err = store.Open(store.Config{Dir: t.TempDir(), Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })
	w.set, err = ruleset.Compile([]rules.File{{Name: "rules.yaml", Content: []byte(worldRules)}}, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	compiled, err := judge.Compile(w.set, judge.Options{})
	require.NoError(t, err)
	red, err := redact.New(redact.Config{})
	require.NoError(t, err)
	w.judge = judge.New(compiled, red, "host")
	w.add(w.records(events)...)

	inForce := func() *ruleset.Set { return w.set }
	w.searcher = search.New(search.Config{Store: w.store, Rules: inForce, Hostname: "host", Now: time.Now})
	cfg := Config{
		Search: w.searcher, Rules: inForce, Version: "v0", Now: time.Now,
		Ticker: func(time.Duration) (<-chan time.Time, func()) { return w.ticks, func() {} },
		Store:  func() api.Store { return w.state() },
		Import: w.take,
	}
	if change != nil {
		change(&cfg)
	}
	w.handler, err = New(cfg)
	require.NoError(t, err)
	w.Server = httptest.NewServer(w.handler)
	t.Cleanup(w.Server.Close)
	t.Cleanup(w.handler.Close)
	return w
}

// records judges events and gives what the log would.
func (w *world) records(events []made) (out []*record.Event) {
	for _, m := range events {
		e, err := audit.NewReader(strings.NewReader(m.raw()), "test", audit.Limits{}).Next()
		require.NoError(w.t, err, m.raw())
		e.Cluster = m.cluster
		items, digest := w.judge.Judge([]*audit.Event{e}, []audit.Identity{e.Identity()})
		got, errs := record.Decode(record.Stored{Source: "webhook", Cluster: m.cluster, Received: today.Add(m.at + time.Second), Ruleset: digest, Items: items})
		require.Empty(w.t, errs)
		out = append(out, got...)
	}
	return out
}

// add stores records.
func (w *world) add(events ...*record.Event) {
	rows := make([]store.Row, len(events))
	for i, e := range events {
		rows[i] = row.Encode(e)
	}
	_, err := w.store.Write(context.Background(), rows)
	require.NoError(w.t, err)
	require.NoError(w.t, w.store.Sync(context.Background()))
}

func (w *world) state() (s api.Store) {
	oldest, newest, ok := w.store.Bounds()
	if ok {
		s.Oldest, s.Newest = oldest, newest
	}
	s.Events, _ = w.store.Count(context.Background(), store.Query{})
	return s
}

// take is an import: all events of a body, as they are.
func (w *world) take(_ context.Context, cluster string, body io.Reader) (done api.Imported, err error) {
	r := audit.NewReader(audit.Decompress(body), "import", audit.Limits{})
	var events []*record.Event
	for {
		e, err := r.Next()
		if err == io.EOF {
			w.add(events...)
			return done, nil
		}
		if rejected := (*audit.Rejection)(nil); asRejection(err, &rejected) {
			done.Rejections = append(done.Rejections, rejected.Error())
			continue
		}
		if err != nil {
			return done, err
		}
		e.Cluster = cluster
		events = append(events, &record.Event{Event: e, ID: e.Identity(), Source: "import", Received: today})
		done.Events++
	}
}

func asRejection(err error, to **audit.Rejection) bool {
	r, ok := err.(*audit.Rejection)
	*to = r
	return ok
}

// answered is an answer that has been read.
type answered struct {
	*http.Response
	body []byte
}

// ask sends a request. headers are names and values by turns.
func (w *world) ask(method, path, body string, headers ...string) answered {
	w.t.Helper()
	req, err := http.NewRequest(method, w.URL+Prefix+path, strings.NewReader(body))
	require.NoError(w.t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(w.t, err)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	return answered{res, got}
}

// get asks and reads an answer of status 200.
func (w *world) get(path string, to any, headers ...string) {
	w.t.Helper()
	a := w.ask("GET", path, "", headers...)
	require.Equal(w.t, http.StatusOK, a.StatusCode, "%s", a.body)
	require.NoError(w.t, json.Unmarshal(a.body, to), "%s", a.body)
}

// problem reads an answer that is a problem.
func (w *world) problem(a answered) (p api.Problem) {
	w.t.Helper()
	require.Equal(w.t, "application/problem+json", a.Header.Get("Content-Type"), "%s", a.body)
	require.NoError(w.t, json.Unmarshal(a.body, &p))
	require.Equal(w.t, a.StatusCode, p.Status)
	require.NotEmpty(w.t, p.Title)
	require.NotEmpty(w.t, p.Detail)
	return p
}

// shop are some events of one cluster.
var shop = []made{
	{cluster: "prod", namespace: "shop", user: "jane", verb: "get", resource: "secrets", name: "db", agent: "kubectl/v1.35", at: time.Minute},
	{cluster: "prod", namespace: "shop", user: "joe", verb: "list", resource: "pods", agent: "kubectl/v1.35", at: 2 * time.Minute},
	{cluster: "prod", namespace: "bank", user: "jane", verb: "delete", resource: "pods", name: "web-0", agent: "curl/8", at: 3 * time.Minute},
	{cluster: "stage", namespace: "shop", user: "ann", verb: "get", resource: "secrets", name: "db", agent: "=cmd|' /C calc'!A0", at: 63 * time.Minute},
}
