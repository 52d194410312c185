package server

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// InvalidRules is why rules are not in force; Report says what is wrong with
// which line.
type InvalidRules struct {
	Report string
}

// Error implements error.
func (e *InvalidRules) Error() string { return ruleset.ErrInvalid.Error() }

// loadRules reads and compiles the rules of a configuration.
func loadRules(cfg config.Rules) (*judge.Rules, error) {
	set, err := ruleset.Load(ruleset.Options{Paths: cfg.Paths, MinPriority: cfg.MinPriority})
	if errors.Is(err, ruleset.ErrInvalid) {
		var report strings.Builder
		for _, r := range set.Results {
			if !r.Successful {
				report.WriteString(r.Text())
			}
		}
		return nil, &InvalidRules{Report: report.String()}
	}
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	rules, err := judge.Compile(set, judge.Options{First: cfg.Matching == config.MatchFirst, AppendFields: cfg.AppendFields})
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	return rules, nil
}

// reloader puts rules in force again when their files have changed.
type reloader struct {
	cfg    config.Rules
	judge  *judge.Judge
	logger *slog.Logger
	now    func() time.Time

	mu     sync.Mutex // one reload at a time
	status reloadStatus
}

type reloadStatus struct {
	Reloads  uint64    // that put rules in force
	Failures uint64    // that left the old ones
	Loaded   time.Time // when the rules in force were loaded
	Failing  bool      // the files hold rules that are not in force
}

// reload loads the rules. Bad ones leave the old ones in force.
func (r *reloader) reload(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fresh, err := loadRules(r.cfg)
	if err != nil {
		r.status.Failures++
		r.status.Failing = true
		var invalid *InvalidRules
		if errors.As(err, &invalid) {
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(invalid.Report))
		}
		r.logger.Error("rules not loaded, those from before stay in force", "why", why, "error", err)
		return
	}
	old := r.judge.Rules()
	r.judge.Use(fresh)
	r.status.Reloads++
	r.status.Failing = false
	r.status.Loaded = r.now()
	r.logger.Info("rules loaded", "why", why, "rules", fresh.Enabled(), "changed", string(old.Digest()) != string(fresh.Digest()))
}

func (r *reloader) Status() reloadStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}
