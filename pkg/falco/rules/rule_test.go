package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

const first = `- rule: a
  desc: first
  condition: ka.verb = create or ka.verb = get
  output: "  %ka.auditid "
  priority: warning
  source: k8s_audit
  tags: [t2, t1, t2, 3]
`

func TestDefinition(t *testing.T) {
	r := one(t, first)
	assert.Equal(t, "a", r.Name)
	assert.Equal(t, "first", r.Desc)
	assert.Equal(t, "%ka.auditid", r.Output, "trimmed")
	assert.Equal(t, rules.Warning, r.Priority)
	assert.Equal(t, []string{"3", "t1", "t2"}, r.Tags, "sorted and unique")
	assert.Equal(t, "k8s_audit", r.Source)
	assert.True(t, r.Enabled)
	assert.False(t, r.SkipIfUnknownFilter)
	assert.Equal(t, "ka.verb = create or ka.verb = get", r.Written)
	assert.Equal(t, r.Written, r.ConditionText)
	assert.Equal(t, []string{"ka.verb"}, r.ConditionFields())
	assert.Equal(t, "a.yaml", r.File)
	assert.Equal(t, 1, r.Line)
	require.Len(t, r.Format.Fields, 1)
	assert.True(t, r.HasTag("t1"))
	assert.False(t, r.HasTag("t"))
	assert.Equal(t, []string{}, one(t, ruleText("r", "ka.verb = x")).Tags)
}

// change is one item over the rule "first", and what comes of it.
type change struct {
	name, item string
	want       func(r *rules.Rule)
	code, msg  string // the error instead
}

func TestChanges(t *testing.T) {
	for _, c := range []change{
		{name: "replaced whole", item: "- {rule: a, desc: d, condition: ka.verb = x, output: o, priority: INFO, source: k8s_audit}",
			want: func(r *rules.Rule) {
				r.Desc, r.Written, r.Output, r.Priority, r.Tags = "d", "ka.verb = x", "o", rules.Informational, []string{}
			}},
		{name: "append: true", item: "- {rule: a, append: true, condition: and ka.uri = x, output: ignored, tags: [ignored], desc: ignored}",
			want: func(r *rules.Rule) { r.Written += " and ka.uri = x" }},
		{name: "append: true of tags only", item: "- {rule: a, append: true, tags: [x]}", code: rules.ErrValidate,
			msg: "Appended rule must have exceptions or condition property"},
		{name: "append everything", item: "- {rule: a, condition: and ka.uri = x, output: '%ka.uri', desc: more, tags: [t0], override: {condition: append, output: append, desc: append, tags: append}}",
			want: func(r *rules.Rule) {
				r.Written += " and ka.uri = x"
				r.Output, r.Desc, r.Tags = "%ka.auditid %ka.uri", "first more", []string{"3", "t0", "t1", "t2"}
			}},
		{name: "replace everything", item: "- {rule: a, condition: ka.uri = x, output: o, desc: d, tags: [], priority: DEBUG, enabled: off, capture: y, capture_duration: 0x10, warn_evttypes: N, skip-if-unknown-filter: 'on', " +
			"override: {condition: replace, output: replace, desc: replace, tags: replace, priority: replace, enabled: replace, capture: replace, capture_duration: replace, warn_evttypes: replace, skip-if-unknown-filter: replace}}",
			want: func(r *rules.Rule) {
				r.Written, r.Output, r.Desc, r.Tags, r.Priority = "ka.uri = x", "o", "d", []string{}, rules.Debug
				r.Enabled, r.SkipIfUnknownFilter = false, true
			}},
		{name: "append and replace", item: "- {rule: a, condition: and ka.uri = x, priority: DEBUG, override: {condition: append, priority: replace}}",
			want: func(r *rules.Rule) { r.Written += " and ka.uri = x"; r.Priority = rules.Debug }},
		{name: "standalone enabled", item: "- {rule: a, enabled: no}", want: func(r *rules.Rule) { r.Enabled = false }},
		{name: "standalone without enabled", item: "- {rule: a, tags: [x]}", code: rules.ErrYAMLValidate, msg: "Item has no mapping for key 'enabled'"},
		{name: "other source", item: "- {rule: a, desc: d, condition: evt.num > 1, output: o, priority: INFO}", code: rules.ErrValidate,
			msg: "Rule has been re-defined with a different source"},
		{name: "override of what is not there", item: "- {rule: a, override: {priority: replace}}", code: rules.ErrYAMLValidate,
			msg: "An replace override for 'priority' was specified but 'priority' is not defined"},
		{name: "append of what is not there", item: "- {rule: a, override: {tags: append}}", code: rules.ErrYAMLValidate,
			msg: "An append override for 'tags' was specified but 'tags' is not defined"},
		{name: "no override for a key", item: "- {rule: a, priority: DEBUG, tags: [x], override: {priority: replace}}", code: rules.ErrYAMLValidate,
			msg: "Unexpected key 'tags': no corresponding entry under 'override' is defined."},
		{name: "append of a priority", item: "- {rule: a, priority: DEBUG, override: {priority: append}}", code: rules.ErrYAMLValidate,
			msg: "Key 'priority' cannot be appended to, use 'replace' instead"},
		{name: "override of the source", item: "- {rule: a, source: x, override: {source: replace}}", code: rules.ErrYAMLValidate, msg: "Key 'source' cannot be replaced"},
		{name: "unknown operation", item: "- {rule: a, tags: [x], override: {tags: remove}}", code: rules.ErrYAMLValidate,
			msg: "Invalid override operation for key 'tags': 'remove'. Allowed values are: append replace "},
		{name: "null operation", item: "- {rule: a, tags: [x], override: {tags: }}", code: rules.ErrYAMLValidate,
			msg: "Invalid override operation for key 'tags': 'null'. Allowed values are: append replace "},
		{name: "append and override", item: "- {rule: a, append: true, condition: and ka.uri = x, override: {condition: append}}", code: rules.ErrYAMLValidate,
			msg: "Keys 'override' and 'append: true' cannot be used together. Add an 'append' entry (e.g. 'condition: append') under 'override' instead."},
		{name: "bad priority", item: "- {rule: a, priority: WARN, override: {priority: replace}}", code: rules.ErrYAMLValidate, msg: "Invalid priority"},
		{name: "override is a list", item: "- {rule: a, override: [x]}", code: rules.ErrValidate, msg: "Key 'override' is not a mapping of keys to 'append' or 'replace'"},
		{name: "append to another name", item: "- {rule: b, condition: and x, override: {condition: append}}", code: rules.ErrValidate,
			msg: "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists"},
		{name: "replace in another name", item: "- {rule: b, priority: DEBUG, override: {priority: replace}}", code: rules.ErrValidate,
			msg: "An 'override.<key>: replace' to a rule was requested but no rule by that name already exists"},
		{name: "both in another name", item: "- {rule: b, priority: DEBUG, condition: x, override: {priority: replace, condition: append}}", code: rules.ErrValidate,
			msg: "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists"},
		{name: "enable another name", item: "- {rule: b, enabled: true}", code: rules.ErrValidate, msg: "Rule has 'enabled' key but no rule by that name already exists"},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, first+c.item+"\n") })
		t.Run(c.name+", another file", func(t *testing.T) { c.check(t, first, c.item) })
	}
}

