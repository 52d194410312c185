package page

import (
	"context"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/search"
	"github.com/kubewitness/kubewitness/pkg/store"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// sampleNow is a minute after the recorded sample.
var sampleNow = time.Date(2026, 11, 21, 19, 20, 0, 0, time.UTC)

// rig is the pages over a store with events.
type rig struct {
	t       testing.TB
	rules   *ruleset.Set // in force; may be nil
	who     search.Principal
	events  []*record.Event
	search  *search.Searcher
	cfg     Config
	handler http.Handler
}

// newRig stores events, judged by our own rules, and makes the pages.
func newRig(t testing.TB, events ...*audit.Event) *rig {
	r := &rig{t: t, who: search.Principal{Name: "local", Scope: search.Everything}}
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	r.rules = set
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	st, err := store.Open(store.Config{Dir: t.TempDir(), Retention: 36500 * day, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return sampleNow }})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, st.Close()) })
	var rows []store.Row
	for _, e := range events {
		rec := &record.Event{
			Event: e, ID: e.Identity(), Source: "webhook", Received: e.Time.Add(700 * time.Millisecond),
			Detections: m.Match(&field.Context{Event: e}).Detections,
		}
		if strings.Contains(string(e.Raw), "__REDACTED__") {
			rec.Redacted = []string{"/requestObject/data/password"}
		}
		r.events = append(r.events, rec)
		rows = append(rows, row.Encode(rec))
	}
	_, err = st.Write(context.Background(), rows)
	require.NoError(t, err)
	require.NoError(t, st.Sync(context.Background()))
	inForce := func() *ruleset.Set { return r.rules }
	now := func() time.Time { return sampleNow }
	r.search = search.New(search.Config{Store: st, Rules: inForce, Now: now})
	r.cfg = Config{
		Search: r.search, Principal: func(*http.Request) search.Principal { return r.who }, Rules: inForce,
		Now: now, Logger: slog.New(slog.DiscardHandler), Version: "1.2.3",
	}
	r.handler = New(r.cfg)
	return r
}

// readEvents reads a log.
func readEvents(t testing.TB, cluster string, log io.Reader) (events []*audit.Event) {
	r := audit.NewReader(log, "test", audit.Limits{})
	for {
		e, err := r.Next()
		if err == io.EOF {
			return events
		}
		require.NoError(t, err)
		e.Cluster = cluster
		events = append(events, e)
	}
}

// sample is the recorded log that `make run` sends.
func sample(t testing.TB) []*audit.Event {
	f, err := os.Open(filepath.Join(corpora.Root(t), "examples", "sample", "audit.jsonl"))
	require.NoError(t, err)
	defer f.Close()
	return readEvents(t, "demo", f)
}

