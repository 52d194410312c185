// Package server is the service: it wires sources, rules, the durable log and
// outputs together, and looks after their life: start, reload, health, drain.
//
// It is the only package that knows all others. What a part does stands in that
// part; here is who is given to whom, in which order things start and stop, and
// what is told about them (health, metrics, messages).
//
// # Order
//
// Rules are compiled, outputs opened, and the log with a cursor for each output
// exists, before anything listens: what is acknowledged is kept for all of them.
// At the end listeners close first, requests under way are answered, the log is
// drained, outputs get a moment for what is left, and the log is closed; what an
// output has not settled then comes again after the next start.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging"
	"github.com/kubewitness/kubewitness/pkg/ingest/pubsub"
	"github.com/kubewitness/kubewitness/pkg/join"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/spool"
	"github.com/kubewitness/kubewitness/pkg/watch"
)

// Folder is where below the data folder the durable log is.
const Folder = "spool"

// Times of the life of a service. Together they end within the minute and a half
// that an API server tries to send a batch again.
const (
	// closeTime is how long requests under way have to be answered.
	closeTime = 30 * time.Second
	// settleTime is how long outputs have for what the log still holds.
	settleTime = 5 * time.Second
	// endTime is how long the log has to close.
	endTime = 15 * time.Second
)

// Options are what a service needs besides its configuration.
type Options struct {
	Hostname string          // evt.hostname where the configuration has none
	Stdout   io.Writer       // of outputs.stdout
	Color    bool            // Stdout is a terminal
	Logger   *slog.Logger    // what the service tells about itself
	Reload   <-chan struct{} // load rules, certificates and tokens again; may be nil
}

// Server is a service that has been put together.
type Server struct {
	cfg        config.Config
	opt        Options
	logger     *slog.Logger
	judge      *judge.Judge
	rules      *reloader
	watch      *watch.Watcher // of the rules' files; nil: they are not watched
	correlator *correlator    // of the rules about several events
	ledger     *ledger
	intake     *ingest.Intake
	join       *join.Table // nil: no admission
	log        *spool.Log
	feeds      []*feed
	tails      []*tail
	pulls      []*pull
	pulled     *cloudlogging.Client // of pulls
	pushes     []*push
	hook       *hook      // nil: no webhook
	reviews    *reviews   // nil: no admission
	heart      *heartbeat // nil: no admission
	site       *site      // nil: no HTTP listener
	archive    *archive   // nil: no embedded store
	index      *indexing  // nil: no Elasticsearch
	health     health
}

// ledger is the ingest.Ledger; its name here is what it does for the operator.
type ledger = ingest.Ledger

// New puts a service together and opens what it needs, its listeners too, without
// taking anything in. Run must follow, or Close.
func New(ctx context.Context, cfg config.Config, opt Options) (s *Server, err error) {
	s = &Server{cfg: cfg, opt: opt, logger: opt.Logger}
	if cfg.Hostname != "" {
		s.opt.Hostname = cfg.Hostname
	}
	defer func() {
		if err != nil {
			s.Close()
			s = nil
		}
	}()
	for _, step := range []func(context.Context) error{s.openRules, s.openOutputs, s.openElasticsearch, s.openStore, s.openCorrelate, s.openLog, s.openIntake, s.openTails, s.openCloudLogging, s.openPubSub, s.openWebhook, s.openAdmission, s.openHeartbeat, s.openHTTP} {
		if err := step(ctx); err != nil {
			return s, err
		}
	}
	return s, nil
}

// version is that of the program.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

func (s *Server) openRules(context.Context) error {
	if s.cfg.Rules.Watch && len(s.cfg.Rules.Paths) > 0 {
		// Before they are read: what changes from here on is noticed.
		s.watch = watch.New(watch.Config{Paths: s.cfg.Rules.Paths, Polled: func(cause error) {
			s.logger.Warn("changes of rules files are noticed late", "error", cause)
		}})
	}
	compiled, err := loadRules(s.cfg.Rules)
	if err != nil {
		return err
	}
	var optOut []string
	for _, c := range s.cfg.Clusters {
		if !c.Redact {
			optOut = append(optOut, c.Name)
		}
	}
	r := s.cfg.Redact
	red, err := redact.New(redact.Config{Keys: r.Keys, EnvNames: r.EnvNames, Except: r.Except, OptOut: optOut})
	if err != nil {
		return fmt.Errorf("redact: %w", err)
	}
	s.judge = judge.New(compiled, red, s.opt.Hostname)
	s.rules = &reloader{cfg: s.cfg.Rules, judge: s.judge, logger: s.logger, now: time.Now}
	s.rules.status.Loaded = time.Now()
	return nil
}

func (s *Server) openLog(ctx context.Context) error {
	c := s.cfg.Spool
	cfg := spool.Config{
		URL: c.URL, Replicas: c.Replicas, Stream: c.Stream,
		MaxBytes: int64(c.MaxBytes), DeadBytes: int64(c.DeadBytes), MaxPayload: int(c.MaxPayload), MaxRecord: int(c.MaxRecord),
		MaxQueued: int64(c.MaxQueued), FreeFloor: int64(c.FreeFloor), Quota: int64(c.Quota),
		GroupWait: c.GroupWait, AppendTimeout: c.AppendTimeout, RetryAfter: c.RetryAfter, AckWait: c.AckWait,
		Logger: s.logger, Now: time.Now,
	}
	if c.URL == "" {
		cfg.Dir = filepath.Join(s.cfg.Data, Folder)
	}
	for _, f := range s.feeds {
		cfg.Consumers = append(cfg.Consumers, f.sink.Name())
	}
	if s.correlator != nil {
		cfg.Consumers = append(cfg.Consumers, correlateConsumer)
	}
	for _, cl := range s.cfg.Clusters {
		if cl.Quota > 0 {
			if cfg.Quotas == nil {
				cfg.Quotas = map[string]int64{}
			}
			cfg.Quotas[cl.Name] = int64(cl.Quota)
		}
	}
	log, err := spool.Open(ctx, cfg)
	if err != nil {
		return err
	}
	s.log = log
	s.health.fault = func() error {
		if err := log.Fault(); err != nil {
			return err
		}
		return nil
	}
	s.health.dead = func() error {
		select {
		case <-log.Poisoned():
			return log.Fault()
		default:
			return nil
		}
	}
	return nil
}

