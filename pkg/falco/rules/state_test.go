package rules_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// stateFields are auditFields with some of our own.
type stateFields struct{ auditFields }

func (s stateFields) Field(name string) (condition.FieldInfo, bool) {
	switch name {
	case "kw.level":
		return condition.FieldInfo{Name: name}, true
	case "kw.workload":
		return condition.FieldInfo{Name: name, State: condition.OfBefore}, true
	case "kw.correlate.count":
		return condition.FieldInfo{Name: name, State: condition.OfCount, Type: condition.TypeUint64}, true
	}
	return s.auditFields.Field(name)
}

func stateRule(key string) string {
	return "- macro: refused\n  condition: ka.response.code = 403\n- list: verbs\n  items: [create, patch]\n" +
		"- rule: r\n  desc: d\n  source: k8s_audit\n  condition: ka.stage = ResponseComplete and not refused or ka.verb in (verbs)\n  output: \"%kw.correlate.count\"\n  priority: NOTICE\n  skip-if-unknown-filter: true\n  " + key + "\n"
}

func loadState(text string, strict bool) (*rules.Ruleset, *rules.Result) {
	rs, results := rules.Load([]rules.File{{Name: "f.yaml", Content: []byte(text)}}, rules.Options{Catalogue: stateFields{}, Strict: strict})
	return rs, results[0]
}

func names(fields []*condition.Field) (out []string) {
	for _, f := range fields {
		out = append(out, f.String())
	}
	return out
}

func TestStatefulKeys(t *testing.T) {
	read := func(key string) *rules.State {
		rs, res := loadState(stateRule(key), false)
		require.NotNil(t, rs, "%s", res.Text())
		require.Empty(t, res.Warnings, "%s", res.Text())
		require.True(t, rs.Rule("r").Stateful())
		return rs.Rule("r").State
	}
	s := read("kw_threshold: {count: 20, within: 5m, by: [ka.user.name, 'ka.uri.param[limit]'], distinct: ka.target.name, suppress: 1h30m}")
	assert.Equal(t, rules.Threshold, s.Kind)
	assert.Equal(t, []any{20, 5 * time.Minute, 90 * time.Minute, []string{"ka.user.name", "ka.uri.param[limit]"}, []string{"ka.target.name"}, 12},
		[]any{s.Count, s.Within, s.Suppress, names(s.By), names(s.Distinct), s.Line})

	s = read("kw_sequence: {within: 90s, by: ka.user.name, steps: [{condition: refused}, {condition: ka.verb in (verbs), by: ka.impuser.name, differs: ka.uri}]}")
	assert.Equal(t, []any{rules.Sequence, 90 * time.Second, 90 * time.Second, 2}, []any{s.Kind, s.Within, s.Suppress, len(s.Steps)})
	assert.Contains(t, s.Steps[0].Condition.String(), "ka.response.code = 403", "macros")
	assert.Contains(t, s.Steps[1].Condition.String(), "ka.verb in (create, patch)", "lists")
	assert.Contains(t, s.Steps[1].Condition.String(), "ka.stage = ResponseComplete", "the rule's own condition")
	assert.Equal(t, [][]string{{"ka.user.name"}, {"ka.impuser.name"}, nil, {"ka.uri"}},
		[][]string{names(s.Steps[0].By), names(s.Steps[1].By), names(s.Steps[0].Differs), names(s.Steps[1].Differs)})

	s = read("kw_new_terms: {fields: [ka.useragent]}")
	assert.Equal(t, []any{rules.NewTerms, 14 * 24 * time.Hour, 24 * time.Hour, []string{"ka.useragent"}}, []any{s.Kind, s.Within, s.Learning, names(s.Terms)})
	s = read("kw_absence: {completion: {create: 1m, patch: 2m}}")
	assert.Equal(t, map[string]time.Duration{"create": time.Minute, "patch": 2 * time.Minute}, s.Timers)
	s = read("kw_absence: {silence: 15m, by: ka.target.namespace}")
	assert.Equal(t, []any{rules.Absence, 15 * time.Minute, 0}, []any{s.Kind, s.Within, len(s.Timers)})
}

