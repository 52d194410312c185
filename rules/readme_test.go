package rules_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
)

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

// TestTuning loads the example of README.md after our files: it does there what
// the text says.
func TestTuning(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(text), "```yaml\n")
	require.True(t, found)
	tuning, _, _ := strings.Cut(rest, "```")
	file := falco.File{Name: "tuning.yaml", Content: []byte(tuning)}

	_, results := load(t, ours(file), field.Default(), false)
	assert.Empty(t, results[len(results)-1].Warnings)
	plain, tuned := compile(t, ours(), false), compile(t, ours(file), false)

	for _, tt := range []struct{ rule, note, was, is string }{
		{"Exec or Attach to Pod", "service account of a CI system", `"web-live"`, `"ci"`},
		{"Secret Read by Hand", "one secret", "sam@example.org", "backup-operator"},
		{"Dangerous Capability Added", "all", `"ALL"`, `"SYS_NICE"`},
		{"Service Opened by a Person", "node port", "sam@", "tom@"},
	} {
		all := examples(t)
		i := slices.IndexFunc(all, func(e example) bool { return e.rule == tt.rule && e.note == tt.note })
		require.GreaterOrEqual(t, i, 0, tt.rule)
		events := bytes.ReplaceAll(all[i].events, []byte(tt.was), []byte(tt.is))
		require.NotEqual(t, all[i].events, events)
		assert.NotEqual(t, count(t, plain, events, tt.rule), count(t, tuned, events, tt.rule), "%s: no difference", tt.rule)
	}
}
