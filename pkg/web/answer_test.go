package web

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/api"
)

func q(cond string) string { return "q=" + url.QueryEscape(cond) }

func TestEvents(t *testing.T) {
	w := newWorld(t, shop, nil)
	var all, page, rest api.EventList
	w.get("/events", &all)
	require.Len(t, all.Events, 4)
	assert.Equal(t, "ann", all.Events[0].Answer.Who.Name, "newest first")
	assert.Equal(t, shop[3].raw(), string(all.Events[0].Event), "byte for byte")
	assert.Equal(t, all.Events[0].Answer.Sentence(), all.Events[0].Sentence)
	require.Len(t, all.Events[0].Detections, 1)
	d := all.Events[0].Detections[0]
	assert.Equal(t, "Secret read", d.Rule)
	assert.Equal(t, "Warning", d.Priority)
	assert.Equal(t, []string{"T1552", "k8s"}, d.Tags)
	assert.Equal(t, map[string]any{"ka.user.name": "ann", "ka.target.name": "db"}, d.OutputFields)

	w.get("/events?limit=3", &page)
	w.get("/events?limit=3&after="+url.QueryEscape(page.Next), &rest)
	assert.Equal(t, all.Events, append(page.Events, rest.Events...))
	assert.Empty(t, rest.Next)

	for query, want := range map[string]int{
		q("ka.user.name=jane"): 2, q("reads"): 3, "text=WEB-0": 1, "cluster=prod": 3, "cluster=prod&cluster=stage": 4,
		"rule=Secret+read": 2, "detections=true": 3, "priority=warning": 2, "priority=critical": 0, q(`ka.user.name="' or 1=1 --"`): 0,
		"to=" + today.Add(time.Hour).Format(time.RFC3339): 3, "from=" + today.Add(time.Hour).Format(time.RFC3339): 1, "since=30d": 4,
	} {
		var got api.EventList
		w.get("/events?"+query, &got)
		assert.Len(t, got.Events, want, query)
		assert.Equal(t, want, got.Hits, query)
	}

	var one api.Event
	w.get("/events/"+all.Events[2].ID, &one)
	assert.Equal(t, all.Events[2], one)
}

func TestEventLines(t *testing.T) {
	w := newWorld(t, shop, nil)
	a := w.ask("GET", "/events?limit=3", "", "Accept", "application/x-ndjson")
	assert.Equal(t, "application/x-ndjson", a.Header.Get("Content-Type"))
	lines := strings.Split(strings.TrimSuffix(string(a.body), "\n"), "\n")
	require.Len(t, lines, 4)
	var e api.Event
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &e))
	assert.Equal(t, shop[3].raw(), string(e.Event))
	var last api.Last
	require.NoError(t, json.Unmarshal([]byte(lines[3]), &last))
	require.NotNil(t, last.Summary)
	assert.Equal(t, 3, last.Summary.Hits)
	assert.NotEmpty(t, last.Summary.Next)

	// What fails before the first line has a status of its own.
	a = w.ask("GET", "/events?q=("+"", "", "Accept", "application/x-ndjson")
	assert.Equal(t, http.StatusBadRequest, a.StatusCode)
	assert.NotNil(t, w.problem(a).At)
}

func TestEventTable(t *testing.T) {
	w := newWorld(t, shop, nil)
	a := w.ask("GET", "/events", "", "Accept", "text/csv")
	rows, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 5)
	assert.Equal(t, eventColumns, rows[0])
	cell := func(r int, name string) string {
		for i, c := range rows[0] {
			if c == name {
				return rows[r][i]
			}
		}
		return "no such column"
	}
	assert.Equal(t, "'=cmd|' /C calc'!A0", cell(1, "user_agent"))
	assert.Equal(t, "ann", cell(1, "user"))
	assert.Equal(t, "Secret read", cell(1, "rules"))
	assert.Equal(t, "Warning", cell(1, "priority"))
	var sum api.Summary
	require.NoError(t, json.Unmarshal([]byte(a.Header.Get(headerSummary)), &sum))
	assert.Equal(t, 4, sum.Hits)

	a = w.ask("GET", "/facets?field=ka.useragent&field=ka.user.name", "", "Accept", "text/csv")
	require.Equal(t, http.StatusOK, a.StatusCode, "%s", a.body)
	assert.Contains(t, string(a.body), ",'=cmd|' /C calc'!A0,1\r\n")
	assert.Contains(t, string(a.body), "ka.user.name,jane,2\r\n")
}

