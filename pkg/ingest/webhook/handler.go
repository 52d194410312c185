// Package webhook takes in what API servers send to their audit webhook: it is an
// HTTP handler in front of an ingest.Intake.
//
// # Requests
//
// POST with a body of audit events, plain or gzip, to one of
//
//	/                        the root
//	/audit                   the prefix, which Config.Prefix can change
//	/audit/CLUSTER           telling the cluster that the events are of
//	/audit/CLUSTER/SECRET    and proving who sends, for senders that can do no better
//
// Whatever stands before the prefix, as a proxy may have put it there, is passed over:
// /any/thing/audit/CLUSTER. A query, such as the ?timeout=30s of Kubernetes clients, is passed over. Who sends is
// proved by a bearer token, else by a verified client certificate, else by the secret
// in the path; a wrong token is an error even when another proof would do. The cluster
// is the one in the path, else in the header X-Kubewitness-Cluster, else the only
// one of the credential, else Config.DefaultCluster.
//
// # Answers
//
//	200  all of the body is on disk; what is no event is kept as a dead letter
//	400  the name of a cluster is none; the body broke off
//	401  no proof of who sends, or a wrong one
//	403  the credential is not for this cluster; without credentials: there is no such cluster, or
//	     a browser may be at work
//	404  no path of ours
//	405  not a POST
//	408  the body took too long
//	413  the body, decompressed, is too long
//	415  compressed by something other than gzip
//	429  too much: of this cluster, in the log, or at once; with Retry-After
//	503  it is not known whether the body is stored, or the log is closing; with Retry-After
//
// API servers send everything again that is not answered 2xx, five times, so a body
// that never can be taken is answered 200 where it can be kept as a dead letter.
//
// What is in bodies is package ingest's to judge. Bodies, tokens and secrets are in no
// answer, error or counter. Certificates and listeners are made elsewhere.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kubewitness/kubewitness/pkg/failpoint"
	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/ingest/gate"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// Defaults of Config.
const (
	DefaultPrefix      = "/audit"
	DefaultMaxBody     = 64 << 20
	DefaultMaxInHand   = 256 << 20
	DefaultBodyTimeout = 30 * time.Second
)

// retryAfter is when a sender that was turned away is to try again, in seconds: a
// Kubernetes client then does so ten times within one of its five attempts.
const retryAfter = 3

// smallBody is how many bytes a body has at most that does not wait for its turn: it is
// judged in no time, and many that wait for the disk together share one write.
const smallBody = 64 << 10

// Taker is where bodies go; an *ingest.Intake.
type Taker interface {
	Take(ctx context.Context, b ingest.Body) (ingest.Receipt, error)
}

// Config says how a Handler works. Intake and Now are required.
type Config struct {
	Intake         Taker
	Prefix         string        // of paths; "": DefaultPrefix
	Clusters       []string      // those that there are: * in a credential stands for them; none: any, if Insecure
	DefaultCluster string        // of requests that name none
	Insecure       bool          // take everything without a credential; for loopback listeners only
	MaxBody        int64         // bytes of a body, decompressed; 0: DefaultMaxBody
	MaxInHand      int64         // bytes of all bodies in hand; 0: DefaultMaxInHand
	BodyTimeout    time.Duration // how long a body may take to arrive; 0: DefaultBodyTimeout
	Judges         int           // bodies of more than 64 KiB taken at once, others wait; 0: two for each processor
	Now            func() time.Time
}

// Handler is the webhook. Its methods may be called from any goroutine.
type Handler struct {
	cfg     Config
	gate    *gate.Gate
	hand    hand
	judging chan struct{}
	taking  atomic.Int64
	counts  counts
}

