package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/kibana"
	"github.com/kubewitness/kubewitness/pkg/listen"
	"github.com/kubewitness/kubewitness/pkg/search"
	"github.com/kubewitness/kubewitness/pkg/watch"
	"github.com/kubewitness/kubewitness/pkg/web"
	"github.com/kubewitness/kubewitness/pkg/web/page"
)

// site is the HTTP listener: health, metrics, API and pages.
type site struct {
	cfg      config.HTTP
	listener net.Listener
	handler  http.Handler
	api      *web.Handler   // nil: there is no store, or nobody who may read
	keeper   *listen.Keeper // nil: plain HTTP
	tokens   *tokens
	logger   *slog.Logger
}

func (s *Server) openHTTP(context.Context) error {
	c := s.cfg.HTTP
	reg := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{exporter{s}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := reg.Register(c); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
	}
	if c.Listen == "" {
		return nil
	}
	h := &site{cfg: c, logger: s.logger}
	mux := s.health.routes(reg, s.status)
	if err := s.openPages(h, mux); err != nil {
		return err
	}
	h.handler = mux
	if onLoopback(c.Listen) {
		h.handler = onlyLocal(mux)
	}
	var err error
	if c.TLS.CertFile != "" {
		if h.keeper, err = listen.Open(certificate("http", listen.Config{CertFile: c.TLS.CertFile, KeyFile: c.TLS.KeyFile}, s.logger)); err != nil {
			return fmt.Errorf("http: %w", err)
		}
	}
	if h.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return fmt.Errorf("http: %w", err)
	}
	s.site = h
	return nil
}

// openPages puts API and pages under the mux, or why they are not there.
func (s *Server) openPages(h *site, mux *http.ServeMux) error {
	switch {
	case s.archive == nil:
		mux.HandleFunc("/", absent("There is nothing to search: store.enabled is false."))
		return nil
	case len(h.cfg.Tokens) == 0 && !onLoopback(h.cfg.Listen):
		mux.HandleFunc("/", absent("Pages and API are off: others can reach this address, and nobody has a token. List who may read under http.tokens."))
		return nil
	}
	var err error
	if h.tokens, err = readTokens(h.cfg.Tokens, s.logger); err != nil {
		return err
	}
	h.api, err = web.New(web.Config{
		Search: s.archive.search, Tokens: h.tokens.list(), Rules: s.ruleSet, Store: s.archive.state, Import: s.importBody,
		Version: version(), Logger: s.logger, Now: time.Now,
	})
	if err != nil {
		return err
	}
	mux.Handle("/api/", h.api)
	mux.Handle("/", h.api.Guard(page.New(page.Config{
		Search: s.archive.search, Principal: web.PrincipalOf, Rules: s.ruleSet, Now: time.Now, Logger: s.logger, Version: version(), Kibana: s.kibana(),
	})))
	return nil
}

// kibana links pages to Kibana, where there is one that has the events.
func (s *Server) kibana() func(id string, at time.Time) string {
	o := s.cfg.Outputs.Elasticsearch
	if o.KibanaURL == "" || !o.On() || !o.Events {
		return nil
	}
	return func(id string, at time.Time) string { return kibana.Event(o.KibanaURL, id, at) }
}

// absent answers where pages would be.
func absent(why string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprintf(w, "kubewitness\n\n%s\n%s", why, index)
	}
}

// certificate completes the configuration of a listener's certificate with what is
// told about it.
func certificate(of string, cfg listen.Config, logger *slog.Logger) listen.Config {
	cfg.Now = time.Now
	cfg.Polled = func(cause error) {
		logger.Warn("changes of a certificate are noticed late", "of", of, "error", cause)
	}
	cfg.Renewed = func(c listen.Certificate) {
		logger.Info("certificate loaded", "of", of, "subject", c.Subject, "serial", c.Serial, "not_after", c.NotAfter)
	}
	cfg.Refused = func(err error) {
		logger.Error("certificate not loaded, the one from before stays in force", "of", of, "error", err)
	}
	return cfg
}

