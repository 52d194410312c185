package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/search"
	searched "github.com/kubewitness/kubewitness/pkg/search/elastic"
	"github.com/kubewitness/kubewitness/pkg/store"
	"github.com/kubewitness/kubewitness/test/odd"
	"github.com/kubewitness/kubewitness/test/rig/elastic"
)

// archives are the same events in the embedded store and in Elasticsearch.
type archives struct {
	server *elastic.Server
	client *elasticsearch.Client
	rules  *ruleset.Set
	events []*record.Event
	rows   []store.Row // newest first
	store  *store.Store
	other  *searched.Rows
}

// asked is the namespace of odd events that tests only ask about.
const asked = "search_odd"

var askedOnce sync.Once

// newAskedArchives has the odd events that tests only ask about: in Elasticsearch they are
// once for all of these, in an embedded store of the caller's.
func newAskedArchives(t *testing.T) *archives {
	t.Helper()
	events, err := odd.Events()
	require.NoError(t, err)
	a := &archives{server: server(t)}
	a.prepare(t, events)
	a.fillStore(t)
	askedOnce.Do(func() { a.fillServer(t, asked, false) })
	a.other, err = searched.New(searched.Config{Client: a.client, Namespace: asked, Kind: search.ColumnKind})
	require.NoError(t, err)
	return a
}

// newArchives has odd events under a namespace of the caller's.
func newArchives(t *testing.T, namespace string, reduced bool) *archives {
	t.Helper()
	a := &archives{server: server(t)}
	events, err := odd.Events()
	require.NoError(t, err)
	a.fill(t, events, namespace, reduced)
	return a
}

// fill puts events into both. A third of the documents has no full shape where reduced
// says so.
func (a *archives) fill(t *testing.T, events []*audit.Event, namespace string, reduced bool) {
	t.Helper()
	a.prepare(t, events)
	a.fillStore(t)
	a.fillServer(t, namespace, reduced)
}

// begin is when the events arrive, the same for all tests.
var begin = time.Now().UTC().Truncate(time.Hour).Add(-6 * time.Hour)

