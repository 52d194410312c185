package conformance

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// caseFile is one of the small cases: rules files, events, and what Falco made
// of them.
type caseFile struct {
	ID       string            `json:"id"`
	Title    string            `json:"title"`
	Files    []string          `json:"files"`
	Events   []string          `json:"events"`
	Matching string            `json:"matching"`
	Env      map[string]string `json:"env"`
	Validate []struct {
		Successful bool
		Errors     []codeMessage
		Warnings   []codeMessage
	} `json:"validate"`
	RunExit int         `json:"run_exit"`
	Alerts  []caseAlert `json:"alerts"`
}

type codeMessage struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type caseAlert struct {
	Event        string         `json:"event"`
	Rule         string         `json:"rule"`
	Priority     string         `json:"priority"`
	Output       string         `json:"output"`
	OutputFields map[string]any `json:"output_fields"`
	Tags         []string       `json:"tags"`
}

func readCases(t *testing.T) []caseFile {
	t.Helper()
	f, err := os.Open("cases.jsonl.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var cases []caseFile
	for dec := json.NewDecoder(z); dec.More(); {
		var c caseFile
		require.NoError(t, dec.Decode(&c))
		cases = append(cases, c)
	}
	return cases
}

// deviations are the cases in which kubewitness means to differ, with the
// reason.
var deviations = map[string]string{
	"e3-426": "Falco crashes (segmentation fault); the rule loads and its exception applies",
}

// otherWords are the cases in which the first message says the same in other
// words: YAML errors come from another YAML library, and a field that is not
// known is named.
var otherWords = map[string]bool{"e3-403": true, "e3-404": true, "e3-430": true}

func TestCases(t *testing.T) {
	cases := readCases(t)
	require.Len(t, cases, 451)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			if why, ok := deviations[c.ID]; ok {
				t.Skip(why) // held by a test of its own
			}
			runCase(t, c)
		})
	}
}

func runCase(t *testing.T, c caseFile) {
	set, err := loadCase(c)
	if c.RunExit == 0 {
		require.NoError(t, err, "%s: %v", c.Title, set.Results)
	} else {
		require.ErrorIs(t, err, ruleset.ErrInvalid, c.Title)
	}
	require.Len(t, set.Results, len(c.Validate), "one result for each file")
	for i, want := range c.Validate {
		compareResult(t, c, want.Successful, want.Errors, want.Warnings, set.Results[i])
	}
	if c.RunExit != 0 {
		assert.Empty(t, c.Alerts)
		return
	}
	events := writeTemp(t, "events.jsonl", []byte(strings.Join(c.Events, "\n")+"\n"))
	alerts := replayJSON(t, set, c.Matching == "first", events)
	assert.Equal(t, expectedAlerts(c), caseAlerts(t, alerts), c.Title)
}

func loadCase(c caseFile) (*ruleset.Set, error) {
	opt := ruleset.Options{Strict: true, MinPriority: rules.Debug}
	if p, err := rules.ParsePriority(c.Env["PRIO"]); err == nil {
		opt.MinPriority = p
	}
	files := make([]rules.File, len(c.Files))
	for i, content := range c.Files {
		files[i] = rules.File{Name: fmt.Sprintf("%d.yaml", i), Content: []byte(content)}
	}
	return ruleset.Compile(files, opt)
}

func compareResult(t *testing.T, c caseFile, successful bool, errs, warnings []codeMessage, got *rules.Result) {
	t.Helper()
	assert.Equal(t, successful, got.Successful, c.Title)
	if successful {
		assert.ElementsMatch(t, codes(warnings), diagnosticCodes(got.Warnings), "%s: warnings", c.Title)
		return
	}
	require.NotEmpty(t, got.Errors, c.Title)
	assert.Equal(t, errs[0].Code, got.Errors[0].Code, c.Title)
	if !otherWords[c.ID] {
		assert.Equal(t, errs[0].Message, got.Errors[0].Message, c.Title)
	}
	for _, w := range codes(warnings) {
		assert.Contains(t, diagnosticCodes(got.Warnings), w, c.Title)
	}
}

func codes(ms []codeMessage) []string {
	out := []string{}
	for _, m := range ms {
		out = append(out, m.Code+": "+m.Message)
	}
	return out
}

func diagnosticCodes(ds []rules.Diagnostic) []string {
	out := []string{}
	for _, d := range ds {
		out = append(out, d.Code+": "+d.Message)
	}
	return out
}

func expectedAlerts(c caseFile) []string {
	out := []string{}
	for _, a := range c.Alerts {
		out = append(out, alertText(a))
	}
	return out
}

// caseAlerts gives alerts in the form of the cases: without time and without
// the fields that every alert of the run has.
func caseAlerts(t *testing.T, lines []byte) []string {
	t.Helper()
	out := []string{}
	for _, line := range bytes.Split(bytes.TrimSpace(lines), []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var a caseAlert
		require.NoError(t, json.Unmarshal(line, &a))
		_, a.Output, _ = strings.Cut(a.Output, ": ")
		delete(a.OutputFields, "evt.num")
		delete(a.OutputFields, "evt.time")
		out = append(out, alertText(a))
	}
	return out
}

func alertText(a caseAlert) string {
	fields, err := json.Marshal(a.OutputFields)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s %s %v %q %s", a.Rule, a.Priority, a.Tags, a.Output, fields)
}

// TestExceptionsReplacedWithoutComps is the case in which Falco crashes: list
// fields without comps under "override: {exceptions: replace}".
func TestExceptionsReplacedWithoutComps(t *testing.T) {
	for _, c := range readCases(t) {
		if c.ID != "e3-426" {
			continue
		}
		set, err := loadCase(c)
		require.NoError(t, err)
		events := writeTemp(t, "events.jsonl", []byte(strings.Join(c.Events, "\n")+"\n"))
		var rulesFired []string
		for _, a := range caseAlerts(t, replayJSON(t, set, false, events)) {
			rulesFired = append(rulesFired, strings.Fields(a)[0])
		}
		assert.Equal(t, []string{"a", "a"}, rulesFired, "three events, of which the exception takes the one whose verb is get")
		return
	}
	t.Fatal("the case is gone")
}
