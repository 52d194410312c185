package page

import (
	"encoding/hex"
	"flag"
	"fmt"
	"hash/crc32"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/search"
)

var update = flag.Bool("update", false, "write the golden files anew")

// digest is what changes with every change of the style sheet.
var digest = regexp.MustCompile(`(/assets/[a-z]+)-[0-9a-f]{12}`)

func golden(t *testing.T, name string, d *document) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name+".html")
	got := digest.ReplaceAllString(d.Source, "$1")
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got, "go test ./pkg/web/page -update, and look at the difference")
}

// ids are the ids of the events that a search finds, newest first.
func (r *rig) ids(cond string) (ids []string) {
	_, err := r.search.Search(r.t.Context(), r.who, search.Request{Condition: cond}, search.Page{Limit: 1000}, func(h *search.Hit) error {
		ids = append(ids, h.ID)
		return nil
	})
	require.NoError(r.t, err)
	return ids
}

func TestPagesOfTheSample(t *testing.T) {
	r := newRig(t, sample(t)...)
	exec := r.ids("ka.target.subresource = exec and ka.user.name = mallory@corp.example and ka.stage = ResponseStarted")[0]
	for name, path := range map[string]string{
		"front":     "/",
		"search":    "/?since=all&text=shop-prod&q=" + url.QueryEscape("kw.user.kind = person and ka.verb in (delete, patch)"),
		"nothing":   "/?q=ka.verb+%3D+nothing&rule=No+Such+Rule&since=7d",
		"event":     "/event/" + exec,
		"quiet":     "/event/" + r.ids("ka.target.subresource = binding")[0],
		"explained": "/event/" + exec + "?rule=Cluster+Admin+Role+Granted",
	} {
		golden(t, name, r.page(path))
	}
	golden(t, "problem", r.pageWith("/?q="+url.QueryEscape("ka.verb = get and ka.nothing = 1"), http.StatusBadRequest))
	r.rules = nil
	golden(t, "norules", r.page("/event/"+exec))
	golden(t, "missing", r.pageWith("/event/"+strings.Repeat("0", 64), http.StatusNotFound))
	golden(t, "empty", newRig(t).page("/"))
}

func TestFirstPageListsEveryDetection(t *testing.T) {
	r := newRig(t, sample(t)...)
	d := r.page("/")
	for _, e := range r.events {
		if len(e.Detections) > 0 {
			assert.Contains(t, d.Links, "/event/"+hex.EncodeToString(e.ID[:]))
			assert.Contains(t, d.Text, e.Event.Answer().Sentence())
		}
	}
	assert.Contains(t, d.Text, "26 events with detections in the last 24 hours")
}

// TestEveryLinkAnswers walks from the first page over links, level by level.
func TestEveryLinkAnswers(t *testing.T) {
	most := 60
	if underRace {
		most = 12
	}
	r := newRig(t, append(sample(t), odd(t)...)...)
	level, seen := []string{"/", "/?show=events&since=all", "/?q=ka.verb+%3D+get&since=all"}, map[string]bool{}
	for len(level) > 0 && len(seen) < most {
		var next []string
		for _, path := range level {
			path, _, _ = strings.Cut(path, "#")
			if seen[path] || len(seen) >= most {
				continue
			}
			seen[path] = true
			w := r.get(path)
			require.Equal(t, http.StatusOK, w.Code, "%s\n%s", path, w.Body)
			if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				next = append(next, parseDocument(t, w.Body.String()).Links...)
			}
		}
		slices.Sort(next)
		next = slices.Compact(next)
		// Pages of all kinds, not the first ones of one kind.
		slices.SortStableFunc(next, func(a, b string) int {
			return int(crc32.ChecksumIEEE([]byte(a))>>16) - int(crc32.ChecksumIEEE([]byte(b))>>16)
		})
		level = next
	}
	assert.GreaterOrEqual(t, len(seen), most)
}

