package rules_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/format"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// recordedCase is what a real Falco said of some rules files.
type recordedCase struct {
	ID, Title string
	Files     []string
	Validate  []struct {
		Successful       bool
		Errors, Warnings []recordedProblem
	}
	ValidateExit int `json:"validate_exit"`
}

type recordedProblem struct{ Code, Message string }

func recordedCases(t *testing.T) []recordedCase {
	t.Helper()
	f, err := os.Open("../../../test/conformance/cases.jsonl.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var cases []recordedCase
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c recordedCase
		require.NoError(t, json.Unmarshal(lines.Bytes(), &c))
		cases = append(cases, c)
	}
	require.NoError(t, lines.Err())
	require.Len(t, cases, 451)
	return cases
}

// otherWords are the cases whose first error says the same in other words.
var otherWords = map[string]string{
	"e3-403": "mapping values are not allowed", // the YAML library's own words
	"e3-404": "found a tab character",          // likewise
	"e3-430": "unknown filter: ka.nosuch",      // Falco: unknown filter: unexpected token after '
	"e3-426": "",                               // Falco dies of it; here it is fine
}

func TestFalcosAnswers(t *testing.T) {
	for _, strict := range []bool{true, false} {
		name := map[bool]string{true: "strict", false: "default"}[strict]
		t.Run(name, func(t *testing.T) {
			for _, c := range recordedCases(t) {
				t.Run(c.ID, func(t *testing.T) { checkCase(t, c, strict) })
			}
		})
	}
}

func checkCase(t *testing.T, c recordedCase, strict bool) {
	if c.Validate == nil {
		require.Equal(t, "e3-426", c.ID, "only one case has no answer")
		rs, _ := load(t, strict, c.Files...)
		require.NotNil(t, rs)
		return
	}
	rs, results := load(t, strict, c.Files...)
	require.Len(t, results, len(c.Validate))
	assert.Equal(t, c.ValidateExit == 0, rs != nil)
	for i, want := range c.Validate {
		got := results[i]
		if !assert.Equal(t, want.Successful, got.Successful, "%s\n%s", c.Files[i], got.Text()) {
			continue
		}
		if !want.Successful {
			first := recordedProblem{got.Errors[0].Code, got.Errors[0].Message}
			if words, ok := otherWords[c.ID]; ok {
				assert.Equal(t, want.Errors[0].Code, first.Code)
				assert.Contains(t, first.Message, words)
				continue
			}
			assert.Equal(t, want.Errors[0], first, c.Files[i])
			continue
		}
		var warnings []recordedProblem
		for _, w := range got.Warnings {
			if w.Code != format.WarnCut {
				warnings = append(warnings, recordedProblem{w.Code, w.Message})
			}
		}
		assert.ElementsMatch(t, want.Warnings, warnings, c.Files[i])
	}
}

// load loads files called a.yaml, b.yaml, ...
func load(t testing.TB, strict bool, texts ...string) (*rules.Ruleset, []*rules.Result) {
	t.Helper()
	return rules.Load(files(texts...), rules.Options{Catalogue: auditFields{}, Strict: strict})
}

func files(texts ...string) []rules.File {
	var out []rules.File
	for i, text := range texts {
		out = append(out, rules.File{Name: string(rune('a'+i)) + ".yaml", Content: []byte(text)})
	}
	return out
}

// one is the only rule of a text that loads.
func one(t testing.TB, texts ...string) *rules.Rule {
	t.Helper()
	rs, results := load(t, false, texts...)
	var told strings.Builder
	for _, r := range results {
		told.WriteString(r.Text())
	}
	require.NotNil(t, rs, told.String())
	require.Len(t, rs.Rules, 1)
	return rs.Rules[0]
}
