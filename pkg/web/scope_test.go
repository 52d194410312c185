package web

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// marker stands in every text of every event outside of the scope.
const marker = "outofscope"

// inside are events that the scoped token sees; outside, those that it does not: of
// another cluster, of another namespace of its own, and of none.
var (
	inside = []made{
		{cluster: "prod", namespace: "shop", user: "jane", verb: "get", resource: "secrets", name: "db", agent: "kubectl/v1.35", at: time.Minute},
		{cluster: "prod", namespace: "shop", user: "jane", verb: "update", resource: "configmaps", name: "cm", at: 2 * time.Minute, extra: configMap("1")},
		{cluster: "prod", namespace: "shop", user: "joe", verb: "list", resource: "pods", agent: "kubectl/v1.35", at: 3 * time.Minute},
		{cluster: "prod", namespace: "shop", user: "joe", verb: "update", resource: "configmaps", name: "cm", at: 64 * time.Minute, extra: configMap("2")},
		{cluster: "prod", namespace: "shop", user: "joe", verb: "delete", resource: "pods", name: "web-0", at: 65 * time.Minute},
	}
	outside = []made{
		{cluster: marker, namespace: marker, user: marker + "-1", verb: "get", resource: "secrets", name: marker, agent: marker, at: 30 * time.Second},
		{cluster: marker, namespace: "shop", user: marker + "-2", verb: "get", resource: "secrets", name: "db-" + marker, agent: marker, at: 90 * time.Second},
		{cluster: "prod", namespace: marker, user: marker + "-3", verb: "delete", resource: "pods", name: marker, agent: marker, at: 150 * time.Second},
		{cluster: "prod", namespace: "", user: marker + "-4", verb: "get", resource: "secrets", name: marker, agent: marker, at: 210 * time.Second},
		{cluster: "prod", namespace: marker, user: marker + "-5", verb: "update", resource: "configmaps", name: "cm", at: 61 * time.Minute, extra: configMap(marker)},
		// The same people, objects and addresses, elsewhere.
		{cluster: marker, namespace: "shop", user: "jane", verb: "update", resource: "configmaps", name: "cm", agent: marker, at: 62 * time.Minute, extra: configMap(marker)},
		{cluster: "prod", namespace: "bank", user: "joe", verb: "list", resource: "pods", name: marker, agent: marker, at: 70 * time.Minute},
		{cluster: "prod", namespace: "shop-2", user: "joe", verb: "list", resource: "pods", name: marker, agent: marker, at: 71 * time.Minute},
		{cluster: "production", namespace: "shop", user: "joe", verb: "list", resource: "pods", name: marker, agent: marker, at: 72 * time.Minute},
	}
)

func configMap(value string) string {
	return `,"responseObject":{"kind":"ConfigMap","metadata":{"name":"cm","namespace":"shop","uid":"u"},"data":{"k":"` + value + `"}}`
}

// clock is what no two answers have alike.
var clock = regexp.MustCompile(`"now":"[^"]*"`)

// seen is what a body tells, without the clock.
func seen(a answered) string { return string(clock.ReplaceAll(a.body, nil)) }

