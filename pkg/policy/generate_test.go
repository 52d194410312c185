package policy_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/policy"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/test/corpora"
)

var update = flag.Bool("update", false, "write the policy for our rules into deploy/audit-policy")

// stocklike are rules by somebody else: without stages, without users, on Falco's own fields.
func stocklike(t testing.TB) *ruleset.Set {
	t.Helper()
	set, err := ruleset.Load(ruleset.Options{Paths: []string{filepath.Join(corpora.Root(t), "test", "rulegen", "stocklike.yaml")}, MinPriority: rules.Debug})
	require.NoError(t, err)
	return set
}

// long leaves out, under the race detector, what one goroutine computes for a minute by
// itself: it takes ten times as long there, and has nobody to race with.
func long(t *testing.T) {
	t.Helper()
	if underRace {
		t.Skip("long, and of one goroutine")
	}
}

// TestGeneratedPolicyLosesNothing holds the policies made for rules against a recording: what they leave of it makes the rules
// fire as the whole does, one by one.
func TestGeneratedPolicyLosesNothing(t *testing.T) {
	long(t)
	events := recording(t)
	for name, set := range map[string]*ruleset.Set{"ours": ours(t), "stocklike": stocklike(t)} {
		t.Run(name, func(t *testing.T) {
			if name != "ours" {
				corpora.Integration(t)
			}
			m, err := set.Matcher(false, nil)
			require.NoError(t, err)
			made, err := policy.Generate(set.Rules.Rules, set.Catalogue, policy.GenerateOptions{})
			require.NoError(t, err)
			source := policy.APIServer(made.Policy)
			assert.Empty(t, policy.Cover(set.Rules.Rules, set.Catalogue, false, source).Blind())
			left := reduced(t, source, events)
			meter := policy.NewMeter(policy.APIServer(policy.Builtin("full")), source)
			for _, e := range events {
				require.NoError(t, meter.Add(e))
			}
			assert.Less(t, meter.Volumes()[1].Bytes, meter.Volumes()[0].Bytes)
			assert.Equal(t, fired(t, m, events), fired(t, m, left))
		})
	}
}

// TestWithoutSecrets asks the policy for what it records of credentials, of whoever.
func TestWithoutSecrets(t *testing.T) {
	long(t)
	set := ours(t)
	made, err := policy.Generate(set.Rules.Rules, set.Catalogue, policy.GenerateOptions{WithoutSecrets: true})
	require.NoError(t, err)
	for _, user := range []string{"jane", "system:apiserver", "system:node:n1", "system:serviceaccount:kube-system:namespace-controller", "system:serviceaccount:shop:web"} {
		for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"} {
			level := func(group, resource, sub string) policy.Level {
				return made.Policy.Record(&policy.Request{Verb: verb, User: user, Groups: policy.GroupsOf(user), Group: group, Resource: resource, Subresource: sub}).Level
			}
			assert.LessOrEqual(t, level("", "secrets", ""), policy.Metadata, "%s by %s", verb, user)
			if verb == "create" { // the others, the API server does not take: it reads no body
				assert.LessOrEqual(t, level("authentication.k8s.io", "tokenreviews", ""), policy.Metadata, "by %s", user)
				assert.LessOrEqual(t, level("", "serviceaccounts", "token"), policy.WithRequest, "by %s", user)
			}
		}
	}
	path := filepath.Join(corpora.Root(t), "deploy", "audit-policy", "audit-policy.yaml")
	text := append([]byte("# The smallest audit policy for kubewitness' own rules, made by kubewitness policy generate --without-secrets.\n"), made.Text...)
	if *update {
		require.NoError(t, os.WriteFile(path, text, 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(text), "rules have changed: go test ./pkg/policy -run TestWithoutSecrets -update")
}

// TestDeployedPolicyBlindsNoRule holds the policy that is recommended against our rules.
func TestDeployedPolicyBlindsNoRule(t *testing.T) {
	long(t)
	text, err := os.ReadFile(filepath.Join(corpora.Root(t), "deploy", "apiserver", "audit-policy.yaml"))
	require.NoError(t, err)
	p, err := policy.Load("audit-policy.yaml", text)
	require.NoError(t, err)
	require.Empty(t, p.Warnings)
	set := ours(t)
	source := policy.APIServer(p)
	coverage := policy.Cover(set.Rules.Rules, set.Catalogue, false, source)
	for _, rule := range coverage.Blind() {
		assert.Fail(t, rule, "%s", coverage.Of(rule).Sentences(source))
	}
}