func (c change) check(t *testing.T, texts ...string) {
	if c.msg != "" {
		d := onlyError(t, texts...)
		assert.Equal(t, c.code, d.Code)
		assert.Equal(t, c.msg, d.Message)
		return
	}
	want := one(t, first)
	c.want(want)
	got := one(t, texts...)
	for _, r := range []*rules.Rule{want, got} { // what follows from the rest
		r.ConditionText, r.Condition, r.Format, r.Line, r.File = "", nil, nil, 0, ""
	}
	assert.Equal(t, want, got)
}

func TestRuleErrors(t *testing.T) {
	for _, c := range []struct{ name, text, code, msg string }{
		{"no name", "- {rule: }\n", rules.ErrYAMLValidate, "Mapping for key 'rule' is empty"},
		{"empty name", "- {rule: ''}\n", rules.ErrYAMLValidate, "Value must be non-empty"},
		{"empty desc", strings.Replace(first, "first", `""`, 1), rules.ErrYAMLValidate, "Value must be non-empty"},
		{"no output", strings.Replace(first, "output", "out", 1), rules.ErrYAMLValidate, "Item has no mapping for key 'output'"},
		{"priority with a blank", strings.Replace(first, "warning", "'DEBUG '", 1), rules.ErrYAMLValidate, "Invalid priority"},
		{"priority by number", strings.Replace(first, "warning", "4", 1), rules.ErrYAMLValidate, "Invalid priority"},
		{"enabled: 1", first + "  enabled: 1\n", rules.ErrYAMLValidate, "Can't decode YAML scalar value"},
		{"enabled: yEs", first + "  enabled: yEs\n", rules.ErrYAMLValidate, "Can't decode YAML scalar value"},
		{"enabled: null", first + "  enabled: ~\n", rules.ErrYAMLValidate, "Mapping for key 'enabled' is empty"},
		{"tags is a text", strings.Replace(first, "[t2, t1, t2, 3]", "x", 1), rules.ErrYAMLValidate, "Value is not a sequence"},
		{"a null tag", strings.Replace(first, "t1", "~", 1), rules.ErrYAMLValidate, "sequence value is not scalar"},
		{"capture_duration: -1", first + "  capture_duration: -1\n", rules.ErrYAMLValidate, "Can't decode YAML scalar value"},
		{"a disabled rule is compiled", first + "  enabled: no\n  exceptions: [{name: x, fields: ka.nosuch}]\n", rules.ErrValidate, "'ka.nosuch' is not a supported filter field"},
		{"unknown field", strings.Replace(first, "ka.verb = get", "ka.nosuch = x", 1), rules.ErrCompileCondition, "filter_check called with nonexistent field ka.nosuch"},
		{"unknown field in the output", strings.Replace(first, "%ka.auditid", "%ka", 1), rules.ErrCompileOutput, "unknown filter: ka"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := onlyError(t, c.text)
			assert.Equal(t, c.code, d.Code)
			assert.Equal(t, c.msg, d.Message)
		})
	}
}

