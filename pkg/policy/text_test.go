package policy

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

func TestTruth(t *testing.T) {
	for _, tt := range []struct{ a, b, and, or truth }{
		{canHold, canHold, canHold, canHold},
		{canHold, canFail, canFail, canHold},
		{canFail, canFail, canFail, canFail},
		{unknown, canHold, unknown, canHold},
		{unknown, canFail, canFail, unknown},
		{unknown, unknown, unknown, unknown},
	} {
		assert.Equal(t, tt.and, tt.a.and(tt.b))
		assert.Equal(t, tt.and, tt.b.and(tt.a))
		assert.Equal(t, tt.or, tt.a.or(tt.b))
		assert.Equal(t, tt.or, tt.b.or(tt.a))
	}
	assert.Equal(t, canFail, canHold.not())
	assert.Equal(t, canHold, canFail.not())
	assert.Equal(t, unknown, unknown.not())
}

// TestTextCompare asks what is known of a name against checks.
func TestTextCompare(t *testing.T) {
	anything := text{}
	nodes := text{prefixes: []string{"system:node:"}}
	person := text{never: []string{"system:"}, not: []string{"jane"}}
	fresh := text{fresh: true}
	uri := text{prefixes: []string{"/api", "//"}}
	for _, tt := range []struct {
		of    text
		check string
		want  truth
	}{
		{anything, `ka.user.name = jane`, unknown},
		{anything, `ka.user.name exists`, canHold},
		{nodes, `ka.user.name = jane`, canFail},
		{nodes, `ka.user.name != jane`, canHold},
		{nodes, `ka.user.name = system:node:n1`, unknown},
		{nodes, `ka.user.name startswith "system:"`, canHold},
		{nodes, `ka.user.name startswith "system:node:n"`, unknown},
		{nodes, `ka.user.name startswith "system:serviceaccount:"`, canFail},
		{nodes, `ka.user.name startswith anyof ("eks:", "system:")`, canHold},
		{nodes, `ka.user.name startswith allof ("system:", "system:node:")`, canHold},
		{nodes, `ka.user.name startswith oneof ("system:", "eks:")`, unknown},
		{nodes, `ka.user.name startswith oneof ("eks:", "aks:")`, canFail},
		{nodes, `ka.user.name contains ":node"`, canHold},
		{nodes, `ka.user.name contains web`, unknown},
		{nodes, `ka.user.name glob "eks:*"`, canFail},
		{nodes, `ka.user.name glob "*"`, unknown},
		{person, `ka.user.name in (jane, "system:admin")`, canFail},
		{person, `ka.user.name in (jane, joe)`, unknown},
		{person, `ka.user.name startswith "system:node:"`, canFail},
		{person, `ka.user.name startswith sys`, unknown},
		{fresh, `ka.user.name in (jane, joe)`, canFail},
		{fresh, `ka.user.name startswith j`, unknown},
		{uri, `ka.uri startswith /healthz`, canFail},
		{uri, `ka.uri startswith /`, canHold},
		{uri, `ka.uri startswith /apis/apps`, unknown},
		{anything, `ka.user.name in ()`, canFail},
	} {
		e, err := condition.Parse(tt.check)
		require.NoError(t, err, tt.check)
		assert.Equal(t, tt.want, tt.of.compare(e.(*condition.Check)), "%+v %s", tt.of, tt.check)
	}
}

func TestIdentitiesTellApart(t *testing.T) {
	labels := func(users, groups []string) (out []string) {
		for _, i := range identities(users, groups) {
			out = append(out, i.label)
		}
		return out
	}
	assert.Equal(t, []string{"a login that failed", "anybody"}, labels(nil, nil))
	assert.Equal(t, []string{"a login that failed", "system:anonymous", "jane", "nodes", "service accounts", "users named system:...", people}, labels([]string{"jane"}, nil))
	assert.Equal(t, []string{"a login that failed", "system:anonymous", "nodes", "service accounts of ci", "service accounts",
		"users named system:...", "users named system:... in dev", people, people + " in dev"}, labels(nil, []string{"system:nodes", "system:serviceaccounts:ci", "dev"}))
	assert.Equal(t, []string{"system:authenticated", "system:serviceaccounts", "system:serviceaccounts:ci"}, GroupsOf("system:serviceaccount:ci:build"))
	assert.Equal(t, []string{"system:unauthenticated"}, GroupsOf("system:anonymous"))
}
