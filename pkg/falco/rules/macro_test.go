package rules_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

func macroText(name, condition string) string {
	return "- {macro: " + name + ", condition: " + quoteYAML(condition) + "}\n"
}

func TestMacros(t *testing.T) {
	create, get := macroText("m", "ka.verb = create"), macroText("m", "ka.verb = get")
	for _, c := range []struct{ name, text, want string }{
		{"before the rule", create + ruleText("r", "m"), "ka.verb = create"},
		{"after the rule", ruleText("r", "m") + create, "ka.verb = create"},
		{"redefined after the rule", create + ruleText("r", "m") + get, "ka.verb = get"},
		{"a sub-expression", macroText("m", "ka.verb = a or ka.verb = b") + ruleText("r", "m and ka.uri = x"),
			"(ka.verb = a or ka.verb = b) and ka.uri = x"},
		{"negated as a whole", macroText("m", "ka.verb = a or ka.verb = b") + ruleText("r", "not m"), "not (ka.verb = a or ka.verb = b)"},
		{"append: true", create + "- {macro: m, append: true, condition: or ka.verb = get}\n" + ruleText("r", "m"), "ka.verb = create or ka.verb = get"},
		{"override append", create + "- {macro: m, condition: or ka.verb = get, override: {condition: append}}\n" + ruleText("r", "m"),
			"ka.verb = create or ka.verb = get"},
		{"append is text", macroText("m", "ka.verb = a or ka.verb = b") + "- {macro: m, condition: and ka.uri = x, override: {condition: append}}\n" + ruleText("r", "m"),
			"ka.verb = a or ka.verb = b and ka.uri = x"},
		{"override replace", create + "- {macro: m, condition: ka.verb = get, override: {condition: replace}}\n" + ruleText("r", "m"), "ka.verb = get"},
		{"of macros", create + macroText("n", "m or ka.uri = x") + ruleText("r", "n"), "ka.verb = create or ka.uri = x"},
		{"redefined to use a later one", macroText("m", "ka.uri = x") + macroText("n", "ka.verb = get") + macroText("m", "n") + ruleText("r", "m"), "ka.verb = get"},
		{"appended after a later one", macroText("m", "ka.uri = x") + macroText("n", "ka.verb = get") +
			"- {macro: m, condition: and n, override: {condition: append}}\n" + ruleText("r", "m"), "ka.uri = x and ka.verb = get"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := one(t, c.text).Condition.String()
			assert.Equal(t, normal(t, c.want), normal(t, got))
		})
	}
}

// normal is a condition as this package's neighbour prints it.
func normal(t *testing.T, cond string) string {
	t.Helper()
	return one(t, ruleText("r", cond)).Condition.String()
}

func TestMacroErrors(t *testing.T) {
	for _, c := range []struct{ name, text, code, msg, hint string }{
		{"undefined", ruleText("r", "nope"), rules.ErrValidate, "Undefined macro 'nope' used in filter.", ""},
		{"a later one", macroText("m", "n") + macroText("n", "ka.verb = get"), rules.ErrValidate, "Undefined macro 'n' used in filter.",
			"a macro sees only the macros that are defined before it; 'n' is defined at a.yaml:2"},
		{"itself", macroText("m", "m"), rules.ErrValidate, "Undefined macro 'm' used in filter.", "a macro can not use itself"},
		{"a loop", macroText("m", "ka.verb = x") + macroText("n", "m") + macroText("m", "n"), rules.ErrValidate, "reference loop in macro 'n'", ""},
		{"itself by redefinition", macroText("m", "ka.verb = x") + macroText("m", "m"), rules.ErrValidate, "reference loop in macro 'm'", ""},
		{"unused with bad syntax", macroText("m", "ka.verb ="), rules.ErrCompileCondition, "expected a string value", ""},
		{"append to nothing", "- {macro: m, condition: x, override: {condition: append}}\n", rules.ErrValidate,
			"Macro uses 'append' or 'override.condition: append' but no macro by that name already exists", ""},
		{"no condition", "- macro: m\n", rules.ErrYAMLValidate, "Item has no mapping for key 'condition'", ""},
		{"null condition", "- {macro: m, condition: }\n", rules.ErrYAMLValidate, "Mapping for key 'condition' is empty", ""},
		{"condition is a list", "- {macro: m, condition: [a]}\n", rules.ErrYAMLValidate, "Value is not a scalar value", ""},
		{"the name of a list", list("verbs", "create") + macroText("verbs", "ka.verb = get") + ruleText("r", "verbs"),
			rules.ErrValidate, "Undefined macro 'create' used in filter.", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := onlyError(t, c.text)
			assert.Equal(t, c.code, d.Code)
			assert.True(t, strings.HasPrefix(d.Message, c.msg), d.Message)
			assert.Equal(t, c.hint, d.Hint)
		})
	}
}

