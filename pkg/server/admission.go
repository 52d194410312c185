package server

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/enforce"
	"github.com/kubewitness/kubewitness/pkg/ingest/admission"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/scope"
	"github.com/kubewitness/kubewitness/pkg/watch"
)

// reviews is the endpoint that API servers ask before they do something.
type reviews struct {
	endpoint
	handler *admission.Handler
	judge   *decider
	files   *watch.Watcher // of the enforcement; nil: there is none
	mutator *mutator       // nil: nothing is changed
	changes *watch.Watcher // of its file; nil: there is none
	labels  namespaces     // empty: nobody reads them
}

func (s *Server) openAdmission(context.Context) error {
	c := s.cfg.Admission
	if !c.On() {
		return nil
	}
	d := &decider{judge: s.judge, file: c.Enforcement, dryRun: c.DryRun, logger: s.logger, now: time.Now}
	r := &reviews{judge: d}
	var err error
	if r.labels, err = newNamespaces(c.Namespaces, s.logger); err != nil {
		return err
	}
	d.labelled = len(r.labels) > 0
	if c.Enforcement != "" {
		r.files = watch.New(watch.Config{Paths: []string{c.Enforcement}}) // before it is read
		if err := d.read(); err != nil {
			return fmt.Errorf("admission: %w", err)
		}
	}
	if c.Mutate != "" {
		r.changes = watch.New(watch.Config{Paths: []string{c.Mutate}})
		r.mutator = newMutator(c.Mutate, s.judge, s.logger)
		if err := r.mutator.read(); err != nil {
			return fmt.Errorf("admission: %w", err)
		}
	}
	cfg := admission.Config{
		Intake: s.intake, Judge: d, DefaultCluster: c.DefaultCluster, Open: c.Insecure || c.Unauthenticated, Local: c.Insecure,
		Deadline: c.Deadline, MaxBody: int64(c.MaxBody), DryRun: c.DryRun, Now: time.Now,
	}
	if r.mutator != nil {
		cfg.Mutator = r.mutator
	}
	if len(r.labels) > 0 {
		cfg.Namespaces = r.labels
	}
	for _, cl := range s.cfg.Clusters {
		cfg.Clusters = append(cfg.Clusters, cl.Name)
	}
	if r.handler, err = admission.New(cfg); err != nil {
		return err
	}
	r.endpoint = endpoint{name: "admission", handler: r.handler, credentials: c.Credentials, set: r.handler.SetCredentials, logger: s.logger}
	if err := r.open(c.Listen, c.TLS, c.Insecure, c.Unauthenticated); err != nil {
		return err
	}
	s.reviews = r
	return nil
}

// serve answers reviews until the context ends, and stores what goes on behind the answers.
func (r *reviews) serve(ctx context.Context) error {
	g := newGroup(ctx)
	if r.files != nil {
		g.run("enforcement", func(ctx context.Context) error {
			r.files.Run(ctx, func([]string) { r.judge.reload() })
			return nil
		})
	}
	if r.changes != nil {
		g.run("mutations", func(ctx context.Context) error {
			r.changes.Run(ctx, func([]string) { r.mutator.reload() })
			return nil
		})
	}
	g.run("namespaces", r.labels.run)
	err := r.endpoint.serve(ctx)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if late := r.handler.Close(closing); late != nil {
		r.logger.Warn("reviews that were answered are not stored", "error", late)
	}
	g.end(nil)
	g.work.Wait()
	return err
}

func (r *reviews) reload() {
	r.endpoint.reload()
	r.judge.reload()
	r.rebuild()
}

// rebuild has the conditions of mutations say what they say by the rules in force.
func (r *reviews) rebuild() {
	if r.mutator != nil {
		r.mutator.reload()
	}
}

// AdmissionAddr is where reviews are answered, "" where nowhere.
func (s *Server) AdmissionAddr() string {
	if s.reviews == nil {
		return ""
	}
	return addressOf(s.reviews.listener)
}

// decider judges reviews by the rules, and decides by the enforcement what they lead to; an
// admission.Judge.
type decider struct {
	judge  *judge.Judge
	file   string // of the enforcement; "": none
	dryRun bool
	logger *slog.Logger
	now    func() time.Time

	labelled bool // labels of namespaces are read

	policy  atomic.Pointer[enforce.Policy] // nil: all is observed
	mu      sync.Mutex                     // one reading at a time
	content []byte

	reloads, failures atomic.Uint64
	failing           atomic.Bool
}

