package policy_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/policy"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// TestChangeOpensEyes makes each change that is proposed: the rule is no longer blind, and no other rule has become so.
func TestChangeOpensEyes(t *testing.T) {
	long(t)
	set := ours(t)
	for _, name := range []string{"metadata", "gce"} {
		t.Run(name, func(t *testing.T) {
			if name == "metadata" {
				corpora.Integration(t)
			}
			path := filepath.Join(corpora.Root(t), "pkg", "policy", "builtin", name+".yaml")
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			p, err := policy.Load(name, text)
			require.NoError(t, err)
			before := policy.Cover(set.Rules.Rules, set.Catalogue, false, policy.APIServer(p))
			blind := before.Blind()
			for i, rule := range blind {
				change := before.Of(rule).Change
				require.NotNil(t, change, rule)
				changed, err := policy.Load("changed", []byte(applied(string(text), change)))
				require.NoError(t, err, "%s\n%s", rule, applied(string(text), change))
				require.Empty(t, changed.Warnings)
				looked := set.Rules.Rules
				if i > 0 { // it takes long: all rules for the first change only
					looked = []*rules.Rule{set.Rules.Rule(rule)}
				}
				after := policy.Cover(looked, set.Catalogue, false, policy.APIServer(changed)).Blind()
				assert.NotContains(t, after, rule)
				for _, r := range after {
					assert.Contains(t, blind, r, "blinded by what serves %s", rule)
				}
			}
		})
	}
}

// applied makes a change as somebody with an editor would.
func applied(text string, change *policy.Change) string {
	var out []string
	n, done := 0, 0
	rules := false
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if !rules && strings.HasPrefix(line, "omitStages: [") {
			for _, s := range change.Stages {
				line = strings.NewReplacer(s+", ", "", ", "+s, "", s, "").Replace(line)
			}
		}
		rules = rules || line == "rules:"
		if strings.HasPrefix(line, "  - level:") {
			n++
			for _, i := range change.Insert {
				if i.Before == n {
					out = append(out, strings.TrimSuffix(i.Rules, "\n"))
					done++
				}
			}
		}
		out = append(out, line)
	}
	for _, i := range change.Insert[done:] {
		out = append(out, strings.TrimSuffix(i.Rules, "\n"))
	}
	return strings.Join(slices.Concat(out, []string{""}), "\n")
}