// scopeQuestions asks every operation for all that it could give away. ids are those of
// events outside of the scope.
func scopeQuestions(t *testing.T, w *world, ids []string) (out []question) {
	var mine api.EventList
	w.get("/events?limit=1", &mine, bearer(shopToken)...)
	id := mine.Events[0].ID
	searches := []string{
		"", q("ka.verb exists"), q("not ka.user.name = jane"), q("ka.target.namespace in (shop, bank, " + marker + ")"), q("ka.useragent contains " + marker),
		q(`jevt.value[/verb] exists`), q(`not jevt.value[/verb] = get`), q("ka.user.name != nobody or ka.verb = get"),
		"text=" + marker, "cluster=" + marker, "cluster=prod&cluster=" + marker, "detections=true", "priority=debug", "rule=Secret+read", "text=a",
		"from=" + today.Format(time.RFC3339) + "&to=" + today.Add(time.Hour).Format(time.RFC3339),
	}
	for _, s := range searches {
		for _, media := range []string{typeJSON, typeLines, typeCSV} {
			out = append(out, question{op: "searchEvents", path: "/events?" + s, accept: media})
		}
		out = append(out,
			question{op: "searchEvents", path: "/events?limit=2&" + s},
			question{op: "facets", path: "/facets?field=ka.user.name&field=ka.target.namespace&field=rule&field=tag&field=priority&field=cluster&field=ka.useragent&" + s},
			question{op: "facets", path: "/facets?field=jevt.value[/userAgent]&limit=1&" + s},
			question{op: "facets", path: "/facets?field=ka.user.name&limit=1&" + s, accept: typeCSV},
			question{op: "histogram", path: "/histogram?step=1h&" + s},
			question{op: "searchDetections", path: "/detections?" + s},
			question{op: "hunt", path: "/hunt?" + s, kind: "application/yaml", body: strings.ReplaceAll(huntRules, "ka.user.name=jane", "ka.verb exists")},
		)
	}
	for _, other := range ids {
		out = append(out, question{op: "getEvent", path: "/events/" + other},
			question{op: "explainEvent", path: "/events/" + other + "/explain?rule=Secret+read"},
			question{op: "explainEvent", path: "/events/" + other + "/explain?rule=gone"},
			question{op: "searchEvents", path: "/events?after=" + other})
	}
	for _, o := range []string{
		"cluster=prod&resource=configmaps&namespace=shop&name=cm", "cluster=" + marker + "&resource=configmaps&namespace=shop&name=cm",
		"cluster=prod&resource=configmaps&namespace=" + marker + "&name=cm", "cluster=prod&resource=pods&namespace=shop&name=web-0",
		"cluster=prod&resource=secrets&name=" + marker,
	} {
		out = append(out, question{op: "objectHistory", path: "/objects/history?reads=true&" + o}, question{op: "objectHistory", path: "/objects/history?limit=1&" + o})
	}
	for _, e := range []string{
		"user?value=jane", "user?value=joe", "user?value=" + marker + "-1", "namespace?value=shop", "namespace?value=" + marker, "address?value=10.0.0.1",
		"address?value=10.0.0.0/8", "object?value=configmaps/shop/cm", "object?cluster=prod&value=configmaps/shop/cm", "object?value=secrets/" + marker + "/" + marker,
		"serviceaccount?value=shop/" + marker, "user?value=jane&cluster=" + marker,
	} {
		out = append(out, question{op: "entity", path: "/entities/" + e})
	}
	return append(out,
		question{op: "getEvent", path: "/events/" + id},
		question{op: "explainEvent", path: "/events/" + id + "/explain?rule=Something+deleted"},
		question{op: "listRules", path: "/rules"},
		question{op: "status", path: "/status"},
		question{op: "openapi", path: "/openapi.json"},
		question{op: "importEvents", path: "/import?cluster=prod", kind: typeLines, body: inside[0].raw()},
		question{op: "importEvents", path: "/import?cluster=x", kind: typeLines, body: inside[0].raw()},
	)
}