func TestCounts(t *testing.T) {
	w := newWorld(t, shop, nil)
	var f api.Facets
	w.get("/facets?field=ka.user.name&field=rule&field=priority&field=tag&field=cluster&limit=2", &f)
	require.Len(t, f.Facets, 5)
	assert.Equal(t, api.Facet{Field: "ka.user.name", Values: []api.FacetValue{{Value: "jane", Events: 2}, {Value: "ann", Events: 1}}, More: true}, f.Facets[0])
	assert.Equal(t, api.Facet{Field: "rule", Values: []api.FacetValue{{Value: "Secret read", Events: 2}, {Value: "Something deleted", Events: 1}}}, f.Facets[1])
	assert.Equal(t, api.Facet{Field: "cluster", Values: []api.FacetValue{{Value: "prod", Events: 3}, {Value: "stage", Events: 1}}}, f.Facets[4])

	var h api.Histogram
	w.get("/histogram?step=1h&"+q("ka.verb!=list"), &h)
	assert.Equal(t, int64(3600), h.StepSeconds)
	assert.Equal(t, uint64(3), h.Total)
	assert.Equal(t, []api.Bucket{{Start: today, Events: 2}, {Start: today.Add(time.Hour), Events: 1}}, h.Buckets)
	w.get("/histogram?since=1d&"+q("ka.user.name=nobody"), &h)
	assert.NotNil(t, h.Buckets)
	assert.Empty(t, h.Buckets)
}

func TestDetections(t *testing.T) {
	w := newWorld(t, shop, nil)
	var all, some api.DetectionList
	w.get("/detections", &all)
	require.Len(t, all.Detections, 3)
	assert.Equal(t, "Something deleted", all.Detections[1].Rule)
	assert.Equal(t, "jane", all.Detections[1].Answer.Who.Name)
	w.get("/detections?priority=warning", &some)
	require.Len(t, some.Detections, 2)
	assert.Equal(t, all.Detections[0], some.Detections[0])
}

func TestExplainRulesStatus(t *testing.T) {
	w := newWorld(t, shop, nil)
	var found api.EventList
	w.get("/events?"+q("ka.user.name=ann"), &found)
	id := found.Events[0].ID
	var x api.Explanation
	w.get("/events/"+id+"/explain?rule=Secret+read", &x)
	assert.True(t, x.Verdict)
	assert.Equal(t, "reads and ka.target.resource in (watched)", x.Condition)
	assert.Len(t, x.Stored, 1)
	assert.NotEmpty(t, x.Tree.Terms)
	w.get("/events/"+id+"/explain?rule=Never", &x)
	assert.False(t, x.Verdict)
	p := w.problem(w.ask("GET", "/events/"+id+"/explain?rule=No+such", ""))
	assert.Equal(t, api.ProblemNotFound, p.Type)

	var rs api.Rules
	w.get("/rules", &rs)
	require.Len(t, rs.Rules, 3)
	assert.Equal(t, "Secret read", rs.Rules[0].Name)
	assert.False(t, rs.Rules[2].Enabled)
	assert.NotNil(t, rs.Rules[1].Tags)

	var s api.Status
	w.get("/status", &s)
	assert.Equal(t, api.Principal{Name: "local", All: true, Import: true}, s.Principal)
	assert.Equal(t, uint64(4), s.Store.Events)
	assert.Equal(t, "v0", s.Version)
}

