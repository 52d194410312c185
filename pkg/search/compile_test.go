package search

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

func withMacros(t testing.TB) *rules.Ruleset {
	t.Helper()
	rs, results := rules.Load([]rules.File{{Name: "f", Content: []byte(`
- list: reading
  items: [get, list, watch]
- macro: reads
  condition: ka.verb in (reading)
- macro: wrong
  condition: ka.nothing = 1
`)}}, rules.Options{Catalogue: field.Default()})
	require.NotNil(t, rs, "%v", results)
	return rs
}

// TestConditionsUseTheRulesTerms: macros and lists stand for what they do in rules.
func TestConditionsUseTheRulesTerms(t *testing.T) {
	e, err := parse("reads and not ka.verb in (reading, head)", withMacros(t))
	require.NoError(t, err)
	assert.Equal(t, "ka.verb in (get, list, watch) and not ka.verb in (get, list, watch, head)", e.String())
	e, err = parse(`ka.user.name = "reading" or ka.verb in ('reading', reading, "a \" reading b")`, withMacros(t))
	require.NoError(t, err)
	assert.Equal(t, `ka.user.name = reading or ka.verb in (reading, get, list, watch, "a \" reading b")`, e.String(), "what is in quotes is nobody's name")
	e, err = parse("ka.verb = reads", nil)
	require.NoError(t, err)
	assert.Equal(t, "ka.verb = reads", e.String())
}

// TestBadConditions: the error says what is wrong, and where.
func TestBadConditions(t *testing.T) {
	for text, want := range map[string]string{
		"ka.verb =":                                 "1:10",
		"ka.verb = get and ka.nothing = 1":          "1:19: filter_check called with nonexistent field ka.nothing",
		"ka.verb = get or nothing":                  "Undefined macro 'nothing'",
		"kw.response.code > many":                   "1:20",
		"ka.user.groups = a":                        "operator not supported list filters",
		"ka.verb in (reading":                       "1:",
		"ka.user.nam = jane":                        "1:1: filter_check called with nonexistent field ka.user.nam; did you mean ka.user.name?",
		"not jevt.valu[/a] exists":                  "1:5: filter_check called with nonexistent field jevt.valu[/a]; did you mean jevt.value?",
		"reads and wrong":                           `1:11: macro "wrong": filter_check called with nonexistent field ka.nothing`,
		"ka.verb regex '('":                         "invalid regex pattern",
		strings.Repeat("x", ruleset.MaxCondition+1): "make several of it",
		strings.Repeat("(", 20000):                  "1:",
	} {
		_, err := parse(text, withMacros(t))
		var bad BadRequest
		require.ErrorAs(t, err, &bad, "%.100s", text)
		assert.ErrorContains(t, err, want, "%.100s", text)
		assert.True(t, strings.HasPrefix(err.Error(), "search: "), err.Error())
	}
}

// FuzzConditions: no condition panics, and every one that is taken has filters that can
// be read, whose bounds turn around with "not".
func FuzzConditions(f *testing.F) {
	for _, s := range []string{"ka.verb = get", "not (reads or ka.user.groups in (a, \",\"))", "kw.source.ips intersects (10.0.0.0/9, ::1)", "ka.uri glob a[b\\", "tolower(ka.uri) pmatch (/a/*)",
		"ka.target.name regex (a|\\x00)*", "ka.verb = oneof (a, b)", "evt.source = x", "ka.response.code < 0x1"} {
		f.Add(s)
	}
	rs := withMacros(f)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parse(text, rs)
		if err != nil || e == nil {
			return
		}
		b := boundsOf(e)
		require.NotEmpty(t, FilterText(b.upper)+FilterText(b.lower))
		require.Equal(t, FilterText(not(b.lower)), FilterText(negated(b).upper))
		_, err = newJudge(e, "", match.Options{})
		require.NoError(t, err)
	})
}
