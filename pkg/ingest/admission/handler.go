package admission

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest"
	"github.com/kubewitness/kubewitness/pkg/ingest/gate"
)

// Source is what events of reviews have for their source.
const Source = "admission"

// Prefix is that of the paths that reviews are sent to, but for those of [MutatePath].
const Prefix = "/admission"

// Defaults of Config.
const (
	DefaultDeadline  = 500 * time.Millisecond
	DefaultPatience  = 30 * time.Second
	DefaultMaxBody   = 16 << 20
	DefaultMaxInHand = 256 << 20
	DefaultBehind    = 1024
)

// Taker is where events go; an *ingest.Intake.
type Taker interface {
	TakeGiven(ctx context.Context, g ingest.Given) (ingest.Receipt, error)
}

// Config says how a Handler works. Intake, Judge and Now are required.
type Config struct {
	Intake         Taker
	Judge          Judge
	Mutator        Mutator       // nil: nothing is changed
	Namespaces     Namespaces    // nil: labels of namespaces are not known
	DryRun         bool          // nothing is changed: events say what would have been
	Clusters       []string      // as in gate.Config
	DefaultCluster string        // of requests that name none
	Open           bool          // ask for no credential: all events are marked unauthenticated
	Local          bool          // with Open: for this host only
	Deadline       time.Duration // how long an answer waits for the disk; 0: DefaultDeadline
	Patience       time.Duration // how long it is tried to store an event whose review is answered; 0: DefaultPatience
	Behind         int           // events being stored at once; 0: DefaultBehind
	MaxBody        int64         // bytes of a review; 0: DefaultMaxBody
	MaxInHand      int64         // bytes of all reviews in hand, and as much again of events being stored; 0: DefaultMaxInHand
	Now            func() time.Time
}

// Handler answers reviews. Its methods may be called from any goroutine.
type Handler struct {
	cfg      Config
	gate     *gate.Gate
	mutating *gate.Gate // of MutatePath
	counts   counts
	inHand   atomic.Int64
	work     sync.WaitGroup

	behind      chan struct{} // holds one for each event that is being stored
	behindBytes atomic.Int64  // of these
	closed      chan struct{}
	close       sync.Once
}

