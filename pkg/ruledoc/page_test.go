package ruledoc_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ruledoc"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/ruletest"
	builtin "github.com/kubewitness/kubewitness/rules"
	"github.com/kubewitness/kubewitness/test/corpora"
)

var update = flag.Bool("update", false, "write the pages of docs/rules")

// pages makes pages of rules files and their tests.
func pages(t *testing.T, files []rules.File, tests map[string]string) []ruledoc.Page {
	t.Helper()
	set, err := ruleset.Compile(files, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	runner, err := ruletest.NewRunner(set, false, nil)
	require.NoError(t, err)
	var suites []*ruletest.Suite
	for _, f := range files {
		var src *ruletest.Source
		if text, ok := tests[f.Name]; ok {
			src = &ruletest.Source{Name: f.Name, Content: []byte(text)}
		}
		s := runner.Read(f.Name, src)
		require.Empty(t, s.Problems)
		suites = append(suites, s)
	}
	return ruledoc.Pages(ruledoc.Options{
		Rules: set.Rules, Runner: runner, Suites: suites,
		Source: func(file string) string { return "../../rules/" + file },
		Made:   "`go test ./pkg/ruledoc -update` makes these pages of the rules and their tests.",
	})
}

// TestOurs holds the pages of our own rules; none is of a rule that is no more.
func TestOurs(t *testing.T) {
	var files []rules.File
	tests := map[string]string{}
	for _, f := range builtin.Files() {
		files = append(files, rules.File{Name: f.Name, Content: f.Content})
	}
	for _, f := range builtin.Tests() {
		tests[strings.TrimSuffix(f.Name, "_test.yaml")+".yaml"] = string(f.Content)
	}
	dir := filepath.Join(corpora.Root(t), "docs", "rules")
	want := map[string]string{}
	for _, p := range pages(t, files, tests) {
		require.NotContains(t, want, p.Name, "two rules have one page")
		want[p.Name] = p.Content
	}
	if *update {
		require.NoError(t, os.RemoveAll(dir))
		require.NoError(t, os.MkdirAll(dir, 0o755))
		for name, content := range want {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
		}
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		assert.Contains(t, want, e.Name(), "no rule has this page; run go test ./pkg/ruledoc -update")
	}
	for name, content := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if assert.NoError(t, err, "run go test ./pkg/ruledoc -update") {
			assert.Equal(t, content, string(got), "%s: run go test ./pkg/ruledoc -update and read the difference", name)
		}
	}
}

func TestPage(t *testing.T) {
	all := pages(t, []rules.File{{Name: "first-things.yaml", Content: []byte(`
- rule: Odd *Things* Done
  desc: >
    Somebody did
    odd <things>.
  source: k8s_audit
  priority: NOTICE
  tags: [k8s, T1609.001]
  condition: ka.verb = get and ka.stage = ResponseComplete
  output: "odd %ka.user.name"
  exceptions: [{name: known, fields: [ka.user.name, ka.verb]}]
- rule: Untested
  desc: d
  source: k8s_audit
  priority: ERROR
  condition: ka.verb = never
  output: x
`)}}, map[string]string{"first-things.yaml": `
- about: Odd *Things* Done
  why: Because.
  false_positives: [People.]
  response: [Ask., Look.]
  references: ["https://example.org/x"]
- test: a pod
  event: {verb: get, resource: pods, namespace: shop, name: web, user: sam}
  variants: [{user: bob}]
  detect: [Odd *Things* Done]
- test: a list
  rule: Odd *Things* Done
  event: {verb: list, resource: pods, namespace: shop}
  detect: []
`})
	require.Len(t, all, 3)
	assert.Equal(t, "odd-things-done.md", all[0].Name)
	assert.Equal(t, `# Odd \*Things\* Done

**Notice** · `+"`T1609.001` · `k8s`"+` · [first-things.yaml](../../rules/first-things.yaml)

Somebody did odd &lt;things>.

## Why

Because.

## Example

As an answer, and as Falco's line:

    sam (person) read pod shop/web

    odd sam

## False positives

- People.

## Response

1. Ask.
2. Look.

## Exceptions

- `+"`known`: `ka.user.name`, `ka.verb`"+`

## Tested

It fires on:

- a pod

It keeps quiet on:

- a list

## Condition

    ka.verb = get and ka.stage = ResponseComplete

## References

- <https://attack.mitre.org/techniques/T1609/001/>
- <https://example.org/x>
`, all[0].Content)
	assert.Contains(t, all[1].Content, "**Error**")
	assert.NotContains(t, all[1].Content, "## Example")
	assert.Contains(t, all[2].Content, "## First things\n")
	assert.Contains(t, all[2].Content, `| [Odd \*Things\* Done](odd-things-done.md) | Notice | sam (person) read pod shop/web |`)
}