func TestSources(t *testing.T) {
	noSource := strings.Replace(first, "  source: k8s_audit\n", "", 1)
	rs, results := load(t, false, noSource)
	require.Nil(t, rs)
	assert.Equal(t, rules.ErrCompileOutput, results[0].Errors[0].Code, "the output comes first")
	for _, d := range results[0].Errors {
		assert.Equal(t, "rule 'a' is for system calls, as rules are that name no source; for audit events it needs 'source: k8s_audit'", d.Hint)
	}
	require.Len(t, results[0].Errors, 3, "both checks and the output")

	rs, results = load(t, false, "- {rule: s, desc: d, condition: evt.num > 5, output: x, priority: INFO}\n- {rule: q, desc: d, condition: evt.num > 5, output: x, priority: INFO, warn_evttypes: no}\n")
	require.NotNil(t, rs)
	assert.Empty(t, rs.Rules, "no system call will ever come")
	require.Len(t, results[0].Warnings, 1)
	assert.Equal(t, rules.WarnNoEvttype, results[0].Warnings[0].Code)

	rs, results = load(t, false, "- {rule: s, desc: d, condition: no such (, output: '%x', priority: INFO, source: aws_cloudtrail, exceptions: [{name: x, fields: x.y}]}\n- {rule: s, append: true, condition: and}\n")
	require.NotNil(t, rs, results[0].Text())
	assert.Empty(t, rs.Rules)
	assert.Equal(t, "Unknown source aws_cloudtrail, skipping", results[0].Warnings[0].Message)

	rs, results = rules.Load(files(strings.Replace(first, "k8s_audit", "other", 1)), rules.Options{Catalogue: auditFields{}, Sources: []string{"other"}})
	require.NotNil(t, rs, results[0].Text())
	assert.Len(t, rs.Rules, 1)
}

func TestSkipIfUnknownFilter(t *testing.T) {
	const skip = "  skip-if-unknown-filter: true\n"
	for _, c := range []struct{ name, text, warning, err string }{
		{"in the condition", strings.Replace(first, "ka.verb = get", "ka.nosuch = x", 1) + skip, "filter_check called with nonexistent field ka.nosuch", ""},
		{"in the output", strings.Replace(first, "%ka.auditid", "%nosuch.field", 1) + skip, "unknown filter: nosuch.field", ""},
		{"in a macro", macroText("m", "ka.nosuch = x") + strings.Replace(first, "ka.verb = get", "m", 1) + skip, "filter_check called with nonexistent field ka.nosuch", ""},
		{"after another error", strings.Replace(first, "ka.verb = create", "ka.user.groups = x and ka.nosuch = y", 1) + skip, "", "filter error: '=' operator not supported list filters"},
		{"in an exception", first + skip + "  exceptions: [{name: x, fields: ka.nosuch}]\n", "", "'ka.nosuch' is not a supported filter field"},
		{"not the field is wrong", strings.Replace(first, "ka.verb = get", "ka.uri.param = x", 1) + skip, "", "filter 'ka.uri.param': ka.uri.param requires an argument but none provided"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs, results := load(t, false, c.text+ruleText("other", "ka.verb = x"))
			if c.err != "" {
				require.Nil(t, rs)
				assert.Equal(t, c.err, results[0].Errors[0].Message)
				return
			}
			require.NotNil(t, rs, results[0].Text())
			require.Len(t, rs.Rules, 1)
			require.Len(t, results[0].Warnings, 1)
			assert.Equal(t, rules.WarnUnknownFilter, results[0].Warnings[0].Code)
			assert.Equal(t, c.warning, results[0].Warnings[0].Message)
		})
	}
}

