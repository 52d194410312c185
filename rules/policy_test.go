package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ruletest"
	"github.com/kubewitness/kubewitness/rules"
)

// filled are tests of what policy.yaml says in its comments about filling in registries and
// labels: each fails as long as nothing is filled in.
const filled = `
- defaults: {user: sam@acme.test, namespace: shop, source_ip: 10.4.0.9}
- test: a registry of one's own
  rule: Image from Untrusted Registry
  event: {verb: create, resource: pods, name: a, request: {metadata: {labels: {app: a}}}, pod: {containers: [{name: a, image: "${image}@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}]}}
  variants:
    - {image: registry.example.com/web}
    - {image: "registry.example.com:5000/team/web"}
    - {image: quay.io/shop/web}
  detect: []
- test: a value that is not allowed, a label that is missing
  event: {verb: create, resource: namespaces, namespace: "", name: a, request: {metadata: {labels: "${labels}"}}}
  variants: [{labels: {geo: us}}, {labels: {geo: mars, team: web}}, {labels: {geo: us, team: ""}}]
  detect: [Namespace without Required Label, Namespace Needs Network Policy]
`

// asBefore are tests that pass whether filled in or not.
const asBefore = `
- defaults: {user: sam@acme.test, namespace: shop, source_ip: 10.4.0.9}
- test: another registry, repository, namespace, port
  event: {verb: create, resource: pods, name: a, namespace: "${in}", request: {metadata: {labels: {app: a}}}, pod: {containers: [{name: a, image: "${image}@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}]}}
  variants:
    - {in: shop, image: quay.io/shop/other}
    - {in: shop, image: quay.io/shop/web/x}
    - {in: other, image: quay.io/shop/web}
    - {in: shop, image: "registry.example.com:5001/web"}
    - {in: shop, image: registry.example.com.evil.test/web}
    - {in: shop, image: nginx}
  detect: [Image from Untrusted Registry]
- test: a namespace with all labels
  rule: Namespace without Required Label
  event: {verb: create, resource: namespaces, namespace: "", name: a, request: {metadata: {labels: {geo: us, team: web}}}}
  detect: [Namespace Needs Network Policy]
`

// TestFilledIn loads what the comments of policy.yaml propose after our files.
func TestFilledIn(t *testing.T) {
	var proposed strings.Builder
	for _, f := range rules.Files() {
		if f.Name != "policy.yaml" {
			continue
		}
		for line := range strings.Lines(string(f.Content)) {
			if code, ok := strings.CutPrefix(line, "#   "); ok {
				proposed.WriteString(code)
			}
		}
	}
	file := falco.File{Name: "own.yaml", Content: []byte(proposed.String())}
	with, without := runner(t, false, file), runner(t, false)

	for _, r := range append(suite(t, with, filled, 6), suite(t, with, asBefore, 7)...) {
		assert.True(t, r.Passed(), "%s: %+v", r.Test.Name, r)
	}
	for _, r := range suite(t, without, filled, 6) {
		assert.False(t, r.Passed(), "%s: no difference", r.Test.Name)
	}
	for _, r := range suite(t, without, asBefore, 7) {
		assert.True(t, r.Passed(), "%s: %+v", r.Test.Name, r)
	}
}

// suite runs some tests of policy.yaml.
func suite(t *testing.T, run *ruletest.Runner, text string, tests int) []*ruletest.Result {
	t.Helper()
	s := run.Suite("policy.yaml", &ruletest.Source{Name: "policy_test.yaml", Content: []byte(text)}, nil)
	require.Empty(t, s.Problems)
	require.Len(t, s.Results, tests)
	return s.Results
}
