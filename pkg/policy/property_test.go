package policy_test

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/policy"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/ruletest"
	builtin "github.com/kubewitness/kubewitness/rules"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// recording are events recorded in full that the tree has: attacks and what goes on around them, and what our rules are tested
// with, which is something of everything.
func recording(t testing.TB) []*audit.Event {
	t.Helper()
	recorded.Do(func() { recordedEvents = readRecording(t) })
	require.NotEmpty(t, recordedEvents)
	return recordedEvents
}

// What is recorded is read once.
var (
	recorded       sync.Once
	recordedEvents []*audit.Event
)

func readRecording(t testing.TB) []*audit.Event {
	t.Helper()
	root := corpora.Root(t)
	var all []*audit.Event
	for _, path := range []string{"pkg/audit/testdata/events.jsonl.gz", "test/attacks/testdata/attacks.jsonl.gz"} {
		text, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		all = append(all, read(t, path, text)...)
	}
	for _, f := range builtin.Tests() {
		tests, err := ruletest.Parse(ruletest.Source{Name: f.Name, Content: f.Content})
		require.NoError(t, err)
		for _, test := range tests.Tests {
			all = append(all, test.Events...)
		}
	}
	return all
}

func read(t testing.TB, name string, text []byte) (events []*audit.Event) {
	t.Helper()
	for r := audit.NewReader(bytes.NewReader(text), name, audit.Limits{}); ; {
		e, err := r.Next()
		if err == io.EOF {
			return events
		}
		require.NoError(t, err)
		events = append(events, e)
	}
}

func ours(t testing.TB) *ruleset.Set {
	t.Helper()
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	return set
}

// fired counts the detections of each rule.
func fired(t testing.TB, m *match.Matcher, events []*audit.Event) map[string]int {
	t.Helper()
	out := map[string]int{}
	for i, e := range events {
		for _, d := range m.Match(&field.Context{Event: e, Num: uint64(i + 1), First: e.Time}).Detections {
			out[d.Rule.Name]++
		}
	}
	return out
}

func reduced(t testing.TB, s *policy.Source, events []*audit.Event) (out []*audit.Event) {
	t.Helper()
	for _, e := range events {
		r, err := s.Reduce(e)
		require.NoError(t, err)
		if r != nil {
			out = append(out, r)
		}
	}
	return out
}

func sources() map[string]*policy.Source {
	return map[string]*policy.Source{
		"metadata": policy.APIServer(policy.Builtin("metadata")), "gce": policy.APIServer(policy.Builtin("gce")),
		"full": policy.APIServer(policy.Builtin("full")), "gke": policy.GKE(nil, true), "gke-activity": policy.GKE(nil, false),
	}
}

// TestBlindRulesAreThoseThatStopFiring holds coverage against what happens: rules over recorded events, and over what a policy
// would have left of them.
func TestBlindRulesAreThoseThatStopFiring(t *testing.T) {
	long(t)
	set, events := ours(t), recording(t)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	full := fired(t, m, events)
	require.Greater(t, len(full), 20, "the events make rules fire")
	for name, source := range sources() {
		t.Run(name, func(t *testing.T) {
			if name == "full" || name == "gke-activity" {
				corpora.Integration(t)
			}
			left := fired(t, m, reduced(t, source, events))
			var stopped []string
			for _, rule := range slices.Sorted(maps.Keys(full)) {
				if left[rule] == 0 {
					stopped = append(stopped, rule)
				}
			}
			coverage := policy.Cover(set.Rules.Rules, set.Catalogue, false, source)
			var blind []string
			for _, rule := range coverage.Blind() {
				assert.Zero(t, left[rule], "%s is called blind, and fires", rule)
				if full[rule] > 0 {
					blind = append(blind, rule)
				}
			}
			slices.Sort(blind)
			if name == "gke-activity" {
				assert.Subset(t, stopped, blind) // the recording has failed logins and the like for reads only
				return
			}
			assert.Equal(t, stopped, blind)
		})
	}
}
