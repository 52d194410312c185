package enforce

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// TestExampleIsRight: the file in deploy/admission names rules that there are.
func TestExampleIsRight(t *testing.T) {
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	var known Known
	for _, r := range set.Rules.Rules {
		known.Rules, known.Tags = append(known.Rules, r.Name), append(known.Tags, r.Tags...)
	}
	name := filepath.Join(corpora.Root(t), "deploy", "admission", "enforce.yaml")
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	p, err := Parse(name, content, known)
	require.NoError(t, err)
	d := p.Decide(&Request{Cluster: "prod", Namespace: "shop", Object: "web"}, "Privileged Container", nil, noon)
	assert.Equal(t, Deny, d.Action)
	d = p.Decide(&Request{Cluster: "prod", Namespace: "build", Object: "kaniko-1"}, "Privileged Container", nil, noon)
	assert.Equal(t, "team-build", d.Exception.Owner)
}