// serve answers until the context ends.
func (h *site) serve(ctx context.Context) error {
	g := newGroup(ctx)
	defer g.work.Wait()
	defer g.end(nil)
	if h.tokens != nil {
		g.run("tokens", func(ctx context.Context) error {
			h.tokens.watch.Run(ctx, func([]string) { h.tokens.reload() })
			return nil
		})
	}
	// API and pages set their own, longer times for what streams.
	srv := &http.Server{
		Handler: h.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(h.logger.Handler(), slog.LevelDebug),
	}
	defer context.AfterFunc(ctx, func() {
		if h.api != nil {
			h.api.Close()
		}
		_ = srv.Close()
	})()
	var err error
	if h.keeper == nil {
		err = srv.Serve(h.listener)
	} else {
		g.run("certificate", func(ctx context.Context) error {
			h.keeper.Run(ctx)
			return nil
		})
		srv.TLSConfig = h.keeper.TLS()
		err = srv.ServeTLS(h.listener, "", "")
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// reload reads certificate and tokens again, as when their files change.
func (h *site) reload() {
	if h.keeper != nil {
		_ = h.keeper.Reload() // Refused has told it
	}
	if h.tokens != nil {
		h.tokens.reload()
	}
}

// Beacon is the file in the data folder that says where the service that uses it
// answers, as JSON.
const Beacon = "server.json"

// Whereabouts is what the Beacon says.
type Whereabouts struct {
	URL string `json:"url"` // of the API and the pages
	PID int    `json:"pid"`
}

// light writes the Beacon.
func (s *Server) light() error {
	if s.site == nil {
		return nil
	}
	at := Whereabouts{URL: "http://" + reachable(s.HTTPAddr()), PID: os.Getpid()}
	if s.site.keeper != nil {
		at.URL = "https://" + reachable(s.HTTPAddr())
	}
	b, err := json.Marshal(at)
	if err != nil {
		return err
	}
	path := filepath.Join(s.cfg.Data, Beacon)
	if err := os.WriteFile(path+".new", append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// extinguish takes the Beacon away.
func (s *Server) extinguish() { _ = os.Remove(filepath.Join(s.cfg.Data, Beacon)) }

// reachable is an address that this host reaches a listener at.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// tokens are the secrets of those who may read, as their files have them.
type tokens struct {
	cfg    []config.Token
	watch  *watch.Watcher
	logger *slog.Logger

	mu      sync.Mutex
	secrets []string // by token
}

func readTokens(cfg []config.Token, logger *slog.Logger) (*tokens, error) {
	t := &tokens{cfg: cfg, logger: logger}
	var files []string
	for _, c := range cfg {
		files = append(files, c.File)
	}
	t.watch = watch.New(watch.Config{Paths: files}) // before they are read
	return t, t.read()
}

// leastToken is how many bytes a token has at least.
const leastToken = 16

// read reads all files, and puts them in force if all can be.
func (t *tokens) read() error {
	var secrets []string
	for _, c := range t.cfg {
		secret, err := readSecret(c.File)
		if err != nil {
			return fmt.Errorf("http: token %q: %w", c.Name, err)
		}
		if len(secret) < leastToken {
			return fmt.Errorf("http: token %q: %s has %d bytes; put %d or more there, such as from `openssl rand -hex 32`", c.Name, c.File, len(secret), leastToken)
		}
		if slices.Contains(secrets, secret) {
			return fmt.Errorf("http: token %q: %s holds what another token's file holds; nobody could tell them apart", c.Name, c.File)
		}
		secrets = append(secrets, secret)
	}
	t.mu.Lock()
	t.secrets = secrets
	t.mu.Unlock()
	return nil
}

func (t *tokens) reload() {
	if err := t.read(); err != nil {
		t.logger.Error("tokens not loaded, those from before stay in force", "error", err)
		return
	}
	t.logger.Info("tokens loaded", "tokens", len(t.cfg))
}

func (t *tokens) secret(i int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.secrets[i]
}

// list gives the tokens as the API wants them.
func (t *tokens) list() (list []web.Token) {
	for i, c := range t.cfg {
		scope := search.Scope{Clusters: c.Clusters, Namespaces: c.Namespaces}
		if slices.Contains(c.Clusters, config.AnyCluster) {
			scope.Clusters, scope.All = []string{search.AnyCluster}, len(c.Namespaces) == 0
		}
		list = append(list, web.Token{Name: c.Name, Secret: func() string { return t.secret(i) }, Scope: scope, Import: c.Import})
	}
	return list
}