const huntRules = `
- rule: Hunted
  desc: d
  condition: ka.user.name=jane
  output: jane was here (%ka.verb)
  priority: INFO
  source: k8s_audit
`

func TestHunt(t *testing.T) {
	w := newWorld(t, shop, nil)
	a := w.ask("POST", "/hunt?since=30d", huntRules, "Content-Type", "application/yaml")
	require.Equal(t, http.StatusOK, a.StatusCode, "%s", a.body)
	lines := strings.Split(strings.TrimSuffix(string(a.body), "\n"), "\n")
	require.Len(t, lines, 3)
	var hit api.HuntHit
	require.NoError(t, json.Unmarshal([]byte(lines[0]), &hit))
	require.Len(t, hit.Found, 1)
	assert.Equal(t, "Hunted", hit.Found[0].Rule)
	assert.Equal(t, "jane was here (delete)", hit.Found[0].Output)
	assert.Equal(t, "Something deleted", hit.Detections[0].Rule)

	a = w.ask("POST", "/hunt?limit=1", huntRules, "Content-Type", "application/yaml")
	lines = strings.Split(strings.TrimSuffix(string(a.body), "\n"), "\n")
	require.Len(t, lines, 2)
	var last api.Last
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &last))
	assert.True(t, last.Summary.Partial)
	assert.Equal(t, 1, last.Summary.Hits)

	for body, want := range map[string]string{
		"- rule: x\n":              api.ProblemRules,
		"":                         api.ProblemRules,
		"[]":                       api.ProblemRules,
		"\x00{{":                   api.ProblemRules,
		strings.Repeat("#", 2<<20): api.ProblemTooLarge,
	} {
		a := w.ask("POST", "/hunt", body, "Content-Type", "text/yaml")
		assert.Equal(t, want, w.problem(a).Type, "%.20q", body)
	}
	assert.Equal(t, api.ProblemMediaType, w.problem(w.ask("POST", "/hunt", huntRules, "Content-Type", "text/plain")).Type,
		"a form of another site could send it")
}

func TestImport(t *testing.T) {
	w := newWorld(t, shop, func(c *Config) { c.Limits.ImportBody = 4096 })
	e := made{cluster: "c", namespace: "new", user: "new", verb: "get", resource: "pods", name: "p", at: time.Second}
	var done api.Imported
	a := w.ask("POST", "/import?cluster=old", e.raw()+"\nno event\n", "Content-Type", "application/x-ndjson")
	require.Equal(t, http.StatusOK, a.StatusCode, "%s", a.body)
	require.NoError(t, json.Unmarshal(a.body, &done))
	assert.Equal(t, uint64(1), done.Events)
	var found api.EventList
	w.get("/events?cluster=old", &found)
	assert.Len(t, found.Events, 1)

	for contentType, want := range map[string]string{
		"": api.ProblemMediaType, "text/plain": api.ProblemMediaType, "multipart/form-data; boundary=a": api.ProblemMediaType,
		"application/x-www-form-urlencoded": api.ProblemMediaType,
	} {
		a := w.ask("POST", "/import", e.raw(), "Content-Type", contentType)
		assert.Equal(t, want, w.problem(a).Type, contentType)
	}
	a = w.ask("POST", "/import", strings.Repeat(e.raw()+"\n", 20), "Content-Type", "application/json")
	assert.Equal(t, api.ProblemTooLarge, w.problem(a).Type)
	a = w.ask("POST", "/import", "x", "Content-Type", "application/json", "Content-Encoding", "gzip")
	assert.Equal(t, api.ProblemMediaType, w.problem(a).Type)

	w = newWorld(t, nil, func(c *Config) { c.Import = nil })
	assert.Equal(t, http.StatusNotImplemented, w.ask("POST", "/import", "x", "Content-Type", "application/json").StatusCode)
}

