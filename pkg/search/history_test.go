package search

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/diff"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// told is a searcher over events, and when the first of them is filed.
type told struct {
	*Searcher
	begin time.Time
}

// beginning is when the first event is filed: lately, since old ones are not kept.
var beginning = sync.OnceValue(func() time.Time { return time.Now().UTC().Truncate(time.Hour).Add(-6 * time.Hour) })

// kept stores events of a cluster, redacted and judged by the shipped rules as in the
// service. Each is filed as long after the first as it happened.
func kept(t testing.TB, cluster string, events []*audit.Event) told {
	t.Helper()
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	redactor, err := redact.New(redact.Config{})
	require.NoError(t, err)
	first := events[0].Time
	for _, e := range events {
		if e.Time.Before(first) {
			first = e.Time
		}
	}
	s := told{begin: beginning()}
	var found []store.Row
	for _, e := range events {
		e.Cluster = cluster
		found = append(found, filed(e, m, redactor, s.begin.Add(e.Time.Sub(first))))
	}
	db, err := store.Open(store.Config{Dir: t.TempDir(), FreeFloor: 1, Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	_, err = db.Write(t.Context(), found)
	require.NoError(t, err)
	require.NoError(t, db.Sync(t.Context()))
	s.Searcher = New(Config{Store: db, Rules: func() *ruleset.Set { return set }, Now: time.Now})
	return s
}

func filed(e *audit.Event, m *match.Matcher, redactor *redact.Redactor, at time.Time) store.Row {
	r := &record.Event{ID: e.Identity(), Source: "webhook", Received: at, Flags: record.Expired, Detections: m.Match(contextOf(e, "")).Detections}
	cluster := e.Cluster
	r.Event, r.Redacted = redactor.Redacted(e)
	r.Event.Cluster = cluster
	return row.Encode(r)
}

// recording reads a file of events, plain or compressed.
func recording(t testing.TB, file string) (events []*audit.Event) {
	t.Helper()
	f, err := os.Open(filepath.FromSlash(file))
	require.NoError(t, err)
	defer f.Close()
	return readAll(t, audit.NewReader(f, file, audit.Limits{}))
}

func readAll(t testing.TB, r *audit.Reader) (events []*audit.Event) {
	t.Helper()
	for {
		e, err := r.Next()
		if err != nil {
			return events
		}
		events = append(events, e)
	}
}

func history(t testing.TB, s *Searcher, p Principal, r HistoryRequest) *History {
	t.Helper()
	h, err := s.History(t.Context(), p, r)
	require.NoError(t, err)
	return h
}

// printed is a history for reading.
func printed(h *History) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d entries, %d folded, %d reads\n", h.Object, len(h.Entries), h.Folded, h.Reads)
	for i := range h.Entries {
		e := &h.Entries[i]
		fmt.Fprintf(&b, "\n%s\n", e.Answer.Sentence())
		for _, d := range e.Event.Detections {
			fmt.Fprintf(&b, "  %s: %s\n", d.Rule.Priority, d.Rule.Name)
		}
		note := func(is bool, text string, args ...any) {
			if is {
				fmt.Fprintf(&b, "  "+text+"\n", args...)
			}
		}
		note(e.Replaced, "another object of this name")
		note(e.Created, "created")
		note(e.Unknown != "", "state unknown: %s", e.Unknown)
		note(e.Patch != nil, "patch %s", e.Patch)
		note(e.StateAsked, "state as asked for")
		note(e.State != nil, "state %d bytes, against %t, missed %d, redacted %v", len(e.State), e.Against != "", e.Missed, e.Redacted)
		for _, c := range e.Changes.Changes {
			note(true, "%s %s %s -> %s", c.Op, c.Pointer, c.Old, c.New)
		}
		note(e.Changes.Ignored > 0, "%d ignored", e.Changes.Ignored)
		note(e.Deleted, "deleted")
	}
	return b.String()
}

func heldTo(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

// TestHistoryOfRecordedObjects: histories out of what real API servers recorded.
func TestHistoryOfRecordedObjects(t *testing.T) {
	for name, file := range map[string]string{"sample": "../../examples/sample/audit.jsonl", "events": "../audit/testdata/events.jsonl.gz"} {
		s := kept(t, "prod", recording(t, file))
		var b strings.Builder
		for _, object := range map[string][]string{
			"sample": {"pods/shop-prod/sys-cache-target", "networkpolicies.networking.k8s.io/shop-prod/default-deny", "configmaps/data-platform/tmp-n4dd6",
				"deployments.apps/payments-staging/payouts", "nodes/rogue-worker-1", "leases.coordination.k8s.io/cert-manager/cert-manager-controller"},
			"events": {"deployments.apps/accounts-prod/sessions", "deployments.apps/web-frontend/bff", "resourcequotas/checkout-prod/quota",
				"replicasets.apps/accounts-prod/profile-579bd777fd", "endpoints/payments-staging/card-gateway", "namespaces/preview-pr-9654", "pods/shop-prod/no-such-pod"},
		}[name] {
			ref, err := ParseObject("prod", object)
			require.NoError(t, err)
			require.Equal(t, object, ref.String())
			b.WriteString(printed(history(t, s.Searcher, local, HistoryRequest{Object: ref})) + "\n")
		}
		heldTo(t, "history-"+name+".golden", b.String())
	}
}

// TestHistoryPages: the pages of a history are the whole of it, in order, and what an
// entry changed is the same wherever a page begins.
func TestHistoryPages(t *testing.T) {
	s := kept(t, "prod", recording(t, "../audit/testdata/events.jsonl.gz"))
	ref, err := ParseObject("prod", "deployments.apps/web-frontend/bff")
	require.NoError(t, err)
	whole := history(t, s.Searcher, local, HistoryRequest{Object: ref})
	require.Greater(t, len(whole.Entries), 2)
	require.Empty(t, whole.Next)
	at := len(whole.Entries)
	r := HistoryRequest{Object: ref, Limit: 1}
	for {
		page := history(t, s.Searcher, local, r)
		for i := len(page.Entries) - 1; i >= 0; i-- {
			at--
			assert.Equal(t, whole.Entries[at].ID, page.Entries[i].ID)
			assert.Equal(t, whole.Entries[at].Changes, page.Entries[i].Changes)
			assert.Equal(t, whole.Entries[at].Against, page.Entries[i].Against)
		}
		if page.Next == "" {
			break
		}
		r.After = page.Next
	}
	assert.Zero(t, at)
}

// made makes events out of what makes them differ, a second apart.
func made(t testing.TB, texts ...string) []*audit.Event {
	t.Helper()
	var b strings.Builder
	for i, text := range texts {
		fmt.Fprintf(&b, `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"id-%d","stageTimestamp":"2026-11-21T10:00:%02dZ","level":"RequestResponse","stage":"ResponseComplete",`+
			`"requestURI":"/","user":{"username":"alice"},"sourceIPs":["192.0.2.1"],%s}`+"\n", i, i, text)
	}
	events := readAll(t, audit.NewReader(strings.NewReader(b.String()), "made", audit.Limits{}))
	require.Len(t, events, len(texts))
	return events
}

func about(verb string, code int, body string) string {
	return fmt.Sprintf(`"verb":%q,"objectRef":{"resource":"configmaps","namespace":"shop","name":"web","apiVersion":"v1"},"responseStatus":{"code":%d}%s`, verb, code, body)
}

func configMap(uid, more string) string {
	return `{"kind":"ConfigMap","metadata":{"name":"web","namespace":"shop","uid":"` + uid + `"},"data":{` + more + `}}`
}

// TestHistoryOfStates: what is known of an object's state from event to event, and what not.
func TestHistoryOfStates(t *testing.T) {
	s := kept(t, "prod", made(t,
		about("create", 201, `,"responseObject":`+configMap("u1", `"a":"1"`)),
		about("update", 200, `,"responseObject":`+configMap("u1", `"a":"2"`)),
		strings.Replace(about("patch", 200, ""), `"verb"`, `"level":"Metadata","verb"`, 1),
		about("patch", 200, `,"requestObject":{"data":{"c":"3"}},"annotations":{"audit.k8s.io/truncated":"true"}`),
		about("update", 200, `,"responseObject":`+configMap("u1", `"a":"2","b":"2","c":"3"`)),
		about("update", 409, `,"requestObject":`+configMap("u1", `"a":"no"`)+`,"responseObject":{"kind":"Status"}`),
		about("get", 403, `,"responseObject":{"kind":"Status"}`),
		about("get", 200, `,"responseObject":`+configMap("u1", `"a":"2","b":"2","c":"3"`)),
		strings.Replace(about("update", 200, `,"responseObject":`+configMap("u1", `"a":"dry"`)), `"objectRef"`, `"requestURI":"/x?dryRun=All","objectRef"`, 1),
		about("delete", 200, `,"responseObject":{"kind":"Status","status":"Success"}`),
		about("create", 201, `,"requestObject":`+configMap("", `"password":"x"`)),
		about("update", 200, `,"responseObject":`+configMap("u2", `"password":"y","a":"1"`)),
		about("update", 200, `,"responseObject":`+configMap("u3", `"a":"1"`)),
		`"verb":"deletecollection","objectRef":{"resource":"configmaps","namespace":"shop"},"responseStatus":{"code":200},"responseObject":{"kind":"ConfigMapList","items":[{"metadata":{"name":"other"}}]}`,
		`"verb":"deletecollection","objectRef":{"resource":"configmaps","namespace":"shop"},"responseStatus":{"code":200},"responseObject":{"kind":"ConfigMapList","items":[`+configMap("u3", `"a":"1"`)+`]}`,
		`"verb":"deletecollection","objectRef":{"resource":"configmaps","namespace":"shop"},"responseStatus":{"code":200}`,
		`"verb":"create","objectRef":{"resource":"configmaps","namespace":"shop"},"responseStatus":{"code":201},"requestObject":{"metadata":{"generateName":"we"}},"responseObject":`+configMap("u4", ``),
		strings.Replace(about("delete", 200, ""), "shop", "other", 1),
		strings.Replace(about("delete", 200, ""), "configmaps", "secrets", 1),
	))
	object := ObjectRef{Cluster: "prod", Resource: "configmaps", Namespace: "shop", Name: "web"}
	h := history(t, s.Searcher, local, HistoryRequest{Object: object})
	heldTo(t, "history-states.golden", printed(h))
	with := history(t, s.Searcher, local, HistoryRequest{Object: object, Reads: true})
	assert.Len(t, with.Entries, len(h.Entries)+1)
	assert.Equal(t, uint64(1), h.Reads)

	// What was before the time asked for is the state that the first entry is held against.
	from := history(t, s.Searcher, local, HistoryRequest{Object: object, From: h.Entries[3].Event.Filed()})
	assert.Equal(t, h.Entries[4].Changes, from.Entries[1].Changes)
	assert.Equal(t, 2, from.Entries[1].Missed)
}

// TestHistoryFoldsStages: the stages of a request are one entry, also where they come on
// two pages; requests with an audit ID that was used before are not.
func TestHistoryFoldsStages(t *testing.T) {
	stage := func(stage, at, verb string) string {
		return strings.Replace(about(verb, 200, ""), `"verb"`, `"auditID":"one","stage":"`+stage+`","requestReceivedTimestamp":"`+at+`","verb"`, 1)
	}
	s := kept(t, "prod", made(t,
		stage("RequestReceived", "2026-11-21T10:00:00Z", "update"), stage("ResponseComplete", "2026-11-21T10:00:00Z", "update"),
		stage("RequestReceived", "2026-11-21T10:00:02Z", "update"), stage("ResponseComplete", "2026-11-21T10:00:02Z", "update"),
		stage("RequestReceived", "2026-11-21T10:00:04Z", "delete"),
	))
	object := ObjectRef{Cluster: "prod", Resource: "configmaps", Namespace: "shop", Name: "web"}
	h := history(t, s.Searcher, local, HistoryRequest{Object: object})
	require.Len(t, h.Entries, 3)
	assert.Equal(t, 2, h.Folded)
	assert.Equal(t, audit.OutcomeRequested, h.Entries[2].Answer.What.Outcome)

	var stages []string
	folded := 0
	for r := (HistoryRequest{Object: object, Limit: 2}); ; r.After = h.Next {
		h = history(t, s.Searcher, local, r)
		for _, e := range h.Entries {
			stages = append(stages, e.Event.Event.Stage)
		}
		if folded += h.Folded; h.Next == "" {
			break
		}
	}
	assert.Equal(t, []string{"ResponseComplete", "RequestReceived", "ResponseComplete"}, stages)
	assert.Equal(t, 2, folded)
}

// TestHistoryOfOddNames: a name is a name, whatever is in it, and also where the rules
// have a list of that name.
func TestHistoryOfOddNames(t *testing.T) {
	names := []string{`a") or ("b`, `a\`, `\"`, "x, y", "any of", "oneof", "<b>", "é", "shell_binaries", "pods", "\u2028"}
	var texts []string
	for _, name := range names {
		texts = append(texts, fmt.Sprintf(`"verb":"delete","objectRef":{"resource":"pods","namespace":"shop","name":%s},"responseStatus":{"code":200}`, quoteJSON(name)))
	}
	s := kept(t, "prod", made(t, texts...))
	lists := "- list: pods\n  items: [secrets]\n- list: shop\n  items: [other]\n- macro: m\n  condition: ka.verb in (pods, shop)\n"
	set, err := ruleset.Compile([]rules.File{{Name: "f", Content: []byte(lists)}}, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	s.cfg.Rules = func() *ruleset.Set { return set }
	for _, name := range names {
		h := history(t, s.Searcher, local, HistoryRequest{Object: ObjectRef{Cluster: "prod", Resource: "pods", Namespace: "shop", Name: name}})
		require.Len(t, h.Entries, 1, "%q", name)
		assert.Equal(t, name, h.Entries[0].Answer.What.Name)
		assert.Equal(t, diff.Result{}, h.Entries[0].Changes)
	}
}

func quoteJSON(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// TestHistoryOutOfScope: what a principal may not see has no history.
func TestHistoryOutOfScope(t *testing.T) {
	s := kept(t, "prod", made(t, about("create", 201, `,"responseObject":`+configMap("u1", `"a":"1"`)), about("get", 200, "")))
	object := ObjectRef{Cluster: "prod", Resource: "configmaps", Namespace: "shop", Name: "web"}
	for _, c := range []struct {
		scope Scope
		want  int
	}{{Scope{}, 0}, {Scope{Clusters: []string{"dev"}}, 0}, {Scope{Clusters: []string{"prod"}, Namespaces: []string{"bank"}}, 0}, {Scope{Clusters: []string{"prod"}, Namespaces: []string{"shop"}}, 1}} {
		h := history(t, s.Searcher, Principal{Scope: c.scope}, HistoryRequest{Object: object})
		assert.Len(t, h.Entries, c.want)
		assert.Equal(t, uint64(c.want), h.Reads)
	}
}

func TestHistoryOfNothing(t *testing.T) {
	s := kept(t, "prod", made(t, about("get", 200, "")))
	for _, r := range []HistoryRequest{
		{}, {Object: ObjectRef{Resource: "pods", Name: "a"}}, {Object: ObjectRef{Cluster: "c", Name: "a"}}, {Object: ObjectRef{Cluster: "c", Resource: "pods", Name: "a\x00"}},
		{Object: ObjectRef{Cluster: "c", Resource: "pods", Name: "a"}, Limit: -1}, {Object: ObjectRef{Cluster: "c", Resource: "pods", Name: "a"}, Limit: MaxHistory + 1},
	} {
		_, err := s.History(t.Context(), local, r)
		assert.ErrorAs(t, err, &BadRequest{})
	}
	for _, text := range []string{"", "pods", "pods/", "/a", "a/b/c/d"} {
		_, err := ParseObject("prod", text)
		assert.Error(t, err, text)
	}
}
