package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/policy"
)

// BenchmarkCover looks at all our rules under the policy of Compute Engine.
func BenchmarkCover(b *testing.B) {
	set := ours(b)
	source := policy.APIServer(policy.Builtin("gce"))
	for b.Loop() {
		policy.Cover(set.Rules.Rules, set.Catalogue, false, source)
	}
}

// BenchmarkGenerate makes the policy for all our rules.
func BenchmarkGenerate(b *testing.B) {
	set := ours(b)
	for b.Loop() {
		_, err := policy.Generate(set.Rules.Rules, set.Catalogue, policy.GenerateOptions{})
		require.NoError(b, err)
	}
}