// TestStatefulKeysAreChecked: each mistake is told once, with its place and words that
// say what to do.
func TestStatefulKeysAreChecked(t *testing.T) {
	for key, want := range map[string]string{
		"kw_treshold: {count: 2}":                                                                                                "12:3: Unknown key 'kw_treshold'",
		"kw_threshold: 5":                                                                                                        "12:3: kw_threshold is a mapping",
		"kw_threshold: {count: 2, within: 5m, cuont: 3}":                                                                         "12:40: Unknown key 'cuont' in kw_threshold",
		"kw_threshold: {count: 1, within: 5m}":                                                                                   "12:25: count is a number from 2 to 10000",
		"kw_threshold: {count: 1001, within: 5m, distinct: ka.uri}":                                                              "12:25: count is a number from 2 to 1000",
		"kw_threshold: {count: 2}":                                                                                               "12:3: Item has no mapping for key 'within'",
		"kw_threshold: {count: 2, within: 25h}":                                                                                  "12:36: within is from 1s to 1d",
		"kw_threshold: {count: 2, within: 5 m}":                                                                                  `12:36: "5 m" is no length of time`,
		"kw_threshold: {count: 2, within: 5m, suppress: 1m}":                                                                     "12:50: suppress is from 5m to 30d",
		"kw_threshold: {count: 2, within: 5m, by: ka.nope}":                                                                      "12:44: filter_check called with nonexistent field ka.nope",
		"kw_threshold: {count: 2, within: 5m, by: tolower(ka.verb)}":                                                             "12:44: 'tolower(ka.verb)' is a transformer",
		"kw_threshold: {count: 2, within: 5m, by: ka.uri.param}":                                                                 "12:44: filter 'ka.uri.param'",
		"kw_threshold: {count: 2, within: 5m, by: kw.correlate.count}":                                                           "12:44: 'kw.correlate.count' has a value only when the rule has fired",
		"kw_threshold: {count: 2, within: 5m, within: 6m}":                                                                       "12:40: Key 'within' stands twice",
		"kw_threshold: {count: 2, within: 5m}\n  kw_absence: {silence: 5m}":                                                      "13:3: A rule has one of the kw_ keys",
		"kw_sequence: {within: 5m, steps: [{condition: ka.verb = a}]}":                                                           "12:36: kw_sequence has steps, a sequence of 2 to 5",
		"kw_sequence: {within: 5m, steps: [{condition: ka.verb = a, differs: ka.uri}, {condition: refused}]}":                    "12:71: The first step has none before it",
		"kw_sequence: {within: 5m, steps: [{condition: refused}, {condition: nothing}]}":                                         "12:71: Undefined macro 'nothing'",
		"kw_sequence: {within: 5m, steps: [{condition: refused}, {condition: 'kw.correlate.count > 1'}]}":                        "12:71: 'kw.correlate.count' has a value only in the output",
		"kw_sequence: {within: 5m, by: ka.uri, steps: [{condition: refused}, {condition: refused, by: [ka.uri, ka.user.name]}]}": "12:96: by of a step has a field for each of the 1",
		"kw_new_terms: {by: ka.user.name}":                                                                                       "12:3: Item has no mapping for key 'fields'",
		"kw_new_terms: {fields: ka.uri, within: 36h}":                                                                            "12:42: within is in whole days",
		"kw_new_terms: {fields: ka.uri, learning: 1m}":                                                                           "12:44: learning is 0s, or at least 10m",
		"kw_absence: {}": "12:3: kw_absence has either completion or silence",
		"kw_absence: {silence: 5m, completion: {get: 1m}}": "12:3: kw_absence has either completion or silence",
		"kw_absence: {completion: {watch: 1m}}":            "12:29: requests of verb watch last as long",
		"kw_absence: {completion: {get: 1m}, by: ka.uri}":  "12:43: completion is of each request",
		"kw_absence: {silence: 10s}":                       "12:25: silence is from 1m to 1d",
	} {
		rs, res := loadState(stateRule(key), false)
		require.Nil(t, rs, key)
		require.Len(t, res.Errors, 1, "%s: %s", key, res.Text())
		e := res.Errors[0]
		assert.True(t, strings.HasPrefix(strings.TrimPrefix(place(&e)+": "+e.Message, "f.yaml:"), want), "%s: %s: %s", key, place(&e), e.Message)
	}
}

