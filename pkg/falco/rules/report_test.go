package rules_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run with -update to accept")
}

func TestReport(t *testing.T) {
	for _, name := range []string{"wrong", "warned", "right"} {
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
			require.NoError(t, err)
			_, results := rules.Load([]rules.File{{Name: name + ".yaml", Content: text}}, rules.Options{Catalogue: auditFields{}})
			golden(t, name+".txt", []byte(results[0].Text()))
			var indented bytes.Buffer
			require.NoError(t, json.Indent(&indented, rules.JSON(results), "", "  "))
			golden(t, name+".json", append(indented.Bytes(), '\n'))
			assert.Equal(t, name == "wrong", results[0].Err() != nil)
		})
	}
}

func TestFiftyErrors(t *testing.T) {
	var text strings.Builder
	for i := range 50 {
		name := "r" + strconv.Itoa(i)
		switch i % 5 {
		case 0:
			text.WriteString(ruleText(name, "ka.nosuch"+strconv.Itoa(i)+" = x"))
		case 1:
			text.WriteString(ruleText(name, "ka.verb ="))
		case 2:
			text.WriteString("- {rule: " + name + ", desc: d, output: x, priority: WARN, source: k8s_audit, condition: ka.verb = x}\n")
		case 3:
			text.WriteString("- {list: " + name + "}\n")
		case 4:
			text.WriteString("- {macro: " + name + ", condition: undefined_one}\n")
		}
	}
	rs, results := load(t, false, text.String())
	require.Nil(t, rs)
	assert.Len(t, results[0].Errors, 50)
	assert.ErrorContains(t, results[0].Err(), "(and 49 more)")
	// reading errors first, then those of compiling, each in the order of the file
	var codes []string
	for _, d := range results[0].Errors {
		if len(codes) == 0 || codes[len(codes)-1] != d.Code {
			codes = append(codes, d.Code)
		}
	}
	assert.Equal(t, []string{rules.ErrYAMLValidate, rules.ErrValidate}, codes[:2])
	assert.Equal(t, "Invalid priority", results[0].Errors[0].Message)
}

// Several errors of one rule are all told, in the order in which Falco would
// meet them.
func TestAllErrorsOfARule(t *testing.T) {
	_, results := load(t, false, "- {rule: a, condition: ka.nosuch = x and nope and ka.user.groups = y, priority: WARN, enabled: 1, tags: x, exceptions: {}, source: k8s_audit, output: '%none'}\n")
	var told []string
	for _, d := range results[0].Errors {
		told = append(told, d.Message)
	}
	assert.Equal(t, []string{
		"Item has no mapping for key 'desc'",
		"Invalid priority",
		"Can't decode YAML scalar value",
		"Value is not a sequence",
		"Rule exceptions must be a sequence",
		"unknown filter: none",
		"Undefined macro 'nope' used in filter.",
		"filter_check called with nonexistent field ka.nosuch",
		"filter error: '=' operator not supported list filters",
	}, told)
}

// A file that is nothing but problems, in one long line, ends in time.
func TestTooManyProblems(t *testing.T) {
	text := "[" + strings.Repeat("{rule: ü, priority: 7, nokey: 1}, ", 20000) + "]"
	rs, results := load(t, false, text)
	require.Nil(t, rs)
	require.Len(t, results[0].Errors, 1000)
	require.Len(t, results[0].Warnings, 1000)
	assert.Equal(t, "Item has no mapping for key 'condition'", results[0].Errors[0].Message)
	assert.Equal(t, "Too many problems, the ones from here on are not told", results[0].Errors[999].Message)
	assert.Equal(t, "Too many problems, the ones from here on are not told", results[0].Warnings[999].Message)
}