// total is the number that the heading of a page tells.
func total(t *testing.T, d *document) string {
	t.Helper()
	m := regexp.MustCompile(`([0-9,]+) events? (with|in|over|from|since)`).FindStringSubmatch(strings.ReplaceAll(d.Text, "event with a detection", "event with"))
	require.NotNil(t, m, d.Text)
	return m[1]
}

var tallied = regexp.MustCompile(`<a class="only" href="([^"]*)">.*?<span class="n">([0-9,]+)</span></a>`)

func TestCountsAreWhatTheirLinksFind(t *testing.T) {
	notUnderRace(t)
	r := newRig(t, sample(t)...)
	for _, path := range []string{"/", "/?show=events&since=all"} {
		links := tallied.FindAllStringSubmatch(r.page(path).Source, -1)
		require.Greater(t, len(links), 10)
		for _, m := range links {
			if strings.Contains(m[1], "priority=") {
				continue // "at least"
			}
			to := html.UnescapeString(m[1])
			assert.Equal(t, m[2], total(t, r.page(to)), to)
		}
	}
}

var barred = regexp.MustCompile(`<tr><th scope="row"><a href="([^"]*)">.*?([0-9,]+)</td></tr>`)

func TestBarsAreWhatTheirLinksFind(t *testing.T) {
	r := newRig(t, sample(t)...)
	for _, path := range []string{"/?since=all", "/?show=events&since=all", "/?show=events&from=2026-11-21T19:18:10Z&to=2026-11-21T19:18:45.123Z"} {
		bars := barred.FindAllStringSubmatch(r.page(path).Source, -1)
		require.NotEmpty(t, bars)
		for _, m := range bars {
			to := html.UnescapeString(m[1])
			assert.Equal(t, m[2], total(t, r.page(to)), to)
		}
	}
}

func TestOlderPagesGoThroughAll(t *testing.T) {
	r := newRig(t, sample(t)...)
	seen := map[string]bool{}
	path := "/?show=events&since=all"
	for pages := 0; path != ""; pages++ {
		require.Less(t, pages, 10)
		d := r.page(path)
		path = ""
		for _, link := range d.Links {
			if strings.HasPrefix(link, "/event/") {
				assert.False(t, seen[link])
				seen[link] = true
			}
			if strings.Contains(link, "after=") {
				path = link
			}
		}
	}
	assert.Len(t, seen, len(r.events))
}

func TestRepeatsAreFolded(t *testing.T) {
	var events []*audit.Event
	for i := range 12 {
		events = append(events, made(t, 10+i, `"verb":"delete","user":{"username":"mallory","groups":["system:authenticated"]},"requestURI":"/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/deny",`+
			`"sourceIPs":["203.0.113.7"],"objectRef":{"resource":"networkpolicies","namespace":"shop","name":"deny","apiGroup":"networking.k8s.io","apiVersion":"v1"},"responseStatus":{"code":200}`))
	}
	r := newRig(t, events...)
	require.NotEmpty(t, r.events[0].Detections)
	d := r.page("/")
	assert.Contains(t, d.Text, "11 more like this")
	assert.Contains(t, d.Text, "12 events with detections")
	assert.Equal(t, 1, strings.Count(d.Source, `<p class="sentence">`))
	all := ""
	for _, link := range d.Links {
		if strings.Contains(link, "each=true") {
			all = link
		}
	}
	assert.Equal(t, 12, strings.Count(r.page(all).Source, `<p class="sentence">`))
}

func TestTimeIsWidenedUntilSomethingIsFound(t *testing.T) {
	old := made(t, 20*24*3600, `"verb":"get","requestURI":"/api/v1/namespaces/b/pods/a","userAgent":"kubectl/v1.35","sourceIPs":["10.0.0.1"],"responseStatus":{"code":200},"user":{"username":"jane"},"objectRef":{"resource":"pods","name":"a","namespace":"b"}`)
	r := newRig(t, old)
	assert.Contains(t, r.page("/?show=events").Text, "1 event in the last 30 days")
	d := r.page("/?show=events&since=24h")
	assert.Contains(t, d.Text, "0 events in the last 24 hours")
	assert.Contains(t, d.Text, "Look at all time")
	d = r.page("/")
	assert.Contains(t, d.Text, "No rule fired on what you ask for")
	assert.Contains(t, d.Text, "See all events instead")
}