// New makes a Handler. Without Config.Insecure it answers 401 to all until it has
// credentials.
func New(cfg Config) (*Handler, error) {
	if cfg.Intake == nil || cfg.Now == nil {
		return nil, errors.New("webhook: Intake and Now are required")
	}
	if cfg.Prefix == "" {
		cfg.Prefix = DefaultPrefix
	}
	cfg.Prefix = "/" + strings.Trim(cfg.Prefix, "/")
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.MaxInHand <= 0 {
		cfg.MaxInHand = DefaultMaxInHand
	}
	if cfg.MaxInHand < cfg.MaxBody {
		return nil, fmt.Errorf("webhook: bodies of %d bytes do not fit into the %d of all bodies in hand; raise max_in_hand", cfg.MaxBody, cfg.MaxInHand)
	}
	if cfg.BodyTimeout <= 0 {
		cfg.BodyTimeout = DefaultBodyTimeout
	}
	if cfg.Judges <= 0 {
		cfg.Judges = 2 * runtime.GOMAXPROCS(0)
	}
	h := &Handler{cfg: cfg, judging: make(chan struct{}, cfg.Judges)}
	h.hand.most = cfg.MaxInHand
	h.gate = gate.New(gate.Config{Prefix: cfg.Prefix, Anywhere: true, Clusters: cfg.Clusters, DefaultCluster: cfg.DefaultCluster, Open: cfg.Insecure})
	return h, nil
}

// Credential is a proof of who sends.
type Credential = gate.Credential

// AnyCluster in Credential.Clusters stands for all of Config.Clusters.
const AnyCluster = gate.AnyCluster

// SetCredentials puts credentials in force, in place of all others. On an error those
// before stay.
func (h *Handler) SetCredentials(credentials []Credential) error {
	if err := h.gate.SetCredentials(credentials); err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	return nil
}

// refusal is an answer other than 200.
type refusal = gate.Refusal

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	receipt, err := h.serve(w, r)
	if err == nil {
		h.counts.answered(http.StatusOK)
		answer(w, http.StatusOK, fmt.Sprintf("stored %d, known %d, no events %d", receipt.Events, receipt.Known, receipt.Dead))
		return
	}
	var no refusal
	if !errors.As(err, &no) {
		no = refusalOf(err)
	}
	h.counts.answered(no.Status)
	switch {
	case no.Retry:
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	case no.Status == http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="kubewitness"`)
	case no.Status == http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	answer(w, no.Status, no.Text)
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// refusalOf is the answer to an error of Take. What is not stored for certain is
// worth a repetition, whatever the error.
func refusalOf(err error) refusal {
	switch {
	case errors.As(err, new(ingest.RateLimited)):
		return refusal{Status: http.StatusTooManyRequests, Text: "the cluster sends more events than it may", Retry: true}
	case errors.As(err, new(spool.Full)):
		return refusal{Status: http.StatusTooManyRequests, Text: "the log is full", Retry: true}
	case errors.As(err, new(spool.Draining)):
		return refusal{Status: http.StatusServiceUnavailable, Text: "closing", Retry: true}
	case errors.As(err, new(spool.Poisoned)):
		return refusal{Status: http.StatusServiceUnavailable, Text: "the log is broken", Retry: true}
	}
	return refusal{Status: http.StatusServiceUnavailable, Text: "it is not known whether the body is stored", Retry: true}
}

// serve takes a request's body in. Its error is a refusal, or Take's.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) (ingest.Receipt, error) {
	if h.cfg.Insecure {
		if err := gate.Local(r); err != nil {
			return ingest.Receipt{}, err
		}
	}
	if r.Method != http.MethodPost {
		return ingest.Receipt{}, refusal{Status: http.StatusMethodNotAllowed, Text: "only POST"}
	}
	pass, err := h.gate.Admit(r)
	if err != nil {
		return ingest.Receipt{}, err
	}
	b, err := h.read(w, r)
	defer b.free()
	if err != nil {
		return ingest.Receipt{}, err
	}
	return h.take(r, pass.Cluster, b)
}

// take gives a body to the intake when it is its turn. A sender that goes away then
// does not stop it: it will send the same again, which is cheaper when it is known.
func (h *Handler) take(r *http.Request, cluster string, b *body) (ingest.Receipt, error) {
	if len(b.data) > smallBody {
		select {
		case h.judging <- struct{}{}:
			defer func() { <-h.judging }()
		case <-r.Context().Done():
			return ingest.Receipt{}, r.Context().Err()
		}
	}
	h.taking.Add(1)
	defer h.taking.Add(-1)
	receipt, err := h.cfg.Intake.Take(context.WithoutCancel(r.Context()), ingest.Body{
		Source: ingest.SourceWebhook, Cluster: cluster, Peer: r.RemoteAddr, Data: b.data, Received: h.cfg.Now(), Fault: b.fault,
	})
	if err == nil {
		failpoint.Hit("answer")
	}
	return receipt, err
}