func place(d *rules.Diagnostic) string {
	at := d.String()
	return at[:strings.Index(at, ": ")]
}

func TestFalcoSkipsStatefulRules(t *testing.T) {
	key := "kw_threshold: {count: 2, within: 5m}"
	_, res := loadState(stateRule(key), true)
	require.True(t, res.Successful, "%s", res.Text())
	assert.Equal(t, rules.WarnUnknownKey, res.Warnings[0].Code, "what Falco says of it")

	for _, text := range []string{
		strings.Replace(stateRule(key), "  skip-if-unknown-filter: true\n", "", 1),
		strings.Replace(stateRule(key), "%kw.correlate.count", "x", 1),
	} {
		rs, res := loadState(text, false)
		require.NotNil(t, rs)
		require.Len(t, res.Warnings, 1)
		assert.Equal(t, rules.WarnStateInFalco, res.Warnings[0].Code)
	}
	_, res = loadState(strings.Replace(stateRule(""), "not refused", "kw.correlate.count > 3", 1), false)
	assert.Contains(t, res.Text(), "has a value only in the output")
	_, res = loadState(stateRule(""), false)
	assert.Contains(t, res.Text(), "kw.correlate.* have values only in rules with")
	_, res = loadState(stateRule(key)+"- rule: r\n  enabled: false\n  kw_threshold: {count: 3}\n", false)
	assert.Contains(t, res.Text(), "Key 'kw_threshold' cannot be appended or overridden")

	rs, res := loadState(strings.Replace(stateRule(""), "%kw.correlate.count", "%kw.workload", 1), false)
	require.NotNil(t, rs, "%s", res.Text())
	assert.True(t, rs.Rule("r").Stateful(), "what was seen before is asked for")
	assert.Nil(t, rs.Rule("r").State)
}

// FuzzParseDuration: what is read is written in one way, and read again as the same.
func FuzzParseDuration(f *testing.F) {
	for _, seed := range []string{"90s", "1h30m", "14d", "0s", "", "5 m", "1m1h", "99999999999999999999s", "3650d", "1d24h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := rules.ParseDuration(text)
		if err != nil {
			return
		}
		require.True(t, d >= 0 && d <= 3650*24*time.Hour, "%s", d)
		again, err := rules.ParseDuration(rules.FormatDuration(d))
		require.NoError(t, err)
		require.Equal(t, d, again)
	})
}

// FuzzStatefulKey loads a rule with any YAML as its key: no panic, every problem with a
// place, and what loads is within the bounds that the grammar names.
func FuzzStatefulKey(f *testing.F) {
	for _, seed := range []string{
		"kw_threshold: {count: 20, within: 5m, by: [ka.user.name], distinct: ka.target.name, suppress: 1h}",
		"kw_sequence: {within: 90s, by: ka.user.name, steps: [{condition: refused}, {condition: ka.verb in (verbs), by: ka.impuser.name, differs: ka.uri}]}",
		"kw_new_terms: {fields: [ka.useragent], within: 2d, learning: 0s}", "kw_absence: {completion: {create: 1m}}", "kw_absence: {silence: 15m}", "kw_: ~", "kw_threshold: [a]", "kw_sequence: {steps: 1}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if len(key) > 1<<12 {
			return
		}
		text := stateRule(key)
		rs, res := loadState(text, false)
		checkResult(t, res, len(text), rs != nil)
		if rs == nil {
			return
		}
		for _, r := range rs.Rules {
			s := r.State
			if s == nil {
				continue
			}
			require.Positive(t, s.Within)
			require.GreaterOrEqual(t, s.Suppress, s.Within)
			require.True(t, s.Kind != rules.Threshold || s.Count >= 2)
			require.True(t, s.Kind != rules.Sequence || len(s.Steps) >= 2)
			require.True(t, s.Kind != rules.NewTerms || len(s.Terms) > 0)
			for _, step := range s.Steps {
				require.Len(t, step.By, len(s.By))
				require.NotNil(t, step.Condition)
			}
		}
	})
}
