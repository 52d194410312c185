package server

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ingest/admission"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/mutate"
)

// mutator changes objects by the file in force; an admission.Mutator.
type mutator struct {
	judge  *judge.Judge // whose rules have the macros and lists of the conditions
	path   string
	logger *slog.Logger

	file    atomic.Pointer[mutate.File]
	mu      sync.Mutex // one reading at a time
	content []byte
	terms   *rules.Ruleset

	reloads, failures atomic.Uint64
	failing           atomic.Bool
	applied           sync.Map                       // name of an entry -> *atomic.Uint64
	failed            map[mutate.Reason]*failedCount // all reasons
}

// failedCount counts the objects that were left as they were for a reason.
type failedCount struct {
	n    atomic.Uint64
	told atomic.Bool // since the file was read
}

func newMutator(path string, j *judge.Judge, logger *slog.Logger) *mutator {
	m := &mutator{judge: j, path: path, logger: logger, failed: map[mutate.Reason]*failedCount{}}
	for _, r := range mutate.Reasons {
		m.failed[r] = &failedCount{}
	}
	return m
}

// read reads the file and puts it in force. Other rules can make another file of the same text.
func (m *mutator) read() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	content, err := os.ReadFile(m.path)
	if err != nil {
		return err
	}
	terms := m.judge.Rules().Set().Rules
	if m.file.Load() != nil && terms == m.terms && bytes.Equal(content, m.content) {
		return nil
	}
	f, err := mutate.Parse(m.path, content, terms)
	if err != nil {
		return err
	}
	if m.file.Swap(f) != nil {
		m.reloads.Add(1)
	}
	m.content, m.terms = content, terms
	for _, c := range m.failed {
		c.told.Store(false)
	}
	return nil
}

// reload reads the file again. A bad one leaves the old one in force.
func (m *mutator) reload() {
	err := m.read()
	m.failing.Store(err != nil)
	if err != nil {
		m.failures.Add(1)
		m.logger.Error("mutations not loaded, those from before stay in force", "error", err)
		return
	}
	m.logger.Info("mutations loaded", "file", m.path, "entries", len(m.file.Load().Entries()))
}

// Mutate implements admission.Mutator.
func (m *mutator) Mutate(p *admission.Proposal) (admission.Change, error) {
	c, err := m.file.Load().Apply(&mutate.Request{Object: p.Object, Old: p.Old, Subresource: p.Subresource, Event: p.Event})
	if err != nil {
		m.fail(err)
		return admission.Change{}, err
	}
	for _, name := range c.Entries {
		n, ok := m.applied.Load(name)
		if !ok {
			n, _ = m.applied.LoadOrStore(name, &atomic.Uint64{})
		}
		n.(*atomic.Uint64).Add(1)
	}
	return admission.Change{Entries: c.Entries, Patch: c.Patch}, nil
}

// fail counts a failure. The first of its kind is told: it may be the file's.
func (m *mutator) fail(err error) {
	reason := mutate.Fault
	var failed *mutate.Failure
	if errors.As(err, &failed) {
		reason = failed.Reason
	}
	c := m.failed[reason]
	c.n.Add(1)
	if !c.told.Swap(true) {
		m.logger.Warn("an object is left as it is; more of the kind are counted only", "file", m.path, "reason", reason, "error", err)
	}
}

func (x exporter) mutations(out metrics, r *reviews) {
	m := r.mutator
	if m == nil {
		return
	}
	c := r.handler.Counters().Mutations
	out.counter("mutation_patched_total", "Objects that were changed before they were stored, those of dry runs included.", c.Patched)
	out.counter("mutation_unchanged_total", "Objects in which there was nothing to be changed.", c.Unchanged)
	out.counter("mutation_would_patch_total", "Objects that would have been changed if admission.dry_run were not set.", c.Would)
	for reason, n := range m.failed {
		out.counter("mutation_failures_total", "Objects that were left as they were since changing them failed, by reason.", n.n.Load(), "reason", string(reason))
	}
	m.applied.Range(func(name, n any) bool {
		out.counter("mutation_entry_changes_total", "Objects that an entry of the file changed, or would have changed.", n.(*atomic.Uint64).Load(), "entry", fmt.Sprint(name))
		return true
	})
	out.histogram("mutation_decision_seconds", "Time until it is known what is to be changed, from the end of the review.", c.Decided)
	out.gauge("mutation_entries", "Entries of the file in force.", float64(len(m.file.Load().Entries())))
	out.counter("mutation_reloads_total", "Times that other mutations came into force.", m.reloads.Load())
	out.counter("mutation_reload_failures_total", "Times that a new file had errors and the old one stayed in force.", m.failures.Load())
	out.gauge("mutation_reload_failing", "1 while the file holds errors and an older one is in force.", truth(m.failing.Load()))
}