// onlyError is the only error of a text.
func onlyError(t testing.TB, texts ...string) rules.Diagnostic {
	t.Helper()
	rs, results := load(t, false, texts...)
	require.Nil(t, rs)
	var all []rules.Diagnostic
	for _, r := range results {
		all = append(all, r.Errors...)
	}
	require.Len(t, all, 1)
	return all[0]
}

// A file is compiled before the next one is read.
func TestMacroOfALaterFile(t *testing.T) {
	rs, results := load(t, false, ruleText("r", "m"), macroText("m", "ka.verb = get"))
	require.Nil(t, rs)
	assert.Equal(t, "Undefined macro 'm' used in filter.", results[0].Errors[0].Message)
	assert.True(t, results[1].Successful, "the second file adds nothing to it")
	assert.Empty(t, results[1].Errors)
}

// A problem of a macro is told once, in the macro, and not again for each rule.
func TestProblemInAMacro(t *testing.T) {
	text := macroText("m", "ka.verb = get and ka.nosuch = 1") + macroText("n", "m")
	for _, name := range []string{"a", "b", "c"} {
		text += ruleText(name, "ka.uri = x or n")
	}
	d := onlyError(t, text)
	assert.Equal(t, "filter_check called with nonexistent field ka.nosuch", d.Message)
	assert.Equal(t, 1, d.At().Line)
	assert.Equal(t, strings.Index(text, "ka.nosuch"), d.At().Offset)
	assert.Contains(t, d.Snippet, macroText("m", "ka.verb = get and ka.nosuch = 1")[:20])
	var types []string
	for _, l := range d.Context {
		types = append(types, strings.TrimSpace(l.ItemType+" "+l.ItemName))
	}
	assert.Equal(t, []string{"rules content", "rule a", "rule condition", "macro m", "macro condition", "condition expression"}, types)
}

// A broken macro does not make the rules that use it look broken too.
func TestNoFollowingErrors(t *testing.T) {
	for _, broken := range []string{
		"- macro: m\n",
		macroText("m", "ka.verb ="),
		macroText("m", "nope"),
		"- {macro: m, condition: ka.verb = x, override: {condition: nope}}\n",
	} {
		onlyError(t, broken+macroText("n", "m or ka.verb = y")+ruleText("r", "n and m")+ruleText("s", "not m"))
	}
	onlyError(t, "- {list: l, items: no}\n"+ruleText("r", "ka.verb in l and ka.uri in (l)"))
	onlyError(t, "- {rule: r, desc: d, output: x, priority: INFO}\n- {rule: r, enabled: true, override: {enabled: replace}}\n",
		"- {rule: r, condition: and ka.verb = x, override: {condition: append}}\n")
}

// Macros that double with every level have trees of 2^n checks.
func TestMacrosThatExplode(t *testing.T) {
	var text strings.Builder
	text.WriteString(macroText("m0", "ka.verb = create"))
	for i := 1; i <= 200; i++ {
		prev := "m" + strconv.Itoa(i-1)
		text.WriteString(macroText("m"+strconv.Itoa(i), prev+" and "+prev))
	}
	d := onlyError(t, text.String()+ruleText("r", "m200"))
	assert.Equal(t, "condition is too large with its macros in place", d.Message)
}
