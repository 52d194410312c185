package rules_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/ruletest"
	"github.com/kubewitness/kubewitness/rules"
)

// runner runs tests on our rules and those of others, as kubewitness rules test does.
func runner(t *testing.T, strict bool, others ...falco.File) *ruletest.Runner {
	t.Helper()
	set, err := ruleset.Compile(ours(others...), ruleset.Options{Strict: strict, MinPriority: falco.Debug})
	require.NoError(t, err)
	all, _ := load(t, ours(others...), field.Default(), false)
	var known []string
	for _, r := range all.Rules {
		known = append(known, r.Name)
	}
	run, err := ruletest.NewRunner(set, strict, known)
	require.NoError(t, err)
	return run
}

// suites runs the tests beside our files.
func suites(t *testing.T, run *ruletest.Runner) (all []*ruletest.Suite) {
	t.Helper()
	for _, f := range rules.Tests() {
		src := &ruletest.Source{Name: f.Name, Content: f.Content}
		all = append(all, run.Suite(strings.TrimSuffix(f.Name, "_test.yaml")+".yaml", src, nil))
	}
	return all
}

// TestSuites runs the tests of our rules, with all fields and as Falco would, and
// wants a positive and a negative one of each rule.
func TestSuites(t *testing.T) {
	assert.Len(t, rules.Tests(), len(rules.Files()), "each rules file has its tests beside it")
	for name, strict := range map[string]bool{"ours": false, "as Falco": true} {
		t.Run(name, func(t *testing.T) {
			run := runner(t, strict)
			all := suites(t, run)
			for _, s := range all {
				var report bytes.Buffer
				require.NoError(t, ruletest.WriteText(&report, []*ruletest.Suite{s}, false))
				assert.True(t, s.OK(), report.String())
			}
			if strict {
				return
			}
			for _, c := range run.CoverageOf(all) {
				assert.True(t, c.Complete(), "%s: %d positive and %d negative tests", c.Rule, c.Positive, c.Negative)
			}
		})
	}
}
