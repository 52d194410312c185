package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/rules"
)

// ours gives our files as the loader takes them, others after them.
func ours(others ...falco.File) []falco.File {
	var files []falco.File
	for _, f := range rules.Files() {
		files = append(files, falco.File{Name: f.Name, Content: f.Content})
	}
	return append(files, others...)
}

// load loads files and fails the test where one has errors.
func load(t *testing.T, files []falco.File, cat condition.Catalogue, strict bool) (*falco.Ruleset, []*falco.Result) {
	t.Helper()
	rs, results := falco.Load(files, falco.Options{Catalogue: cat, Strict: strict})
	for _, r := range results {
		require.NoError(t, r.Err())
	}
	require.NotNil(t, rs)
	return rs, results
}

// usesOurs tells whether a rule needs a field that Falco does not have.
func usesOurs(r *falco.Rule) bool {
	return strings.Contains(r.ConditionText+r.Output, "kw.") ||
		slices.ContainsFunc(r.ConditionFields(), func(f string) bool { return strings.HasPrefix(f, "kw.") })
}

func TestFiles(t *testing.T) {
	files := rules.Files()
	require.NotEmpty(t, files)
	assert.True(t, slices.IsSortedFunc(files, func(a, b rules.File) int { return strings.Compare(a.Name, b.Name) }))
	for _, f := range files {
		assert.NotEmpty(t, f.Content, f.Name)
	}
	files[0].Content[0] = 'X'
	assert.NotEqual(t, files[0].Content, rules.Files()[0].Content, "the contents are the caller's")
}

// TestLoad loads all files together, and each alone: a file can be taken by
// itself, and Falco tells of each file what it has seen so far.
func TestLoad(t *testing.T) {
	sets := map[string][]falco.File{"all": ours()}
	for _, f := range ours() {
		sets[f.Name] = []falco.File{f}
	}
	for name, files := range sets {
		t.Run(name, func(t *testing.T) {
			_, results := load(t, files, field.Default(), false)
			for _, r := range results {
				assert.Empty(t, r.Warnings)
			}
		})
	}
}

// TestLoadInFalco loads as Falco does, which skips the rules with kw.* fields
// and warns of them, and of what only they use.
func TestLoadInFalco(t *testing.T) {
	all, _ := load(t, ours(), field.Default(), false)
	known, results := load(t, ours(), field.Falco(), true)

	skipped := 0
	for _, r := range all.Rules {
		if usesOurs(r) {
			skipped++
		}
		assert.Equal(t, usesOurs(r), r.SkipIfUnknownFilter, "%s: skip-if-unknown-filter is for rules with kw.* fields", r.Name)
		assert.Equal(t, !usesOurs(r), known.Rule(r.Name) != nil, r.Name)
	}
	warned := 0
	for _, r := range results {
		for _, w := range r.Warnings {
			switch w.Code {
			case falco.WarnUnknownFilter:
				warned++
			case falco.WarnUnusedMacro, falco.WarnUnusedList:
			case falco.WarnUnknownKey: // of rules that are skipped as well
				assert.Contains(t, w.Message, "Unknown key 'kw_")
			default:
				t.Error(w.String())
			}
		}
	}
	assert.Equal(t, skipped, warned)
}

// TestRepeated holds what several files need, and so repeat, to one wording.
func TestRepeated(t *testing.T) {
	first := map[string]string{} // "- list: x" or "- macro: x": the comment and the item
	for _, f := range rules.Files() {
		for _, block := range strings.Split(string(f.Content), "\n\n") {
			for _, line := range strings.Split(block, "\n") {
				if !strings.HasPrefix(line, "- list: ") && !strings.HasPrefix(line, "- macro: ") &&
					!strings.HasPrefix(line, "- required_") {
					continue
				}
				block = strings.TrimSpace(block)
				if first[line] == "" {
					first[line] = block
				}
				assert.Equal(t, first[line], block, "%s: other files have it too, in other words", f.Name)
			}
		}
	}
}