func TestProblems(t *testing.T) {
	w := newWorld(t, nil, nil)
	for path, want := range map[string]string{
		"/events?clutser=a":                                      api.ProblemParameter,
		"/events?q=ka.verb+%3D":                                  api.ProblemCondition,
		"/events?q=no.such.field%3D1":                            api.ProblemCondition,
		"/events?q=nosuchmacro":                                  api.ProblemCondition,
		"/events?after=garbage":                                  api.ProblemCondition,
		"/events?limit=100000":                                   api.ProblemParameter,
		"/events/abc":                                            api.ProblemNotFound,
		"/events/" + strings.Repeat("0", 64):                     api.ProblemNotFound,
		"/events/" + strings.Repeat("g", 64):                     api.ProblemNotFound,
		"/events/" + strings.Repeat("0", 64) + "/explain":        api.ProblemParameter,
		"/events/" + strings.Repeat("0", 64) + "/explain?rule=x": api.ProblemNotFound,
		"/facets":               api.ProblemParameter,
		"/facets?field=no.such": api.ProblemCondition,
		"/rules?x=1":            api.ProblemParameter,
		"/nothing":              api.ProblemNotFound,
		"/":                     api.ProblemNotFound,
		"/tail?q=(":             api.ProblemCondition,
		"/tail?after=abc":       api.ProblemParameter,
		"/hunt":                 api.ProblemMethod,
	} {
		a := w.ask("GET", path, "")
		assert.Equal(t, want, w.problem(a).Type, path)
		assert.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"))
		assert.Equal(t, "no-store", a.Header.Get("Cache-Control"))
		assert.Contains(t, a.Header.Get("Content-Security-Policy"), "default-src 'none'")
		assert.Empty(t, a.Header.Get("Access-Control-Allow-Origin"))
	}
	p := w.problem(w.ask("GET", "/events?"+q("ka.verb=get and\n  ka.verb ="), ""))
	require.NotNil(t, p.At)
	assert.Equal(t, 2, p.At.Line)
	a := w.ask("DELETE", "/events", "")
	assert.Equal(t, api.ProblemMethod, w.problem(a).Type)
	assert.Equal(t, "GET, HEAD", a.Header.Get("Allow"))
	assert.Equal(t, api.ProblemAccept, w.problem(w.ask("GET", "/rules", "", "Accept", "text/html")).Type)
}

// TestOddStrings: what clients and searchers write comes back as text, whatever is in it.
func TestOddStrings(t *testing.T) {
	odd := []string{
		"<script>alert(1)</script>", `"; drop | delete *`, "a\u2028b\u0000c", `{"event":"x"}`, "data: x\n\nevent: y", "=1+1", "%00%0a", "\u202egnp.exe", strings.Repeat("é", 3000),
	}
	var events []made
	for i, s := range odd {
		events = append(events, made{cluster: "prod", namespace: "shop", user: s, verb: "get", resource: "pods", name: "p", agent: s, at: time.Duration(i) * time.Second})
	}
	w := newWorld(t, events, nil)
	for i, s := range odd {
		var found api.EventList
		cond := "ka.user.name=" + quoteCondition(s)
		if strings.ContainsRune(s, 0) { // conditions compare up to the first NUL
			continue
		}
		w.get("/events?"+q(cond), &found)
		require.Len(t, found.Events, 1, s)
		assert.Equal(t, s, found.Events[0].Answer.Who.Name)
		assert.Equal(t, events[i].raw(), string(found.Events[0].Event))
		assert.NotContains(t, found.Events[0].Sentence, "\n")

		a := w.ask("GET", "/events?"+q(cond), "", "Accept", "application/x-ndjson")
		assert.Equal(t, 2, strings.Count(string(a.body), "\n"))
	}
	var f api.Facets
	w.get("/facets?field=ka.user.name&limit=100", &f)
	assert.Len(t, f.Facets[0].Values, len(odd))
}

// quoteCondition writes a text as a value of a condition.
func quoteCondition(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