func TestRawIsTheStoredBytes(t *testing.T) {
	raw := `"verb":"get",  "user":{"username":"jané \u0041"},"a":1.00,"a":12345678901234567890`
	r := newRig(t, made(t, 5, raw))
	id := r.ids("")[0]
	w := r.get("/event/" + id + "/raw")
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, string(r.events[0].Event.Raw), w.Body.String())
	assert.Equal(t, "application/json", w.Header().Get("Content-Type"))
	assert.Equal(t, `attachment; filename="event-`+id[:12]+`.json"`, w.Header().Get("Content-Disposition"))
}

func TestRedactionIsTold(t *testing.T) {
	r := newRig(t, made(t, 5, `"verb":"create","user":{"username":"jane"},"objectRef":{"resource":"configmaps","namespace":"a","name":"b","apiVersion":"v1"},"responseStatus":{"code":201},`+
		`"requestObject":{"kind":"ConfigMap","data":{"password":"__REDACTED__"}}`))
	assert.Contains(t, r.page("/?show=events").Text, "secrets taken out")
	d := r.page("/event/" + r.ids("")[0])
	assert.Contains(t, d.Text, "What was taken out")
	assert.Contains(t, d.Text, "/requestObject/data/password")
	d = r.page("/?" + url.Values{"q": {`ka.req.configmap.obj contains hunter2`}}.Encode())
	assert.Contains(t, d.Text, "1 event is left out")
}

// TestKibana: an event's page leads to Kibana where there is one.
func TestKibana(t *testing.T) {
	r := newRig(t, sample(t)...)
	e := r.events[0]
	id := hex.EncodeToString(e.ID[:])
	assert.NotContains(t, r.page("/event/"+id).Text, "Kibana")
	r.cfg.Kibana = func(id string, at time.Time) string {
		return kibanaOfTests + "<id>=" + id + "&at=" + at.UTC().Format(time.RFC3339)
	}
	r.handler = New(r.cfg)
	d := r.page("/event/" + id)
	assert.Contains(t, d.Text, "This event in Kibana")
	assert.Contains(t, d.Links, kibanaOfTests+"%3cid%3e="+id+"&at="+e.Filed().UTC().Format(time.RFC3339))
}

func TestScopeIsPassedOn(t *testing.T) {
	r := newRig(t, sample(t)...)
	id := r.ids("ka.target.namespace = shop-prod")[0]
	r.who = search.Principal{Name: "other", Scope: search.Scope{Clusters: []string{"elsewhere"}}}
	for _, path := range []string{"/", "/?show=events&since=all", "/?q=ka.verb+exists"} {
		d := r.page(path)
		assert.Contains(t, d.Text, "Nothing for you yet")
		assert.NotContains(t, d.Source, "mallory")
		assert.NotContains(t, d.Source, "/event/")
	}
	for _, path := range []string{"/event/" + id, "/event/" + id + "/raw", "/event/" + id + "?rule=Exec+or+Attach+to+Pod"} {
		d := r.pageWith(path, http.StatusNotFound)
		assert.NotContains(t, d.Source, "shop-prod")
	}
	r.who.Scope = search.Scope{Clusters: []string{"demo"}, Namespaces: []string{"shop-dev"}}
	d := r.page("/?show=events&since=all")
	assert.Contains(t, d.Text, "shop-dev")
	assert.NotContains(t, d.Text, "shop-prod")
}