// read reads the enforcement and puts it in force.
func (d *decider) read() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	content, err := os.ReadFile(d.file)
	if err != nil {
		return err
	}
	var known enforce.Known
	for _, r := range d.judge.Rules().Set().Rules.Rules {
		known.Rules, known.Tags = append(known.Rules, r.Name), append(known.Tags, r.Tags...)
	}
	known.Later = d.judge.Rules().Stateful().Names()
	p, err := enforce.Parse(d.file, content, known)
	if err != nil {
		return err
	}
	if d.policy.Swap(p) != nil && !bytes.Equal(content, d.content) {
		d.reloads.Add(1)
	}
	d.content = content
	if lines := p.Labelled(); len(lines) > 0 && !d.labelled {
		d.logger.Warn("namespace_labels holds for requests that write namespaces, and for nothing in them: admission.namespaces says who reads them", "file", d.file, "lines", lines)
	}
	for _, x := range p.Expired(d.now()) {
		d.logger.Warn("an exception has expired", "file", d.file, "line", x.Line, "owner", x.Owner, "expired", x.Expires)
	}
	return nil
}

// reload reads the enforcement again. A bad one leaves the old one in force.
func (d *decider) reload() {
	if d.file == "" {
		return
	}
	err := d.read()
	d.failing.Store(err != nil)
	if err != nil {
		d.failures.Add(1)
		d.logger.Error("enforcement not loaded, the one from before stays in force", "error", err)
		return
	}
	p := d.policy.Load()
	d.logger.Info("enforcement loaded", "file", d.file, "entries", len(p.Entries), "exceptions", len(p.Exceptions))
}

// The output fields of detections at admission that say what they led to.
const (
	verdictField   = "kw.verdict"
	exceptionField = "kw.exception"
)

// Review implements admission.Judge.
func (d *decider) Review(e *audit.Event, id audit.Identity) admission.Judgement {
	policy, now := d.policy.Load(), d.now()
	var found []enforce.Finding
	item, ruleset := d.judge.JudgeWith(e, id, func(detections []match.Detection) {
		if len(detections) == 0 {
			return
		}
		request := scope.RequestOf(e)
		for i := range detections {
			det := &detections[i]
			f := enforce.Finding{Rule: det.Rule.Name, Desc: det.Rule.Desc, Decision: policy.Decide(&request, det.Rule.Name, det.Rule.Tags, now)}
			found = append(found, f)
		}
		d.stand(e, found)
		for i := range detections {
			det, f := &detections[i], &found[i]
			det.Fields = append(det.Fields, match.OutputField{Key: verdictField, Value: f.Decision.Verdict(d.dryRun)})
			if x := f.Decision.Exception; x != nil {
				det.Fields = append(det.Fields, match.OutputField{Key: exceptionField, Value: d.judge.Text(x.String())})
			}
		}
	})
	j := admission.Judgement{Item: item, Ruleset: ruleset}
	if policy != nil && !d.dryRun {
		j.Verdict = verdictOf(policy, found, item.Raw)
	}
	return j
}

// stand lets through what would be denied though it was so before the request.
func (d *decider) stand(e *audit.Event, found []enforce.Finding) {
	denied := func(f enforce.Finding) bool { return f.Decision.Action == enforce.Deny }
	if !slices.ContainsFunc(found, denied) {
		return
	}
	before, ok := enforce.Before(e)
	if !ok {
		return
	}
	met := d.judge.Rules().Meets(before)
	for i := range found {
		if denied(found[i]) && slices.Contains(met, found[i].Rule) {
			found[i].Decision.Stand()
		}
	}
}

// verdictOf is what is answered to what was found in an event, which is told as it is stored.
func verdictOf(p *enforce.Policy, found []enforce.Finding, stored []byte) (v admission.Verdict) {
	if !slices.ContainsFunc(found, func(f enforce.Finding) bool { return f.Decision.Action != enforce.Observe }) {
		return v
	}
	var a audit.Answer // of nothing, where it cannot be told
	e, err := audit.Converted{Raw: stored}.Event()
	if err == nil {
		a = e.Answer()
	}
	var denied []enforce.Finding
	for i := range found {
		switch found[i].Decision.Action {
		case enforce.Warn:
			v.Warnings = append(v.Warnings, p.Warning(&found[i], about(&a)))
		case enforce.Deny:
			denied = append(denied, found[i])
		}
	}
	if len(denied) == 0 {
		return v
	}
	sentence := ""
	if err == nil {
		a.What.Outcome = audit.OutcomeRefused
		sentence = a.Sentence()
	}
	v.Denied, v.Message = true, p.Denial(denied, sentence)
	return v
}

// about is the object of a request with its images, if they are short enough for a warning.
func about(a *audit.Answer) string {
	const most = 100
	images := strings.Join(a.Where.Images, ", ")
	if images == "" || len(images) > most {
		return a.Where.Object
	}
	return a.Where.Object + " (" + images + ")"
}
