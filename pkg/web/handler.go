package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// Config says how a Handler works. Search, Now and Version are required.
type Config struct {
	Search Searcher
	Tokens []Token             // none: everybody may ask, and sees everything
	Rules  func() *ruleset.Set // in force; nil, or giving nil: none
	// Store tells how the store is; Events, Oldest and Newest of it are asked of Search where the
	// one who asks may not see everything. nil: all of it is unknown.
	Store func() api.Store
	// Import puts what a body holds into the store. An error that is an *api.Problem is answered
	// as it is. nil: there is no import.
	Import  func(ctx context.Context, cluster string, body io.Reader) (api.Imported, error)
	Version string
	Logger  *slog.Logger // nil: nothing is told
	Now     func() time.Time
	// Ticker gives a channel that ticks, and what stops it; nil: the real one.
	Ticker func(time.Duration) (ticks <-chan time.Time, stop func())
	Limits Limits
}

// Limits bound what one request may cost. What is 0 has its default.
type Limits struct {
	Queries    int           // for one answer each that reads many events, at once; 8
	Streams    int           // of lines, hunts among them, at once; 4
	Wait       time.Duration // for a place among one of these; 2s
	Tails      int           // open at once; 64
	Imports    int           // at once; 1
	Timeout    time.Duration // of a query with one answer; 60s
	Stream     time.Duration // of a stream of lines; 30m
	Write      time.Duration // in which the reader of a stream takes what it is sent, or more of an import comes; 30s
	RulesBody  int64         // bytes of the rules of a hunt; 1 MiB
	ImportBody int64         // bytes of an import, as sent; 1 GiB
	Page       int           // events in one answer; 1,000
	Table      int           // rows of CSV; 10,000
	Lines      int           // events in a stream of lines; 1,000,000
	Heartbeat  time.Duration // between the pings of a tail; 15s
}

func (l Limits) withDefaults() Limits {
	orInt := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	orTime := func(p *time.Duration, v time.Duration) {
		if *p <= 0 {
			*p = v
		}
	}
	orBytes := func(p *int64, v int64) {
		if *p <= 0 {
			*p = v
		}
	}
	orInt(&l.Queries, 8)
	orInt(&l.Streams, 4)
	orTime(&l.Wait, 2*time.Second)
	orInt(&l.Tails, 64)
	orInt(&l.Imports, 1)
	orTime(&l.Timeout, time.Minute)
	orTime(&l.Stream, 30*time.Minute)
	orTime(&l.Write, 30*time.Second)
	orBytes(&l.RulesBody, 1<<20)
	orBytes(&l.ImportBody, 1<<30)
	orInt(&l.Page, 1000)
	orInt(&l.Table, 10_000)
	orInt(&l.Lines, 1_000_000)
	orTime(&l.Heartbeat, 15*time.Second)
	return l
}

// Handler answers the API. Time for an answer to be made and read is bounded by Limits,
// whatever the server's WriteTimeout; a ReadTimeout must leave time for imports. Its methods may be called from any goroutine.
type Handler struct {
	cfg     Config
	mux     *http.ServeMux
	gate    *gate
	queries places
	streams places
	tails   places
	imports places
	counts  counts

	closing chan struct{} // closed by Close
	close   sync.Once
}

// New makes a Handler.
func New(cfg Config) (*Handler, error) {
	if cfg.Search == nil || cfg.Now == nil || cfg.Version == "" {
		return nil, errors.New("web: Search, Now and Version are required")
	}
	g, err := newGate(cfg.Tokens, cfg.Now)
	if err != nil {
		return nil, err
	}
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Ticker == nil {
		cfg.Ticker = realTicker
	}
	h := &Handler{
		cfg: cfg, mux: http.NewServeMux(), gate: g, closing: make(chan struct{}),
		queries: newPlaces(cfg.Limits.Queries), streams: newPlaces(cfg.Limits.Streams), tails: newPlaces(cfg.Limits.Tails), imports: newPlaces(cfg.Limits.Imports),
	}
	h.routes()
	return h, nil
}

func realTicker(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTicker(d)
	return t.C, t.Stop
}

// Close ends the tails that are open, and those to come, so that a server can shut down.
func (h *Handler) Close() { h.close.Do(func() { close(h.closing) }) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	begin := h.cfg.Now()
	// What an answer takes is bounded here, each kind in its own way, and not by the server.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	a := &answer{ResponseWriter: w}
	h.mux.ServeHTTP(a, r)
	h.counts.answered(r.Pattern, a.code(), h.cfg.Now().Sub(begin))
}

// secure keeps browsers from making more of an answer than data, and from keeping it.
func secure(header http.Header) {
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// answer remembers how a request was answered.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find what is below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// statusGone is what counters show where the asker went away before an answer. It is
// never sent.
const statusGone = 499

func (a *answer) code() int {
	if a.status == 0 {
		return statusGone
	}
	return a.status
}

// serve makes a handler of a function that answers, or gives the problem to answer.
func (h *Handler) serve(f func(c *call) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := h.admit(r)
		if err == nil {
			err = f(&call{Handler: h, w: w, r: r, who: who})
		}
		if err != nil {
			h.refuse(w, r, err)
		}
	})
}

// call is a request being answered.
type call struct {
	*Handler
	w   http.ResponseWriter
	r   *http.Request
	who *caller
}

// refuse answers with the problem that an error is.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.As(err, new(gone)) || r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // nobody is there to read it
	}
	secure(w.Header())
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError && p.Type == api.ProblemInternal {
		h.cfg.Logger.Error("a request of the API failed", "route", r.Pattern, "error", err)
	}
	switch p.Status {
	case http.StatusUnauthorized:
		w.Header().Add("WWW-Authenticate", `Bearer realm="kubewitness"`)
		w.Header().Add("WWW-Authenticate", `Basic realm="kubewitness", charset="UTF-8"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	h.whole(w)
	writeJSON(w, p.Status, "application/problem+json", p)
}

// whole gives the reader of an answer that is sent as a whole time for it.
func (h *Handler) whole(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(h.cfg.Now().Add(h.cfg.Limits.Timeout))
}

// retryAfter is when one who was turned away may come again, in seconds.
const retryAfter = 3