// prepare makes records and rows of events.
func (a *archives) prepare(t *testing.T, events []*audit.Event) {
	t.Helper()
	var err error
	a.client, err = elasticsearch.Open(elasticsearch.Config{Nodes: []string{a.server.URL}, Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(a.client.Close)
	a.rules, err = ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	a.events, err = odd.RecordsOf(events, a.rules, begin)
	require.NoError(t, err)
	for i, e := range a.events { // not all of a second
		e.Received = e.Received.Add(time.Duration(i%5) * 1_000_123 * time.Nanosecond)
		a.rows = append(a.rows, row.Encode(e))
	}
	slices.SortFunc(a.rows, func(a, b store.Row) int {
		if c := b.Time.Compare(a.Time); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
}

func (a *archives) fillStore(t *testing.T) {
	t.Helper()
	var err error
	a.store, err = store.Open(store.Config{Dir: t.TempDir(), FreeFloor: 1, Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.store.Close()) })
	_, err = a.store.Write(t.Context(), a.rows)
	require.NoError(t, err)
	require.NoError(t, a.store.Sync(t.Context()))
}

// putTemplate puts up a template for the stream of events, of two shards.
func (a *archives) putTemplate(t *testing.T, namespace string) {
	t.Helper()
	template, err := json.Marshal(map[string]any{
		"index_patterns": []string{ecs.Stream(ecs.AuditLogs, namespace)}, "data_stream": map[string]any{}, "priority": 900,
		"template": map[string]any{
			"mappings": json.RawMessage(ecs.Mapping(ecs.AuditLogs)),
			"settings": map[string]any{"index.number_of_shards": 2, "index.number_of_replicas": 0, "index.mapping.total_fields.limit": 5000},
		},
	})
	require.NoError(t, err)
	require.NoError(t, a.client.Do(t.Context(), http.MethodPut, "/_index_template/test-search-"+namespace, template, nil))
}

func (a *archives) fillServer(t *testing.T, namespace string, reduced bool) {
	t.Helper()
	a.putTemplate(t, namespace)
	o := ecs.Options{Namespace: namespace}
	target := ecs.Stream(ecs.AuditLogs, namespace)
	for batch := range slices.Chunk(a.events, 400) {
		var body []byte
		for i, e := range batch {
			body = fmt.Appendf(body, `{"create":{"_id":%q}}`+"\n", ecs.ID(e))
			if reduced && i%3 == 0 {
				body = ecs.AppendReduced(body, e, &o, "a test")
			} else {
				body = ecs.AppendEvent(body, e, &o)
			}
			body = append(body, '\n')
		}
		items, err := a.client.Bulk(t.Context(), target, body, len(batch))
		require.NoError(t, err)
		for i, it := range items {
			require.Equal(t, http.StatusCreated, it.Status, "%s: %s: %s", it.Type, it.Reason, batch[i].Event.Raw)
		}
	}
	require.NoError(t, a.client.Do(t.Context(), http.MethodPost, "/"+target+"/_refresh", nil, nil))
	var err error
	a.other, err = searched.New(searched.Config{Client: a.client, Namespace: namespace, Kind: search.ColumnKind})
	require.NoError(t, err)
}

func (a *archives) searcher(rows search.Rows) *search.Searcher {
	return search.New(search.Config{Store: rows, Rules: func() *ruleset.Set { return a.rules }, Hostname: odd.Hostname, Now: time.Now})
}

// found are the IDs that a search gives, in order.
func found(t *testing.T, s *search.Searcher, r search.Request) (ids []string, hidden uint64) {
	t.Helper()
	p := search.Principal{Scope: search.Everything}
	sum, err := s.Search(t.Context(), p, r, search.Page{Limit: 100_000}, func(h *search.Hit) error {
		ids = append(ids, h.ID)
		return nil
	})
	require.NoError(t, err, r.Condition)
	require.False(t, sum.Partial)
	require.Zero(t, sum.Unreadable)
	return ids, sum.Hidden
}

// questions are conditions of odd texts, and some of our rules'.
func (a *archives) questions() (all []condition.Expr) {
	every := 12
	if os.Getenv("KUBEWITNESS_CRASH") == "1" {
		every = 3
	}
	all = odd.Conditions(19, 200)
	for i, r := range a.rules.Rules.Rules {
		if i%every == 0 && !r.ReadsSeen {
			all = append(all, r.Condition)
		}
	}
	return all
}

// TestSearchAgrees: the same question to the embedded store and to Elasticsearch
// has the same answer: events in their order, numbers, histograms, facets.
func TestSearchAgrees(t *testing.T) {
	t.Parallel()
	a := newAskedArchives(t)
	searchAgrees(t, a, a.questions())
}

// TestSearchAgreesOnCorpus: the same IDs over the recorded attacks, for other conditions:
// 200 of them over all events in make crash, which takes minutes, and some over two events
// of each kind in make integration.
func TestSearchAgreesOnCorpus(t *testing.T) {
	t.Parallel()
	n, most := 20, 2
	if os.Getenv("KUBEWITNESS_CRASH") == "1" {
		n, most = 200, math.MaxInt
	}
	a := &archives{server: server(t)}
	var events []*audit.Event
	kinds := map[string]int{}
	for line := range lines(t, "attacks-a.jsonl.gz") {
		e, err := audit.NewReader(bytes.NewReader(line), "attacks", audit.Limits{}).Next()
		require.NoError(t, err)
		kind := kindOf(e)
		if kinds[kind]++; kinds[kind] <= most {
			events = append(events, e)
		}
	}
	a.fill(t, events, "search_corpus", false)
	embedded, elastic := a.searcher(a.store), a.searcher(a.other)
	given := 0
	for _, tree := range odd.Conditions(23, n) {
		r := search.Request{Condition: tree.String()}
		want, hidden := found(t, embedded, r)
		got, alsoHidden := found(t, elastic, r)
		require.Equal(t, want, got, r.Condition)
		require.Equal(t, hidden, alsoHidden, r.Condition)
		given += len(got)
	}
	t.Logf("%d events, %d answers", len(a.events), given)
	require.Greater(t, given, len(a.events))
}

// TestSearchAgreesOnReducedDocuments: the same where a third of the documents has hardly
// any fields.
func TestSearchAgreesOnReducedDocuments(t *testing.T) {
	t.Parallel()
	a := newArchives(t, "search_reduced", true)
	searchAgrees(t, a, a.questions()[:25])
	// What is seldom where all is counted can be frequent with what has to be read.
	columns := []store.FacetColumn{{Name: "ka.user.name"}, {Name: "ka.user.groups", List: true}, {Name: "ka.uri"}, {Name: "ka.useragent"}, {Name: "rules", List: true}, {Name: "cluster"}}
	for _, f := range []store.Filter{nil, store.Not{Filter: store.Contains{Column: "ka.user.name", Text: "system"}}, store.Prefix{Column: "ka.uri", Text: "/apis"}, store.Or{}} {
		for _, limit := range []int{1, 40} {
			want, err := a.store.Facets(t.Context(), store.Query{Filter: f}, columns, limit)
			require.NoError(t, err)
			got, err := a.other.Facets(t.Context(), store.Query{Filter: f}, columns, limit)
			require.NoError(t, err)
			require.Equal(t, want, got, "%s, %d values", search.FilterText(f), limit)
		}
	}
}

func searchAgrees(t *testing.T, a *archives, questions []condition.Expr) {
	embedded, elastic := a.searcher(a.store), a.searcher(a.other)
	p := search.Principal{Scope: search.Everything}
	some := 0
	for i, tree := range questions {
		r := search.Request{Condition: tree.String()}
		want, hidden := found(t, embedded, r)
		got, alsoHidden := found(t, elastic, r)
		require.Equal(t, want, got, r.Condition)
		require.Equal(t, hidden, alsoHidden, r.Condition)
		some += min(1, len(got))
		if i%5 == 0 {
			n, _, err := elastic.Count(t.Context(), p, r)
			require.NoError(t, err, r.Condition)
			require.EqualValues(t, len(want), n, r.Condition)
		}
		if i%40 == 0 {
			countedAlike(t, embedded, elastic, r)
		}
	}
	assert.Greater(t, some, len(questions)/3, "questions must have answers now and then")
}

func countedAlike(t *testing.T, embedded, elastic *search.Searcher, r search.Request) {
	t.Helper()
	p := search.Principal{Scope: search.Everything}
	for _, step := range []time.Duration{time.Nanosecond, time.Millisecond, 1500 * time.Microsecond, time.Hour} {
		want, _, err := embedded.Histogram(t.Context(), p, r, step)
		require.NoError(t, err)
		got, _, err := elastic.Histogram(t.Context(), p, r, step)
		require.NoError(t, err)
		require.Equal(t, want, got, "%s in steps of %s", r.Condition, step)
	}
	fields := []string{"rule", "priority", "tag", "cluster", "ka.user.name", "ka.user.groups", "ka.verb", "kw.response.code", "kw.pod.containers.args", "ka.useragent"}
	for _, limit := range []int{3, 10_000} {
		want, _, err := embedded.Facets(t.Context(), p, r, fields, limit)
		require.NoError(t, err)
		got, _, err := elastic.Facets(t.Context(), p, r, fields, limit)
		require.NoError(t, err)
		require.Equal(t, want, got, "%s, %d values", r.Condition, limit)
	}
}

// ids are those of the rows that a filter selects, newest first.
func ids(t *testing.T, rows search.Rows, q store.Query) (all []string) {
	t.Helper()
	require.NoError(t, rows.Newest(t.Context(), q, store.Scan{NoRaw: true, Columns: []string{}}, func(r store.Row) error {
		all = append(all, r.ID)
		return nil
	}), search.FilterText(q.Filter))
	return all
}

// TestFiltersSelectAlike: filters of every kind, with odd texts, on texts, numbers and lists.
func TestFiltersSelectAlike(t *testing.T) {
	t.Parallel()
	a := newAskedArchives(t)
	rng := rand.New(rand.NewPCG(8, 1))
	for range 150 {
		q := store.Query{Filter: a.filter(rng, 2)}
		if rng.IntN(4) == 0 {
			q.From, q.To = a.rows[len(a.rows)*3/4].Time, a.rows[len(a.rows)/4].Time
		}
		want := ids(t, a.store, q)
		n, err := a.other.Count(t.Context(), q)
		require.NoError(t, err, search.FilterText(q.Filter))
		require.EqualValues(t, len(want), n, search.FilterText(q.Filter))
		if rng.IntN(3) == 0 {
			require.Equal(t, want, ids(t, a.other, q), search.FilterText(q.Filter))
		}
	}
}

// filter makes a filter about what some row has, or about an odd text.
func (a *archives) filter(rng *rand.Rand, depth int) store.Filter {
	kind := rng.IntN(10)
	if depth == 0 {
		kind = 3 + rng.IntN(7)
	}
	columns := []string{"ka.user.name", "ka.useragent", "ka.uri", "kw.response.code", "ka.user.groups", "kw.source.ips", "kw.pod.containers.args", "rules", "redacted", "cluster"}
	column := columns[rng.IntN(len(columns))]
	text := odd.Values[rng.IntN(len(odd.Values))]
	if r := a.rows[rng.IntN(len(a.rows))]; rng.IntN(2) == 0 && r.Value(column) != "" {
		text = r.Value(column)
	}
	if text != "" && rng.IntN(2) == 0 {
		i := rng.IntN(len(text))
		text = strings.ToValidUTF8(text[i:i+1+rng.IntN(min(40, len(text)-i))], "")
	}
	switch kind {
	case 0:
		return store.And{a.filter(rng, depth-1), a.filter(rng, depth-1)}
	case 1:
		return store.Or{a.filter(rng, depth-1), a.filter(rng, depth-1), a.filter(rng, depth-1)}
	case 2:
		return store.Not{Filter: a.filter(rng, depth-1)}
	case 3:
		return store.Exists{Column: column}
	case 4:
		return store.Equal{Column: column, Values: []string{text, "get"}}
	case 5:
		return store.Prefix{Column: column, Text: text}
	case 6:
		return store.Suffix{Column: column, Text: text}
	case 7:
		return store.Contains{Column: column, Text: text}
	case 8:
		return store.Range{Column: "kw.response.code", Least: uint64(rng.IntN(500)), Most: uint64(rng.IntN(1000))}
	}
	lit := regexp.QuoteMeta(string([]rune(text)))
	patterns := []string{lit, "^" + lit, lit + "$", `\A` + lit + `\z`, "(?i)" + lit, "[^a-z]" + lit, `\b` + lit, lit + ".*x", "(a|" + lit + ")+", "^.{1,3}$", "", "^$", "[0-9]{2}", ":", "[fF]{2}"}
	return store.Regexp{Column: column, Pattern: patterns[rng.IntN(len(patterns))]}
}

// TestPagesOfSearch: small pages, one after the other, are the whole, also where many
// events have one time, and a point in time ends meanwhile.
func TestPagesOfSearch(t *testing.T) {
	t.Parallel()
	a := newAskedArchives(t)
	var want []string
	for _, r := range a.rows {
		want = append(want, r.ID)
	}
	var got []string
	var at store.Position
	for {
		n := 0
		require.NoError(t, a.other.Newest(t.Context(), store.Query{}, store.Scan{After: at}, func(r store.Row) error {
			got = append(got, r.ID)
			at = store.Position{Time: r.Time, ID: r.ID}
			if n++; n == 37 {
				return store.ErrStop
			}
			return nil
		}))
		if n < 37 {
			break
		}
	}
	require.Equal(t, want, got)

	loses := &forgetful{Client: a.client}
	rows, err := searched.New(searched.Config{Client: loses, Namespace: asked, Kind: search.ColumnKind})
	require.NoError(t, err)
	got = nil
	require.NoError(t, rows.Newest(t.Context(), store.Query{}, store.Scan{}, func(r store.Row) error {
		if got = append(got, r.ID); len(got)%100 == 50 {
			loses.forget(t)
		}
		return nil
	}))
	require.Equal(t, want, got)
	require.Greater(t, loses.opened, 2)

	got = nil
	require.NoError(t, rows.Newest(t.Context(), store.Query{}, store.Scan{Forward: true}, func(r store.Row) error {
		got = append(got, r.ID)
		return nil
	}))
	slices.Reverse(got)
	require.Equal(t, want, got)
}

// forgetful is a client whose points in time end before they should.
type forgetful struct {
	*elasticsearch.Client
	pit    string
	opened int
}

// OpenPIT opens a point in time and remembers it.
func (f *forgetful) OpenPIT(ctx context.Context, target string, keep time.Duration) (id string, err error) {
	f.opened++
	f.pit, err = f.Client.OpenPIT(ctx, target, keep)
	return f.pit, err
}

func (f *forgetful) forget(t *testing.T) { require.NoError(t, f.ClosePIT(t.Context(), f.pit)) }

// TestSearchOverRollover: what is in two indices is found in both, and what was indexed
// into both is given once.
func TestSearchOverRollover(t *testing.T) {
	t.Parallel()
	a := newArchives(t, "search_rollover", false)
	target := ecs.Stream(ecs.AuditLogs, "search_rollover")
	require.NoError(t, a.client.Do(t.Context(), http.MethodPost, "/"+target+"/_rollover", nil, nil))
	double := a.events[len(a.events)/2]
	body := fmt.Appendf(nil, `{"create":{"_id":%q}}`+"\n", ecs.ID(double))
	body = append(ecs.AppendEvent(body, double, &ecs.Options{Namespace: "search_rollover"}), '\n')
	items, err := a.client.Bulk(t.Context(), target, body, 1)
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, items[0].Status)
	require.NoError(t, a.client.Do(t.Context(), http.MethodPost, "/"+target+"/_refresh", nil, nil))
	require.Equal(t, ids(t, a.store, store.Query{}), ids(t, a.other, store.Query{}))

	r, ok, err := a.other.Get(t.Context(), ecs.ID(double), nil)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, row.Encode(double), r)
	_, ok, err = a.other.Get(t.Context(), ecs.ID(double), store.Not{Filter: store.Equal{Column: "cluster", Values: []string{double.Event.Cluster}}})
	require.NoError(t, err)
	require.False(t, ok, "out of scope")
	_, ok, err = a.other.Get(t.Context(), strings.Repeat("0", 64), nil)
	require.NoError(t, err)
	require.False(t, ok)

	any, err := searched.New(searched.Config{Client: a.client, Namespace: "search_rollove*", Kind: search.ColumnKind})
	require.NoError(t, err)
	require.Equal(t, ids(t, a.store, store.Query{}), ids(t, any, store.Query{}))
	st, err := a.other.Stats(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, len(a.rows)+1, st.Events)
	require.Equal(t, a.rows[0].Time.Truncate(time.Millisecond), st.Newest)
	require.Equal(t, a.rows[len(a.rows)-1].Time.Truncate(time.Millisecond), st.Oldest)
}

// TestSearchWithoutStream: what is not there is told of, and is not an empty answer.
func TestSearchWithoutStream(t *testing.T) {
	t.Parallel()
	client, err := elasticsearch.Open(elasticsearch.Config{Nodes: []string{server(t).URL}, Now: time.Now})
	require.NoError(t, err)
	defer client.Close()
	for _, namespace := range []string{"nosuch", "nosuch*"} {
		rows, err := searched.New(searched.Config{Client: client, Namespace: namespace, Kind: search.ColumnKind})
		require.NoError(t, err)
		_, err = rows.Count(t.Context(), store.Query{})
		assert.ErrorContains(t, err, "there is no data stream logs-kubernetes.audit_logs-nosuch", namespace)
	}
}

// TestSearchCommand: the commands give the same lines for the index as for the folder.
func TestSearchCommand(t *testing.T) {
	t.Parallel()
	a := newAskedArchives(t)
	binary, err := program()
	require.NoError(t, err)
	data := t.TempDir()
	s, err := store.Open(store.Config{Dir: filepath.Join(data, "store"), FreeFloor: 1, Now: time.Now})
	require.NoError(t, err)
	_, err = s.Write(t.Context(), a.rows)
	require.NoError(t, err)
	require.NoError(t, s.Sync(t.Context()))
	require.NoError(t, s.Close())
	run := func(args ...string) string {
		out, err := exec.Command(binary, args...).Output()
		require.NoError(t, err, "%s", args)
		return string(out)
	}
	mine := file(t, "- rule: Mine\n  desc: d\n  condition: ka.verb = create and ka.target.resource = pods\n  output: pod %ka.target.name\n  priority: NOTICE\n  source: k8s_audit\n")
	for _, ask := range [][]string{
		{"search", "ka.verb = create", "--output", "answer"}, {"search", "ka.verb = create", "--output", "json", "--limit", "0"}, {"search", "--detections", "--output", "csv"},
		{"search", "--facet", "ka.user.name", "--facet", "rule", "--output", "answer"}, {"search", "--text", "SECRET", "--output", "json"},
		{"hunt", mine, "--output", "falco-json"},
	} {
		want := run(append(ask, "--data", data)...)
		require.NotEmpty(t, want)
		require.Equal(t, want, run(append(ask, "--on", "elasticsearch", "--elasticsearch", a.server.URL, "--namespace", asked)...), "%s", ask)
	}
}

// TestSearchRights: the privilege to read the stream will do, and without it a sentence
// says what is missing.
func TestSearchRights(t *testing.T) {
	t.Parallel()
	s := secureServer(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	open := func(cfg elasticsearch.Config) *elasticsearch.Client {
		cfg.Nodes, cfg.CAFile, cfg.Now = []string{s.URL}, s.CAFile, time.Now
		c, err := elasticsearch.Open(cfg)
		require.NoError(t, err)
		t.Cleanup(c.Close)
		return c
	}
	a := &archives{client: open(elasticsearch.Config{Username: s.User, PasswordFile: write("password", s.Password)})}
	var err error
	a.rules, err = ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	a.events, err = odd.Records(a.rules, time.Now().UTC().Add(-time.Hour))
	require.NoError(t, err)
	a.events = a.events[:20]
	a.fillServer(t, "search_rights", false)
	for privilege, may := range map[string]bool{"read": true, "create_doc": false} {
		var key struct{ Encoded string }
		body := fmt.Appendf(nil, `{"name":"test-search-%s","role_descriptors":{"r":{"indices":[{"names":["logs-kubernetes.audit_logs-search_rights"],"privileges":[%q]}]}}}`, privilege, privilege)
		require.NoError(t, a.client.Do(t.Context(), http.MethodPost, "/_security/api_key", body, &key))
		rows, err := searched.New(searched.Config{Client: open(elasticsearch.Config{APIKeyFile: write(privilege, key.Encoded)}), Namespace: "search_rights", Kind: search.ColumnKind})
		require.NoError(t, err)
		n, err := rows.Count(t.Context(), store.Query{Filter: store.Not{Filter: store.Raw{Text: "no such text"}}})
		if may {
			require.NoError(t, err)
			require.EqualValues(t, 20, n)
			continue
		}
		require.ErrorContains(t, err, "needs the privilege read on logs-kubernetes.audit_logs-search_rights")
		require.NotContains(t, err.Error(), key.Encoded)
	}
}
