package policy_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/policy"
)

// TestGeneratedPolicyLosesNothing holds the policy made for our rules against a recording: what it leaves of it makes the rules
// fire as the whole does, one by one.
func TestGeneratedPolicyLosesNothing(t *testing.T) {
	set, events := ours(t), recording(t)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	made, err := policy.Generate(set.Rules.Rules, set.Catalogue, policy.GenerateOptions{})
	require.NoError(t, err)
	source := policy.APIServer(made.Policy)
	assert.Empty(t, policy.Cover(set.Rules.Rules, set.Catalogue, false, source).Blind())
	left := reduced(t, source, events)
	assert.Less(t, len(left), len(events))
	assert.Equal(t, fired(t, m, events), fired(t, m, left))
	_ = os.WriteFile("/tmp/cov/gen.yaml", made.Text, 0o644)
	t.Log(len(left), len(events), made.Secret)
}