// made is an event with the given members besides those that every event has; at is
// seconds before sampleNow.
func made(t testing.TB, at int, members string) *audit.Event {
	when := sampleNow.Add(-time.Duration(at) * time.Second).Format(time.RFC3339Nano)
	line := fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"00000000-0000-4000-8000-%012d","stage":"ResponseComplete","stageTimestamp":%q,"requestReceivedTimestamp":%q,%s}`,
		at+10_000, when, when, members)
	return readEvents(t, "demo", strings.NewReader(line))[0]
}

// get asks for a page and holds what must be true of every answer.
func (r *rig) get(path string) *httptest.ResponseRecorder {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	require.Equal(r.t, security, w.Header().Get("Content-Security-Policy"), path)
	require.Equal(r.t, "nosniff", w.Header().Get("X-Content-Type-Options"), path)
	require.Equal(r.t, "no-referrer", w.Header().Get("Referrer-Policy"), path)
	require.NotEmpty(r.t, w.Header().Get("Cache-Control"), path)
	require.NotEmpty(r.t, w.Header().Get("Content-Type"), path)
	return w
}

// page asks for an HTML page that must be there, and takes it apart.
func (r *rig) page(path string) *document {
	r.t.Helper()
	return r.pageWith(path, http.StatusOK)
}

func (r *rig) pageWith(path string, status int) *document {
	r.t.Helper()
	w := r.get(path)
	require.Equal(r.t, status, w.Code, "%s\n%s", path, w.Body)
	require.Equal(r.t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	require.Equal(r.t, "no-store", w.Header().Get("Cache-Control"))
	return parseDocument(r.t, w.Body.String())
}

// document is a page taken apart: strictly, so that nothing out of an event could have
// become markup.
type document struct {
	Source string
	Text   string // of all elements, one after the other
	Links  []string
	Tags   map[string]int
	Inputs map[string]string // values of form fields by name
}

var void = map[string]bool{"meta": true, "link": true, "input": true, "path": true, "circle": true, "rect": true}

// allowedTags and allowedAttributes are all that our templates have.
var (
	allowedTags = setOf("html head meta title link body a header svg path circle rect span time main h1 h2 h3 form div label input select option datalist fieldset legend " +
		"button details summary ul ol li code p section nav figure figcaption table caption thead tbody tr th td aside article dl dt dd pre blockquote samp bdi strong footer")
	allowedAttributes = setOf("lang charset name content rel href type class id viewBox width height aria-hidden d cx cy r datetime action method role for value placeholder maxlength " +
		"autocomplete autocapitalize spellcheck aria-describedby aria-labelledby aria-label aria-current aria-invalid selected step list title open preserveAspectRatio tabindex x y scope")
)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

func parseDocument(t testing.TB, src string) *document {
	t.Helper()
	d := &document{Source: src, Tags: map[string]int{}, Inputs: map[string]string{}}
	var open []string
	var text strings.Builder
	rest, ok := strings.CutPrefix(src, "<!doctype html>")
	require.True(t, ok)
	for rest != "" {
		before, tag, found := strings.Cut(rest, "<")
		require.NotContains(t, before, ">", "a bare > in text")
		text.WriteString(html.UnescapeString(before))
		if !found {
			break
		}
		if name, ok := strings.CutPrefix(tag, "/"); ok {
			name, after, ok := strings.Cut(name, ">")
			require.True(t, ok)
			require.NotEmpty(t, open)
			require.Equal(t, open[len(open)-1], name, "tags are not nested at %.80s", tag)
			open = open[:len(open)-1]
			rest = after
			continue
		}
		name, attrs, after := parseTag(t, tag)
		require.True(t, allowedTags[name], "tag %q", name)
		d.Tags[name]++
		d.note(t, name, attrs)
		if !void[name] {
			open = append(open, name)
		}
		rest = after
	}
	require.Empty(t, open)
	d.Text = text.String()
	for _, c := range d.Text {
		require.False(t, c != '\n' && c != '\t' && !shows(c, 2), "%U shows as nothing", c)
	}
	return d
}

// parseTag reads what follows <: a name, and attributes that are quoted or have no value.
func parseTag(t testing.TB, s string) (name string, attrs map[string]string, after string) {
	t.Helper()
	attrs = map[string]string{}
	end := strings.IndexAny(s, " />\n")
	require.Positive(t, end, "tag %.80q", s)
	name, s = s[:end], s[end:]
	for {
		s = strings.TrimLeft(s, " \n")
		if rest, ok := strings.CutPrefix(s, "/>"); ok {
			return name, attrs, rest
		}
		if rest, ok := strings.CutPrefix(s, ">"); ok {
			return name, attrs, rest
		}
		end := strings.IndexAny(s, "= >/")
		require.Positive(t, end, "attribute of %s: %.80q", name, s)
		key := s[:end]
		require.True(t, allowedAttributes[key], "attribute %q of %s", key, name)
		if s = s[end:]; s[0] != '=' {
			attrs[key] = ""
			continue
		}
		value, ok := strings.CutPrefix(s, `="`)
		require.True(t, ok, "attribute %s of %s is not quoted", key, name)
		value, s, ok = strings.Cut(value, `"`)
		require.True(t, ok)
		attrs[key] = html.UnescapeString(value)
	}
}

// kibanaOfTests is the one place outside of the service that a page may lead to.
const kibanaOfTests = "https://kibana.example/s/x?"

func (d *document) note(t testing.TB, name string, attrs map[string]string) {
	t.Helper()
	for key, value := range attrs {
		if key == "href" && strings.HasPrefix(value, kibanaOfTests) {
			d.Links = append(d.Links, value)
		} else if key == "href" || key == "action" {
			require.True(t, strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") || strings.HasPrefix(value, "#"), "%s of %s: %q", key, name, value)
		}
		if key == "href" && strings.HasPrefix(value, "/") {
			d.Links = append(d.Links, value)
		}
	}
	if name == "input" {
		d.Inputs[attrs["name"]] = attrs["value"]
	}
}
