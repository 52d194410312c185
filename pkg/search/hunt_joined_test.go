package search

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// TestHuntCountsARequestOnce: for rules about several events the review and the audit event of
// a request are one, if they were joined; rules about one event find something in both.
func TestHuntCountsARequestOnce(t *testing.T) {
	const text = `
- rule: Each
  desc: d
  source: k8s_audit
  condition: ka.verb = update
  output: each
  priority: NOTICE
- rule: Twice
  desc: d
  source: k8s_audit
  condition: ka.verb = update
  kw_threshold: {count: 2, within: 10m, by: ka.user.name}
  output: "%kw.correlate.count"
  priority: NOTICE
  skip-if-unknown-filter: true
`
	set, err := ruleset.Compile([]rules.File{{Name: "rules.yaml", Content: []byte(text)}}, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	update := step{operation: "UPDATE", old: configMap("u1", ""), object: configMap("u1", `"a":"1"`), audit: answered("update", 200, "Metadata")}
	apart := update
	apart.apart = true
	for name, tt := range map[string]struct {
		steps       []step
		each, twice int
	}{
		"joined":     {[]step{update}, 2, 0},
		"left apart": {[]step{apart}, 2, 1},
		"two":        {[]step{update, update}, 4, 1},
	} {
		t.Run(name, func(t *testing.T) {
			found := map[string]int{}
			_, err := reviewedSteps(t, tt.steps...).Hunt(t.Context(), local, set, Request{Stateful: true}, func(_ *Hit, ds []match.Detection) error {
				for _, d := range ds {
					found[d.Rule.Name]++
				}
				return nil
			})
			require.NoError(t, err)
			assert.Equal(t, tt.each, found["Each"])
			assert.Equal(t, tt.twice, found["Twice"])
		})
	}
}
