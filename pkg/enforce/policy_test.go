package enforce

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const file = `
contact: "ask in #platform"
enforce:
  - rule: Privileged
    action: observe
    namespaces: [kube-system]
  - rule: Privileged
    action: deny
    clusters: [prod, "eu-*"]
    message: Use a capability.
  - rule: [Privileged, Wildcards]
    action: warn
  - tag: T1609
    action: deny
    users: ["*@example.org"]
    groups: [dev, "team-*"]
    names: ["web-?"]
  - rule: Namespace
    action: deny
    namespace_labels: {env: prod, geo: eu}
exceptions:
  - rule: Privileged
    namespaces: [monitoring]
    names: ["node-exporter*"]
    owner: team-observability
    reason: disks
    expires: 2026-12-31
  - tag: T1609
    owner: sam
    reason: an incident
    expires: 2026-11-30T13:00:00+01:00
`

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func policy(t testing.TB) *Policy {
	t.Helper()
	p, err := Parse("enforce.yaml", []byte(file), Known{Rules: []string{"Privileged", "Wildcards", "Namespace"}, Tags: []string{"T1609"}})
	require.NoError(t, err)
	return p
}

func TestDecide(t *testing.T) {
	p := policy(t)
	developer := Request{Cluster: "lab", User: "sam@example.org", Groups: []string{"all", "team-a"}, Object: "web-1", Namespace: "shop"}
	for _, tt := range []struct {
		name string
		r    Request
		rule string
		tags []string
		at   time.Time
		want Action
		line int // of the entry
		by   string
	}{
		{"no entry", Request{Cluster: "prod"}, "Another", []string{"T1"}, noon, Observe, 0, ""},
		{"the first entry counts", Request{Cluster: "prod", Namespace: "kube-system"}, "Privileged", nil, noon, Observe, 4, ""},
		{"a cluster by name", Request{Cluster: "prod", Namespace: "shop"}, "Privileged", nil, noon, Deny, 7, ""},
		{"a cluster by pattern", Request{Cluster: "eu-west", Namespace: "shop"}, "Privileged", nil, noon, Deny, 7, ""},
		{"in no namespace", Request{Cluster: "prod"}, "Privileged", nil, noon, Deny, 7, ""},
		{"elsewhere the next entry", Request{Cluster: "lab", Namespace: "shop"}, "Privileged", nil, noon, Warn, 11, ""},
		{"the second of several rules", Request{Cluster: "prod"}, "Wildcards", nil, noon, Warn, 11, ""},
		{"a tag, user, group and name", developer, "Exec", []string{"T1059", "T1609"}, noon, Deny, 13, ""},
		{"a tag's exception, a moment before it expires", developer, "Exec", []string{"T1609"}, noon.Add(-1), Observe, 13, "sam"},
		{"another user", Request{User: "sam@example.com", Groups: developer.Groups, Object: "web-1"}, "Exec", []string{"T1609"}, noon, Observe, 0, ""},
		{"no group", Request{User: developer.User, Object: "web-1"}, "Exec", []string{"T1609"}, noon, Observe, 0, ""},
		{"another name", Request{User: developer.User, Groups: developer.Groups, Object: "web-10"}, "Exec", []string{"T1609"}, noon, Observe, 0, ""},
		{"an exception", Request{Cluster: "prod", Namespace: "monitoring", Object: "node-exporter-x"}, "Privileged", nil, noon, Observe, 7, "team-observability"},
		{"on its last day", Request{Cluster: "prod", Namespace: "monitoring", Object: "node-exporter-x"}, "Privileged", nil, time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC), Observe, 7, "team-observability"},
		{"when it has expired", Request{Cluster: "prod", Namespace: "monitoring", Object: "node-exporter-x"}, "Privileged", nil, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), Deny, 7, ""},
		{"an exception for something else", Request{Cluster: "prod", Namespace: "monitoring", Object: "node"}, "Privileged", nil, noon, Deny, 7, ""},
		{"labels of a namespace", Request{Labels: map[string]string{"env": "prod", "geo": "eu", "x": "y"}}, "Namespace", nil, noon, Deny, 18, ""},
		{"one of them another", Request{Labels: map[string]string{"env": "prod", "geo": "us"}}, "Namespace", nil, noon, Observe, 0, ""},
		{"an object in a namespace", Request{Namespace: "shop"}, "Namespace", nil, noon, Observe, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := p.Decide(&tt.r, tt.rule, tt.tags, tt.at)
			assert.Equal(t, tt.want, d.Action)
			line, by := 0, ""
			if d.Entry != nil {
				line = d.Entry.Line
			}
			if d.Exception != nil {
				by = d.Exception.Owner
			}
			assert.Equal(t, tt.line, line)
			assert.Equal(t, tt.by, by)
		})
	}
	var none *Policy
	assert.Equal(t, Decision{Action: Observe}, none.Decide(&Request{}, "Privileged", nil, noon))
	assert.Empty(t, none.Expired(noon))
	require.Len(t, p.Expired(noon), 1)
	assert.Equal(t, "sam: an incident, until 2026-11-30T12:00:00Z", p.Expired(noon)[0].String())
}

