package rig

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// TestAttacksCoverRules holds that no rule of ours comes in without a request that
// a real API server is asked to show it.
func TestAttacksCoverRules(t *testing.T) {
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	var want []string
	for _, r := range set.Rules.Rules {
		want = append(want, r.Name)
	}
	seen, names := map[string]bool{}, map[string]bool{}
	var got []string
	for _, s := range Attacks() {
		assert.NotEmpty(t, s.Rule, s.Name)
		assert.False(t, names[s.Name], "two steps named %q", s.Name)
		names[s.Name] = true
		if !seen[s.Rule] {
			seen[s.Rule] = true
			got = append(got, s.Rule)
		}
	}
	assert.Subset(t, want, got, "a rule for each attack")
}
