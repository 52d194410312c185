package rules_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/policy"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/ruletest"
	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/reviews"
)

// TestWhatIsSaidToSeeFires: of each rule of which coverage says that it sees something by admission,
// the review of a request in its own tests makes it fire; of those that are blind none does. Rules about
// several events, and about what was seen before, are told of by their parts, and left out.
func TestWhatIsSaidToSeeFires(t *testing.T) {
	corpora.Integration(t)
	set, err := ruleset.Compile(ours(), ruleset.Options{MinPriority: falco.Debug})
	require.NoError(t, err)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	blind := policy.Cover(set.Rules.Rules, set.Catalogue, false, policy.Admission(false)).Blind()
	fired := map[string]bool{}
	files, err := filepath.Glob("*_test.yaml")
	require.NoError(t, err)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		f, err := ruletest.Parse(ruletest.Source{Name: file, Content: content})
		require.NoError(t, err)
		for _, test := range f.Tests {
			cluster := reviews.New()
			for _, e := range test.Events {
				made, err := cluster.Of(e)
				require.NoError(t, err)
				for i, r := range made {
					for _, d := range m.Match(&field.Context{Event: r, Num: uint64(i + 1), First: r.Time}).Detections {
						fired[d.Rule.Name] = true
					}
				}
			}
		}
	}
	stateful, err := set.Stateful(nil)
	require.NoError(t, err)
	seen := 0
	for _, r := range set.Rules.Rules {
		is := slices.Contains(blind, r.Name)
		switch {
		case slices.Contains(stateful.Names(), r.Name):
		case is:
			assert.False(t, fired[r.Name], "%s is said to be blind", r.Name)
		default:
			seen++
			assert.True(t, fired[r.Name], "%s is said to see something, and no review of its tests' requests makes it fire", r.Name)
		}
	}
	assert.Greater(t, seen, 60)
}