// New makes a Handler. Without Config.Open it refuses all until it has credentials.
func New(cfg Config) (*Handler, error) {
	if cfg.Intake == nil || cfg.Judge == nil || cfg.Now == nil {
		return nil, errors.New("admission: Intake, Judge and Now are required")
	}
	if cfg.Deadline <= 0 {
		cfg.Deadline = DefaultDeadline
	}
	if cfg.Patience <= 0 {
		cfg.Patience = DefaultPatience
	}
	if cfg.Behind <= 0 {
		cfg.Behind = DefaultBehind
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	cfg.MaxInHand = max(cfg.MaxInHand, 2*cfg.MaxBody, DefaultMaxInHand)
	door := gate.Config{Prefix: Prefix, Clusters: cfg.Clusters, DefaultCluster: cfg.DefaultCluster, Open: cfg.Open}
	h := &Handler{cfg: cfg, behind: make(chan struct{}, cfg.Behind), closed: make(chan struct{}), gate: gate.New(door)}
	door.Prefix = MutatePath
	h.mutating = gate.New(door)
	return h, nil
}

// SetCredentials puts credentials in force, in place of all others. On an error those
// before stay.
func (h *Handler) SetCredentials(credentials []gate.Credential) error {
	for _, g := range []*gate.Gate{h.gate, h.mutating} {
		if err := g.SetCredentials(credentials); err != nil {
			return fmt.Errorf("admission: %w", err)
		}
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := h.serve(w, r)
	if err == nil {
		h.counts.status(http.StatusOK)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer) // whoever asked may have gone
		return
	}
	var no gate.Refusal
	if !errors.As(err, &no) {
		no = gate.Refusal{Status: http.StatusBadRequest, Text: line(err.Error(), maxMessage)}
	}
	h.counts.status(no.Status)
	switch no.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="kubewitness"`)
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(no.Status)
	fmt.Fprintln(w, no.Text)
}

// serve answers a review. The error is a gate.Refusal, or a *Malformed.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	pass, err := h.admit(r)
	if err != nil {
		return nil, err
	}
	body, done, err := h.read(w, r)
	defer done()
	if err != nil {
		return nil, err
	}
	begun := h.cfg.Now()
	o := Origin{Cluster: pass.Cluster, Sender: string(pass.Proof), Received: begun}
	if pass.Proof == gate.Unproved {
		o.Sender = Unauthenticated
	}
	deadline := h.deadline(r)
	rv, err := readReview(body)
	if err == nil {
		h.lookUp(r.Context(), rv, o.Cluster)
	}
	var e *audit.Event
	if err == nil {
		e, err = rv.event(o)
	}
	if err != nil {
		h.refuse(deadline, o, body, err)
		return nil, err
	}
	if mutates(r) {
		return h.mutate(rv, o, begun, deadline), nil
	}
	g, verdict := h.judge(e, o)
	h.counts.decided.add(h.cfg.Now().Sub(begun))
	onDisk := h.store(deadline, g)
	if !onDisk && verdict.Denied {
		h.counts.unproved.Add(1)
	}
	h.counts.verdict(&verdict)
	if text := rv.probe(o, Probe{Stored: onDisk}); text != "" {
		verdict.Warnings = append([]string{text}, verdict.Warnings...) // first, or it might not be passed on
	}
	h.counts.answered.add(h.cfg.Now().Sub(begun))
	return answerOf(rv.uid, verdict), nil
}

func (h *Handler) admit(r *http.Request) (gate.Pass, error) {
	if h.cfg.Open && h.cfg.Local {
		if err := gate.Local(r); err != nil {
			return gate.Pass{}, err
		}
	}
	if r.Method != http.MethodPost {
		return gate.Pass{}, gate.Refusal{Status: http.StatusMethodNotAllowed, Text: "only POST"}
	}
	door := h.gate
	if mutates(r) {
		door = h.mutating
	}
	pass, err := door.Admit(r)
	if err != nil {
		return pass, err
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" || r.Header.Get("Content-Encoding") != "" {
		return pass, gate.Refusal{Status: http.StatusUnsupportedMediaType, Text: "send an AdmissionReview as application/json, not compressed"}
	}
	return pass, nil
}

// mutates tells whether a review asks what is to be changed.
func mutates(r *http.Request) bool {
	rest, ok := strings.CutPrefix(r.URL.Path, MutatePath)
	return ok && (rest == "" || rest[0] == '/')
}

// read reads a body. done gives its room back.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) (body []byte, done func(), err error) {
	size := r.ContentLength
	if size < 0 {
		size = h.cfg.MaxBody // API servers tell it
	}
	done = func() { h.inHand.Add(-size) }
	long := gate.Refusal{Status: http.StatusRequestEntityTooLarge, Text: fmt.Sprintf("the review has more than %d bytes", h.cfg.MaxBody)}
	switch held := h.inHand.Add(size); {
	case size > h.cfg.MaxBody:
		return nil, done, long
	case held > h.cfg.MaxInHand:
		return nil, done, gate.Refusal{Status: http.StatusTooManyRequests, Text: "too much is being taken in at once"}
	}
	in := http.MaxBytesReader(w, r.Body, h.cfg.MaxBody)
	if r.ContentLength >= 0 {
		body = make([]byte, size)
		_, err = io.ReadFull(in, body)
	} else {
		body, err = io.ReadAll(in)
	}
	switch {
	case err == nil:
		return body, done, nil
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, done, long
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, done, gate.Refusal{Status: http.StatusRequestTimeout, Text: "the review took too long"}
	}
	return nil, done, gate.Refusal{Status: http.StatusBadRequest, Text: "the review broke off"}
}

// deadline is how long the disk may take: what the configuration says, and not so long that
// the API server gives up, which tells its patience in the query.
func (h *Handler) deadline(r *http.Request) time.Duration {
	theirs, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || theirs <= 0 {
		return h.cfg.Deadline
	}
	return min(h.cfg.Deadline, theirs/2)
}

// judge has an event judged. When that fails the review is allowed, and the event left to
// the intake's judge.
func (h *Handler) judge(e *audit.Event, o Origin) (g ingest.Given, v Verdict) {
	g = ingest.Given{Source: Source, Received: o.Received, Events: []*audit.Event{e}}
	defer func() {
		if recover() != nil {
			h.counts.faults.Add(1)
			g.Judge, v = nil, Verdict{}
		}
	}()
	j := h.cfg.Judge.Review(e, e.Identity())
	if word := j.Verdict.word(); word != "" {
		j.Item.Raw = annotate(j.Item.Raw, "verdict", word)
	}
	g.Judge = judged(j)
	return g, j.Verdict
}