func TestBadRequestsGetPages(t *testing.T) {
	r := newRig(t, sample(t)...)
	for path, status := range map[string]int{
		"/?since=1y":                              http.StatusBadRequest,
		"/?from=now":                              http.StatusBadRequest,
		"/?from=2026-01-02&to=2026-01-01":         http.StatusBadRequest,
		"/?priority=high":                         http.StatusBadRequest,
		"/?q=(":                                   http.StatusBadRequest,
		"/?q=ka.verb+%3D":                         http.StatusBadRequest,
		"/?q=no_such_macro":                       http.StatusBadRequest,
		"/?q=" + strings.Repeat("x", 70<<10):      http.StatusBadRequest,
		"/?after=garbage":                         http.StatusBadRequest,
		"/?text=%ff%fe":                           http.StatusBadRequest,
		"/event/":                                 http.StatusNotFound,
		"/event/x":                                http.StatusNotFound,
		"/event/" + strings.Repeat("g", 64):       http.StatusNotFound,
		"/event/" + strings.Repeat("a", 64):       http.StatusNotFound,
		"/event/" + strings.Repeat("a", 64) + "/": http.StatusNotFound,
		"/assets/page.css":                        http.StatusNotFound,
		"/assets/..%2fpage.go":                    http.StatusNotFound,
		"/favicon.ico":                            http.StatusNotFound,
		"/%3Cscript%3E":                           http.StatusNotFound,
	} {
		r.pageWith(path, status)
	}
}

func TestPlaceOfAProblemIsMarked(t *testing.T) {
	r := newRig(t)
	for cond, want := range map[string]string{
		"ka.verb = get and ka.nothing = 1":  "                  ^",
		"ka.verb = get and (ka.verb = list": "                                 ^",
		"ka.verb = get and nothing_known":   "                  ^",
		"kw.response.code = many":           "                   ^",
	} {
		d := r.pageWith("/?q="+url.QueryEscape(cond), http.StatusBadRequest)
		assert.Contains(t, d.Text, cond+"\n"+want+"\n", cond)
		assert.Equal(t, cond, d.Inputs["q"])
	}
}

func TestOnlyReading(t *testing.T) {
	r := newRig(t, sample(t)...)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "TRACE"} {
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		assert.Equal(t, http.StatusMethodNotAllowed, w.Code, method)
		assert.Equal(t, security, w.Header().Get("Content-Security-Policy"))
		assert.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
	}
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/", nil))
	assert.Equal(t, http.StatusOK, w.Code)
}

func TestAssetsAreNamedByContent(t *testing.T) {
	r := newRig(t)
	for file, typ := range map[string]string{"page.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"} {
		w := r.get(assetPath(file))
		assert.Equal(t, http.StatusOK, w.Code)
		assert.Equal(t, typ, w.Header().Get("Content-Type"))
		assert.Equal(t, "public, max-age=31536000, immutable", w.Header().Get("Cache-Control"))
		assert.Contains(t, r.page("/").Source, `href="`+assetPath(file)+`"`)
	}
	assert.Empty(t, assetPath("other.css"))
}

func TestNothingIsFetchedFromElsewhere(t *testing.T) {
	for _, content := range assets {
		assert.NotContains(t, strings.ReplaceAll(string(content), "http://www.w3.org/2000/svg", ""), "//")
		assert.NotContains(t, string(content), "@import")
		assert.NotContains(t, string(content), "url(")
	}
}

func TestEventsInTheFutureAreOnTheChart(t *testing.T) {
	r := newRig(t, made(t, -1800, `"verb":"get","user":{"username":"jane"},"objectRef":{"resource":"pods","name":"a","namespace":"b"}`))
	d := r.page("/?show=events&since=24h")
	assert.Equal(t, "1", total(t, d))
	assert.NotEmpty(t, barred.FindAllString(d.Source, -1))
}

func TestStepsFitTheTime(t *testing.T) {
	for long, want := range map[time.Duration]time.Duration{
		0: time.Second, time.Minute: time.Second, time.Hour: time.Minute, day: 30 * time.Minute, 7 * day: 3 * time.Hour, 30 * day: 12 * time.Hour, 365 * day: 7 * day,
	} {
		assert.Equal(t, want, stepFor(long), fmt.Sprint(long))
	}
	for _, s := range steps {
		at := aligned(sampleNow, s)
		assert.Zero(t, at.UnixNano()%int64(s))
		assert.False(t, at.After(sampleNow) || sampleNow.Sub(at) >= s)
	}
}
