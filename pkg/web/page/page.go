package page

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// Searcher is what the pages ask; *search.Searcher is it.
type Searcher interface {
	Search(ctx context.Context, p search.Principal, r search.Request, pg search.Page, yield func(*search.Hit) error) (search.Summary, error)
	Histogram(ctx context.Context, p search.Principal, r search.Request, step time.Duration) ([]search.Bucket, search.Summary, error)
	Facets(ctx context.Context, p search.Principal, r search.Request, fields []string, limit int) ([]search.Facet, search.Summary, error)
	Get(ctx context.Context, p search.Principal, id string) (*search.Hit, error)
	History(ctx context.Context, p search.Principal, r search.HistoryRequest) (*search.History, error)
	Entity(ctx context.Context, p search.Principal, kind search.EntityKind, cluster, value string, from, to time.Time) (*search.Entity, error)
	Explain(ctx context.Context, p search.Principal, id, rule string) (*match.Explanation, string, error)
}

// Config is what the pages are made of. Nothing in it may be nil but Kibana.
type Config struct {
	Search    Searcher
	Principal func(*http.Request) search.Principal // who asks; its scope bounds every page
	Rules     func() *ruleset.Set                  // the rules in force; may give nil
	Now       func() time.Time
	Logger    *slog.Logger
	Version   string // of the program; "" for none
	// Kibana gives the URL that shows an event in Kibana, by its ID and the time it is
	// filed under; nil where there is no Kibana.
	Kibana func(id string, at time.Time) string
}

// security is what a page may do in a browser: show itself and its style sheet, and
// send its form back. There are no scripts.
const security = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

//go:embed templates/*.html
var sources embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"text": visible, "lines": visibleLines, "value": value, "prose": prose, "line": line, "title": onOneLine, "count": count, "asset": assetPath,
}).ParseFS(sources, "templates/*.html"))

type pages struct {
	Config
}

// New makes the pages. They answer GET and HEAD of /, /event/..., /object, /entity/...
// and /assets/...; whatever else comes gets a page that says that it is not there.
func New(cfg Config) http.Handler {
	p := &pages{cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.front)
	mux.HandleFunc("GET /event/{id}", p.event)
	mux.HandleFunc("GET /event/{id}/raw", p.raw)
	mux.HandleFunc("GET /object", p.object)
	mux.HandleFunc("GET /entity/{kind}", p.entity)
	mux.HandleFunc("GET /assets/{name}", p.asset)
	mux.HandleFunc("/", p.nowhere)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", security)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			p.problem(w, r, http.StatusMethodNotAllowed, "Not like this", "These pages are for reading: they answer GET and HEAD.")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// frame is what every page has around it.
type frame struct {
	Title   string
	Version string
	Who     string // the principal's name
	Now     time.Time
}

func (p *pages) frame(r *http.Request, title string) frame {
	return frame{Title: title, Version: p.Version, Who: p.Principal(r).Name, Now: p.Now().UTC()}
}

// render writes a page, or, where it cannot be made, that it cannot.
func (p *pages) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		p.Logger.Error("page cannot be made", "page", name, "error", err)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte("This page cannot be made; the log of the service says why.\n"))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser may be gone
}

// notice is a page with one thing to say.
type notice struct {
	frame
	Status  int
	Message string
}

func (p *pages) problem(w http.ResponseWriter, r *http.Request, status int, title, message string) {
	p.render(w, r, status, "notice.html", notice{frame: p.frame(r, title), Status: status, Message: message})
}

func (p *pages) nowhere(w http.ResponseWriter, r *http.Request) {
	p.problem(w, r, http.StatusNotFound, "Nothing here", "There is no page with this address.")
}

// failed answers for an error of the search.
func (p *pages) failed(w http.ResponseWriter, r *http.Request, err error) {
	var missing search.NotFound
	var bad search.BadRequest
	switch {
	case errors.As(err, &missing):
		p.problem(w, r, http.StatusNotFound, "No such event",
			"No event has this id. It may be older than what is kept, or lie outside of what you may see.")
	case errors.As(err, &bad):
		p.problem(w, r, http.StatusBadRequest, "This cannot be searched for", bad.Error())
	case r.Context().Err() != nil:
		// The browser went away; nobody reads an answer.
	default:
		p.Logger.Error("search failed", "path", r.URL.Path, "error", err)
		p.problem(w, r, http.StatusInternalServerError, "The search failed",
			"The stored events cannot be read right now. The log of the service says why; events are still taken in.")
	}
}
