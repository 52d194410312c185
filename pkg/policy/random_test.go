package policy_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/policy"
	"github.com/kubewitness/kubewitness/test/bench"
	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/rulegen"
)

// TestRandomRules holds coverage and generated policies against random rules on real events: a rule that fires is not blind,
// and what a policy made for the rules leaves makes them fire as before.
func TestRandomRules(t *testing.T) {
	long(t)
	data, err := bench.Events(bench.Corpora[0])
	require.NoError(t, err)
	events := read(t, "events", data)
	seeds, each := uint64(1), 12
	if os.Getenv(corpora.EnvIntegration) == "1" {
		seeds, each = 4, 40
	}
	hits := 0
	for seed := range seeds {
		set := rulegen.NewRandom(seed, events).Rules(each)
		set.Rules = slices.DeleteFunc(set.Rules, func(r *rules.Rule) bool { // no policy but the full one leaves the level as it is
			return strings.Contains(r.Condition.String(), "kw.level") || strings.Contains(r.Condition.String(), "[/level]")
		})
		for i, r := range set.Rules {
			r.Name = fmt.Sprintf("random %d", i)
		}
		m, err := match.New(set, field.Default(), match.Options{})
		require.NoError(t, err)
		perEvent := func(e *audit.Event) (names []string) {
			for _, d := range m.Match(&field.Context{Event: e, Num: 1, First: e.Time}).Detections {
				names = append(names, d.Rule.Name)
			}
			return names
		}
		made, err := policy.Generate(set.Rules, field.Default(), policy.GenerateOptions{})
		require.NoError(t, err)
		byGenerated := policy.APIServer(made.Policy)
		for _, e := range events {
			left, err := byGenerated.Reduce(e)
			require.NoError(t, err)
			var got []string
			if left != nil {
				got = perEvent(left)
			}
			want := perEvent(e)
			if hits += len(want); !slices.Equal(want, got) {
				for _, r := range set.Rules {
					if slices.Contains(want, r.Name) != slices.Contains(got, r.Name) {
						assert.Fail(t, r.Name, "seed %d: %s\n%s\n%v", seed, r.Condition, e.Raw[:min(600, len(e.Raw))], byGenerated.Policy.Record(policy.RequestOf(e)))
					}
				}
				t.FailNow()
			}
		}
		for name, source := range sources() {
			if name == "full" {
				continue
			}
			blind := policy.Cover(set.Rules, field.Default(), false, source).Blind()
			for rule := range fired(t, m, reduced(t, source, events)) {
				assert.NotContains(t, blind, rule, "seed %d, %s: %s", seed, name, set.Rule(rule).Condition)
			}
		}
	}
	require.Greater(t, hits, 100, "random rules must fire now and then")
}