func (s *Server) openIntake(ctx context.Context) error {
	s.ledger = ingest.NewLedger(ingest.LedgerConfig{Keep: 2 * s.cfg.Webhook.Patience, Patience: s.cfg.Webhook.Patience, Lost: s.webhookLost, Now: time.Now})
	if s.cfg.Admission.On() {
		s.join = join.New(join.Config{Anybody: s.cfg.Admission.Insecure, Now: time.Now})
		s.rememberReviews(ctx)
	}
	cfg := ingest.Config{Log: s.log, Judge: s.judge, Ledger: s.ledger, Join: s.join, Retention: s.cfg.Store.Retention, Now: time.Now}
	for _, c := range s.cfg.Clusters {
		cfg.Clusters = append(cfg.Clusters, ingest.Cluster{
			Name: c.Name, Labels: c.LabelMap(), EventsPerSecond: c.EventsPerSecond, Burst: c.Burst, WholeDeadLetters: c.WholeDeadLetters,
		})
	}
	for _, name := range s.named() {
		cfg.Clusters = append(cfg.Clusters, ingest.Cluster{Name: name})
	}
	s.intake = ingest.New(cfg)
	return nil
}

// named are the clusters that the configuration names though they are not listed under
// clusters. Their number is bounded, so that they are counted apart as well.
func (s *Server) named() (names []string) {
	add := func(name string) {
		listed := slices.ContainsFunc(s.cfg.Clusters, func(c config.Cluster) bool { return c.Name == name })
		if name != "" && !listed && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	add(s.cfg.Webhook.DefaultCluster)
	add(s.cfg.Admission.DefaultCluster)
	for _, t := range s.cfg.Tail {
		add(t.Cluster)
	}
	return names
}

// webhookLost tells what only the API server's own log had: somebody may have
// blinded its webhook.
func (s *Server) webhookLost(cluster string, n int, sample []audit.Identity) {
	ids := make([]string, len(sample))
	for i, id := range sample {
		ids[i] = fmt.Sprintf("%x", id[:8])
	}
	s.logger.Warn("the webhook lost events that the API server's log has", "cluster", cluster, "events", n, "identities", ids)
}

// state is what /status shows.
type state struct {
	spool.Status
	PubSub       []pubsub.Status       `json:"pubsub,omitempty"`
	CloudLogging []cloudlogging.Status `json:"cloudlogging,omitempty"`
}

func (s *Server) status(r *http.Request) (any, error) {
	ctx, cancel := context.WithTimeout(r.Context(), scrape)
	defer cancel()
	log, err := s.log.Status(ctx)
	if err != nil {
		return nil, err
	}
	all := state{Status: log}
	for _, p := range s.pushes {
		all.PubSub = append(all.PubSub, p.subscription.Status())
	}
	for _, p := range s.pulls {
		all.CloudLogging = append(all.CloudLogging, p.follower.Status()...)
	}
	return all, nil
}

// HTTPAddr is where pages, API, health and metrics are, "" where nowhere.
func (s *Server) HTTPAddr() string {
	if s.site == nil {
		return ""
	}
	return addressOf(s.site.listener)
}

// WebhookAddr is where audit events are taken in, "" where nowhere.
func (s *Server) WebhookAddr() string {
	if s.hook == nil {
		return ""
	}
	return addressOf(s.hook.listener)
}

func addressOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

// Close lets go of everything that New opened.
func (s *Server) Close() error {
	var errs []error
	if s.hook != nil {
		_ = s.hook.listener.Close() // closed already after a Run
	}
	if s.reviews != nil {
		_ = s.reviews.listener.Close()
	}
	if s.site != nil {
		_ = s.site.listener.Close()
		s.extinguish()
	}
	errs = append(errs, s.closeCloudLogging())
	if s.log != nil {
		ctx, cancel := context.WithTimeout(context.Background(), endTime)
		defer cancel()
		errs = append(errs, s.log.Close(ctx))
	}
	for _, f := range s.feeds {
		errs = append(errs, f.sink.Close())
	}
	if s.archive != nil {
		errs = append(errs, s.archive.store.Close())
	}
	if s.index != nil {
		s.index.client.Close()
	}
	return errors.Join(errs...)
}

// group runs parts of the service until one of them fails or all are told to end.
type group struct {
	ctx  context.Context
	end  context.CancelCauseFunc
	work sync.WaitGroup
}

func newGroup(ctx context.Context) *group {
	g := &group{}
	g.ctx, g.end = context.WithCancelCause(ctx)
	return g
}

// run starts a part. Its error ends the others.
func (g *group) run(name string, part func(context.Context) error) {
	g.work.Go(func() {
		if err := part(g.ctx); err != nil && g.ctx.Err() == nil {
			g.end(fmt.Errorf("%s: %w", name, err))
		}
	})
}