func TestOrderOfRules(t *testing.T) {
	rs, _ := load(t, false, ruleText("a", "ka.verb = x")+ruleText("b", "ka.verb = x")+ruleText("c", "ka.verb = x"),
		ruleText("b", "ka.verb = y")+ruleText("d", "ka.verb = y")+ruleText("a", "ka.verb = y"))
	var names []string
	for _, r := range rs.Rules {
		names = append(names, r.Name+" "+r.File)
	}
	assert.Equal(t, []string{"a b.yaml", "b b.yaml", "c a.yaml", "d b.yaml"}, names)
	assert.Nil(t, rs.Rule("e"))
}

func TestPriorities(t *testing.T) {
	for text, want := range map[string]rules.Priority{
		"emergency": rules.Emergency, "Alert": rules.Alert, "CRITICAL": rules.Critical, "eRRor": rules.Error,
		"Warning": rules.Warning, "notice": rules.Notice, "informational": rules.Informational, "INFO": rules.Informational, "DEBUG": rules.Debug,
	} {
		got, err := rules.ParsePriority(text)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, text := range []string{"", "WARN", "ERR", "4", "DEBUG "} {
		_, err := rules.ParsePriority(text)
		assert.Error(t, err, text)
	}
	assert.Equal(t, "Informational", rules.Informational.String())
	assert.Equal(t, "Priority(9)", rules.Priority(9).String())
}

func TestMinPriority(t *testing.T) {
	text := strings.Replace(first, "warning", "debug", 1) + strings.NewReplacer("rule: a", "rule: b").Replace(first)
	for _, c := range []struct {
		min  rules.Priority
		want int
	}{{rules.Debug, 2}, {rules.Warning, 1}, {rules.Error, 0}} {
		rs, _ := rules.Load(files(text), rules.Options{Catalogue: auditFields{}, MinPriority: &c.min})
		assert.Len(t, rs.Rules, c.want, c.min)
	}
	limit := rules.Emergency
	rs, results := rules.Load(files(strings.Replace(text, "ka.verb = get", "ka.nosuch = x", 1)), rules.Options{Catalogue: auditFields{}, MinPriority: &limit})
	require.Nil(t, rs, "what is not urgent enough is compiled all the same")
	assert.Len(t, results[0].Errors, 1)
}

func TestOutputs(t *testing.T) {
	for _, c := range []struct{ name, output, want, warning string }{
		{"container.info", "a %container.info b", "a  b", "%container.info is deprecated and no more useful, and will be dropped by Falco 1.0.0. " +
			"The container plugin will automatically add required fields to the output message."},
		{"nothing but blanks", "  ", "", ""},
		{"a deprecated field as text", "no evt.dir here", "no evt.dir here", "usage of deprecated field 'evt.dir' has been detected in the rule output"},
		{"a name cut short", "%ka.verbose", "%ka.verbose", "'%ka.verbose' is no field: it prints the field 'ka.verb' followed by the text 'ose'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs, results := load(t, false, strings.Replace(first, "  %ka.auditid ", c.output, 1))
			require.NotNil(t, rs, results[0].Text())
			assert.Equal(t, c.want, rs.Rules[0].Output)
			if c.warning == "" {
				assert.Empty(t, results[0].Warnings)
				return
			}
			require.Len(t, results[0].Warnings, 1)
			assert.Equal(t, c.warning, results[0].Warnings[0].Message)
		})
	}
	_, results := load(t, true, strings.Replace(first, "%ka.auditid", "%ka.verbose", 1))
	assert.Empty(t, results[0].Warnings, "Falco is silent")
}

func TestUnknownKeys(t *testing.T) {
	_, results := load(t, false, "- {list: l, items: [a], condition: x, Append: true}\n- {macro: m, condition: ka.verb in (l), items: []}\n"+
		ruleText("r", "m")+first+"  override: none\n  exceptions: [{name: x, fields: ka.verb, nosuch: 1}]\n  <<: {x: 1}\n"+
		"- {required_engine_version: 1, list: x}\n- {nosuch: 1}\n- {}\n- ~\n-\n")
	require.True(t, results[0].Successful, results[0].Text())
	var told []string
	for _, w := range results[0].Warnings {
		told = append(told, w.Code+" "+w.Message)
	}
	assert.Equal(t, []string{
		"LOAD_UNKNOWN_KEY Unknown key 'condition'. The key will be ignored.",
		"LOAD_UNKNOWN_KEY Unknown key 'Append'. The key will be ignored.",
		"LOAD_UNKNOWN_KEY Unknown key 'items'. The key will be ignored.",
		"LOAD_UNKNOWN_KEY Key 'override' is not a mapping. The key will be ignored.",
		"LOAD_UNKNOWN_KEY Unknown key '<<'. The key will be ignored.",
		"LOAD_UNKNOWN_KEY Unknown key 'list'. The key will be ignored.",
		"LOAD_UNKNOWN_ITEM Unknown top level item",
		"LOAD_UNKNOWN_ITEM Unknown top level item",
	}, told)
}
