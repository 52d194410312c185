package ecs_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	ours "github.com/kubewitness/kubewitness/rules"
)

// threatOf is threat.* of a detection by a rule with these tags, as JSON; "" for none.
func threatOf(t *testing.T, tags ...string) string {
	t.Helper()
	r := recordOf(parseEvent(t, `{"kind":"Event","auditID":"a","stage":"ResponseComplete","stageTimestamp":"2026-11-21T19:01:20Z"}`))
	r.Detections = []match.Detection{{Rule: &rules.Rule{Name: "r", Tags: tags}}}
	var doc struct{ Threat json.RawMessage }
	require.NoError(t, json.Unmarshal(ecs.AppendDetection(nil, r, 0, &ecs.Options{}), &doc))
	return string(doc.Threat)
}

func TestThreat(t *testing.T) {
	const framework = `{"framework":"MITRE ATT&CK",`
	const tactic = `"tactic":[{"id":"TA0006","name":"Credential Access","reference":"https://attack.mitre.org/tactics/TA0006/"}]`
	for _, c := range []struct {
		tags []string
		want string
	}{
		{nil, ""},
		{[]string{"k8s", "mitre_of_our_own", "T15", "T155x", "t1552", "T1552.07", "T1552.", "TA0006", ""}, ""},
		{[]string{"k8s", "mitre_credential_access"}, framework + tactic + `}`},
		{[]string{"T1609", "T1609"}, framework + `"technique":[{"id":"T1609","reference":"https://attack.mitre.org/techniques/T1609/"}]}`},
		{[]string{"mitre_credential_access", "T1552.007", "T1552.001", "T1552"}, framework + tactic +
			`,"technique":[{"id":"T1552","reference":"https://attack.mitre.org/techniques/T1552/","subtechnique":[` +
			`{"id":"T1552.007","reference":"https://attack.mitre.org/techniques/T1552/007/"},{"id":"T1552.001","reference":"https://attack.mitre.org/techniques/T1552/001/"}]}]}`},
	} {
		assert.Equal(t, c.want, threatOf(t, c.tags...), "%q", c.tags)
	}
}

// TestThreatOfOurRules holds that the tactics that our rules name are known.
func TestThreatOfOurRules(t *testing.T) {
	found := 0
	for _, file := range ours.Files() {
		for _, word := range strings.FieldsFunc(string(file.Content), func(r rune) bool { return strings.ContainsRune(" ,[]\n", r) }) {
			if strings.HasPrefix(word, "mitre_") {
				found++
				assert.Contains(t, threatOf(t, word), `"tactic"`, "%s: %s", file.Name, word)
			}
		}
	}
	assert.Greater(t, found, 30)
}