// TestScopeOnEveryOperation: whatever is asked, of whichever operation of the
// description, one who sees a part gets the answers of a store that has nothing else.
// What a question names comes back in no answer here, so that the marker tells.
func TestScopeOnEveryOperation(t *testing.T) {
	doc, _ := description(t)
	mixed, clean := newWorld(t, append(append([]made{}, outside...), inside...), twoTokens), newWorld(t, inside, twoTokens)
	var ids []string
	for _, e := range mixed.records(outside) {
		ids = append(ids, row.ID(e.ID))
	}
	asked, telling := map[string]bool{}, map[string]bool{}
	for _, qu := range scopeQuestions(t, mixed, ids) {
		method := "GET"
		if qu.body != "" {
			method = "POST"
		}
		headers := append(bearer(shopToken), "Content-Type", qu.kind)
		if qu.accept != "" {
			headers = append(headers, "Accept", qu.accept)
		}
		asked[qu.op] = true
		got, want := mixed.ask(method, qu.path, qu.body, headers...), clean.ask(method, qu.path, qu.body, headers...)
		assert.Equal(t, want.StatusCode, got.StatusCode, qu.path)
		assert.Equal(t, seen(want), seen(got), qu.path)
		assert.Equal(t, want.Header.Get(headerSummary), got.Header.Get(headerSummary), qu.path)
		if !echoes(qu) {
			assert.NotContains(t, string(got.body), marker, qu.path)
		}
		for name, values := range got.Header {
			assert.NotContains(t, strings.Join(values, " "), marker, name)
		}
		if telling[qu.op] {
			continue
		}
		headers[1] = "Bearer " + allToken
		if all := mixed.ask(method, qu.path, qu.body, headers...); seen(all) != seen(got) {
			telling[qu.op] = true
		}
	}
	assert.True(t, scopeOfATail(t, mixed))
	asked["tail"], telling["tail"] = true, true
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			assert.True(t, asked[op.OperationID], "%s %s is not asked", method, path)
			switch op.OperationID {
			case "listRules", "openapi": // they speak of no event
			default:
				assert.True(t, telling[op.OperationID], "%s %s is asked nothing that has another answer without the scope", method, path)
			}
		}
	}
}

// echoes tells whether an answer names what was asked for.
func echoes(qu question) bool {
	return (qu.op == "objectHistory" || qu.op == "entity") && strings.Contains(qu.path, marker)
}

// scopeOfATail shows what comes to a tail of the scoped token, and of one who sees all.
func scopeOfATail(t *testing.T, w *world) bool {
	mine, all := w.follow("/tail", bearer(shopToken)...), w.follow("/tail", bearer(allToken)...)
	mine.want("ping")
	all.want("ping")
	mine.listening(w)
	all.listening(w)
	records := w.records(append(append([]made{}, outside...), inside[0]))
	w.searcher.Publish(records)
	told := 0
	for {
		s, err := all.next()
		require.NoError(t, err)
		if s.id == row.ID(records[len(records)-1].ID) {
			break
		}
		assert.Contains(t, s.data, marker)
		told++
	}
	s, err := mine.next()
	require.NoError(t, err)
	assert.Equal(t, row.ID(records[len(records)-1].ID), s.id, "the first that comes is the one in the scope")
	assert.NotContains(t, s.data, marker)

	// One that begins behind an event outside of the scope learns no more than that it is not there.
	f := w.follow("/tail?after="+row.ID(records[0].ID), bearer(shopToken)...)
	unknown := w.follow("/tail?after="+strings.Repeat("0", 64), bearer(shopToken)...)
	assert.Equal(t, unknown.want("lagged"), f.want("lagged"))
	return told == len(outside)
}

// TestScopeOfClusters: one who sees whole clusters sees all of them, and nothing else.
func TestScopeOfClusters(t *testing.T) {
	w := newWorld(t, append(append([]made{}, outside...), inside...), twoTokens)
	var s api.Status
	w.get("/status", &s, bearer("token-of-one-who-sees-prod")...)
	n := 0
	for _, m := range append(append([]made{}, outside...), inside...) {
		if m.cluster == "prod" {
			n++
		}
	}
	assert.Equal(t, uint64(n), s.Store.Events)
	assert.Equal(t, []string{"prod"}, s.Principal.Clusters)
	assert.Equal(t, today.Add(time.Minute), s.Store.Oldest)
	assert.Equal(t, today.Add(71*time.Minute), s.Store.Newest)
	assert.Zero(t, s.Store.Bytes)

	// A token without clusters sees nothing.
	w = newWorld(t, inside, func(c *Config) {
		c.Tokens = []Token{{Name: "empty", Secret: is(allToken), Scope: search.Scope{Namespaces: []string{"shop"}}}}
	})
	a := w.ask("GET", "/events", "", bearer(allToken)...)
	assert.Equal(t, http.StatusOK, a.StatusCode)
	var list api.EventList
	require.NoError(t, json.Unmarshal(a.body, &list))
	assert.Empty(t, list.Events)
	assert.NotNil(t, list.Events)
}