func TestMessages(t *testing.T) {
	p := policy(t)
	entry := &Entry{Message: "Use a capability"}
	desc := "A pod, or the template of a workload, has a container that runs\n  privileged. It has all."
	found := []Finding{{Rule: "Privileged", Desc: desc}, {Rule: "Host Path", Desc: "Another."}}
	assert.Equal(t, "kubewitness: Privileged, Host Path: jane was refused creating pod shop/web by admission. "+
		"A pod, or the template of a workload, has a container that runs privileged. For an exception: ask in #platform.",
		p.Denial(found, "jane was refused creating pod shop/web by admission"))
	found[0].Decision.Entry = entry
	assert.Equal(t, "kubewitness: Privileged, Host Path: Use a capability.", (&Policy{}).Denial(found, ""))
	assert.Equal(t, "kubewitness: Privileged: pods/shop/web: Use a capability. For an exception: ask in #platform", p.Warning(&found[0], "pods/shop/web"))
	found[0].Decision.Stand()
	assert.Equal(t, "kubewitness: Privileged: pods/shop/web: let through, since it was so before: Use a capability. For an exception: ask in #platform", p.Warning(&found[0], "pods/shop/web"))
	assert.Equal(t, "standing", found[0].Decision.Verdict(true))
	long := "A container runs privileged: " + strings.Repeat("it has all capabilities, ", 10)
	assert.Equal(t, "kubewitness: Privileged: A container runs privileged. For an exception: ask in #platform",
		p.Warning(&Finding{Rule: "Privileged", Desc: long}, ""), "of what does not fit, the first clause")
	assert.LessOrEqual(t, len(p.Warning(&Finding{Rule: "R", Desc: strings.Repeat("ä", 300)}, strings.Repeat("x", 300))), maxWarning)
}

// TestLabelsThatCannotBeRead: what is mild may hold, what denies does not.
func TestLabelsThatCannotBeRead(t *testing.T) {
	const file = `
enforce:
  - {rule: A, action: observe, namespace_labels: {env: dev}}
  - {rule: [A, B], action: deny, namespaces: [shop]}
  - {rule: C, action: deny, namespace_labels: {env: prod}}
  - {rule: C, action: warn}
exceptions:
  - {rule: B, namespace_labels: {env: dev}, owner: sam, reason: a test, expires: 2030-01-01}
`
	p, err := Parse("f.yaml", []byte(file), Known{})
	require.NoError(t, err)
	assert.Equal(t, []int{3, 5, 8}, p.Labelled())
	for _, tt := range []struct {
		name    string
		r       Request
		a, b, c Action
	}{
		{"dev", Request{Namespace: "shop", Labels: map[string]string{"env": "dev"}}, Observe, Observe, Warn},
		{"prod", Request{Namespace: "shop", Labels: map[string]string{"env": "prod"}}, Deny, Deny, Deny},
		{"without labels", Request{Namespace: "shop", Labels: map[string]string{}}, Deny, Deny, Warn},
		{"nobody reads them", Request{Namespace: "shop"}, Deny, Deny, Warn},
		{"they should be known", Request{Namespace: "shop", Unknown: true}, Observe, Observe, Warn},
	} {
		for rule, want := range map[string]Action{"A": tt.a, "B": tt.b, "C": tt.c} {
			d := p.Decide(&tt.r, rule, nil, noon)
			assert.Equal(t, want, d.Action, "%s: %s", tt.name, rule)
		}
	}
}
