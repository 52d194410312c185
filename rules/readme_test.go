package rules_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/ruletest"
)

var update = flag.Bool("update", false, "write the table of README.md")

// The table of README.md stands between these.
const (
	tableBegin = "<!-- the table is made by go test ./rules -update -->\n"
	tableEnd   = "<!-- end of the table -->\n"
)

// TestTable holds the table of rules in README.md.
func TestTable(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), tableBegin)
	require.True(t, found)
	_, after, found := strings.Cut(rest, tableEnd)
	require.True(t, found)
	golden(t, "README.md", before+tableBegin+table(t)+tableEnd+after)
}

func table(t *testing.T) string {
	rs, _ := load(t, ours(), field.Default(), false)
	var b strings.Builder
	b.WriteString("\n| rule | priority | techniques | in Falco |\n|--|--|--|--|\n")
	file := ""
	for _, r := range rs.Rules {
		if r.File != file {
			file = r.File
			fmt.Fprintf(&b, "| **[%s](%s)** | | | |\n", file, file)
		}
		inFalco := "yes"
		if usesOurs(r) {
			inFalco = "skipped"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.Name, r.Priority, techniques(r), inFalco)
	}
	b.WriteString("\n")
	return b.String()
}

func techniques(r *falco.Rule) string {
	var all []string
	for _, tag := range r.Tags {
		if technique.MatchString(tag) {
			all = append(all, tag)
		}
	}
	return strings.Join(all, " ")
}

// tuned are tests of the example of README.md: of our rules each event fires one
// detection, or passes without; after the example it is the other way round.
const tuned = `
- defaults: {user: sam@acme.test, namespace: orders, source_ip: 10.4.0.9}
- test: the CI system enters its own pods
  rule: Exec or Attach to Pod
  event: {user: "system:serviceaccount:ci:build-runner", verb: get, resource: pods/exec, namespace: ci, name: job-1, command: [ls]}
  detect: []
- test: a program whose name looks like a person's
  rule: Secret Read by Hand
  event: {user: backup-operator, verb: get, resource: secrets, name: db}
  detect: []
- test: one capability more
  event: {verb: create, resource: pods, name: a, pod: {containers: [{name: a, image: nginx, securityContext: {capabilities: {add: [SYS_NICE]}}}]}}
  detect: [Dangerous Capability Added]
- test: nothing of services
  rule: Service Opened by Hand
  event: {verb: create, resource: services, name: a, request: {spec: {type: NodePort}}}
  detect: []
`

// TestTuning loads the example of README.md after our files: it does there what
// the text says, and without it none of it.
func TestTuning(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "```yaml\n")
	require.True(t, found)
	tuning, _, _ := strings.Cut(rest, "```")
	file := falco.File{Name: "tuning.yaml", Content: []byte(tuning)}

	_, results := load(t, ours(file), field.Default(), false)
	assert.Empty(t, results[len(results)-1].Warnings)
	src := &ruletest.Source{Name: "tuning_test.yaml", Content: []byte(tuned)}
	with, without := runner(t, false, file).Suite("tuning.yaml", src, nil), runner(t, false).Suite("tuning.yaml", src, nil)
	require.Empty(t, with.Problems)
	require.Len(t, with.Results, 4)
	for i, r := range with.Results {
		assert.True(t, r.Passed(), r.Test.Name)
		assert.False(t, without.Results[i].Passed(), "%s: no difference", r.Test.Name)
	}
}

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "run the test with -update and read the difference")
}
