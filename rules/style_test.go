package rules_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/field"
)

// The shape of tags: MITRE ATT&CK techniques and tactics, k8s, and where one applies
// the section of the CIS benchmark or the chapter of NSA's and CISA's hardening guide.
var (
	technique = regexp.MustCompile(`^T1\d{3}(\.\d{3})?$`)
	benchmark = regexp.MustCompile(`^CIS_\d(\.\d+){2}$`) // section of the CIS Kubernetes Benchmark 1.9 and later
	guide     = []string{"NSA_pod_security", "NSA_network_separation", "NSA_authentication", "NSA_audit_logging"}
	tactics   = []string{
		"mitre_collection", "mitre_command_and_control", "mitre_credential_access", "mitre_defense_evasion", "mitre_discovery",
		"mitre_execution", "mitre_exfiltration", "mitre_impact", "mitre_initial_access", "mitre_lateral_movement",
		"mitre_persistence", "mitre_privilege_escalation", "mitre_reconnaissance",
	}
)

// nobody are the rules about requests that have no user.
var nobody = []string{"Anonymous Request Allowed", "Authentication Failed", "Many Failed Authentications", "API Probed Without Credential"}

// TestStyle holds each rule to what its reader needs: a description that says
// what to do, an output that says who, what and where, tags to sort by.
func TestStyle(t *testing.T) {
	rs, _ := load(t, ours(), field.Default(), false)
	for _, r := range rs.Rules {
		t.Run(r.Name, func(t *testing.T) {
			desc := strings.TrimSpace(r.Desc)
			assert.Greater(t, len(desc), 120, "say what it means and what to do")
			assert.True(t, strings.HasSuffix(desc, "."), "desc is sentences")
			assert.Equal(t, "k8s_audit", r.Source)
			assert.True(t, r.Enabled)
			assert.LessOrEqual(t, len(r.Name), 40, "the name stands in a line with the answer")
			assert.NotContains(t, r.Name, "/", "the names of the examples would break")

			assert.Contains(t, r.ConditionFields(), "ka.stage", "a request has several stages; choose one")
			for _, want := range []string{"verb=%ka.verb", "agent=%ka.useragent", "audit_id=%ka.auditid", "source="} {
				if want == "verb=%ka.verb" && !strings.Contains(r.Output, want) {
					continue // where it says nothing; then how= or the text does
				}
				assert.Contains(t, r.Output, want)
			}
			if !slices.Contains(nobody, r.Name) {
				assert.Contains(t, r.Output, "user=%ka.user.name")
			}
			assert.True(t, strings.Contains(r.Output, "%ka.uri ") || strings.Contains(r.Output, "%ka.target.n") ||
				strings.Contains(r.Output, "%kw.object.name"), "say what it was about")
			assertTags(t, r.Tags)
		})
	}
}

func assertTags(t *testing.T, tags []string) {
	t.Helper()
	assert.Contains(t, tags, "k8s")
	assert.True(t, slices.ContainsFunc(tags, technique.MatchString), "no technique")
	assert.True(t, slices.ContainsFunc(tags, func(tag string) bool { return strings.HasPrefix(tag, "mitre_") }), "no tactic")
	for _, tag := range tags {
		assert.True(t, tag == "k8s" || technique.MatchString(tag) || benchmark.MatchString(tag) ||
			slices.Contains(tactics, tag) || slices.Contains(guide, tag), "tag %q", tag)
	}
}
