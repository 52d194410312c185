package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// excepted is a rule "a" with the condition "ka.verb exists or ka.uri exists" and
// exceptions.
func excepted(exceptions string) string {
	return "- {rule: a, desc: d, output: x, priority: INFO, source: k8s_audit, condition: ka.verb exists or ka.uri exists, exceptions: [" + exceptions + "]}\n"
}

func TestExceptions(t *testing.T) {
	const l = "- {list: l, items: [alice, b c]}\n"
	for _, c := range []struct{ name, text, want string }{
		{"one field", excepted("{name: x, fields: ka.verb, values: [create, a b]}"), `and not (ka.verb in (create, "a b"))`},
		{"pmatch", excepted("{name: x, fields: ka.uri, comps: pmatch, values: [/api]}"), "and not (ka.uri pmatch (/api))"},
		{"intersects", excepted("{name: x, fields: ka.user.groups, comps: intersects, values: [dev]}"), "and not (ka.user.groups intersects (dev))"},
		{"a modifier", excepted("{name: x, fields: ka.verb, comps: startswith oneof, values: [a, b]}"), "and not (ka.verb startswith oneof (a, b))"},
		{"the name of a list", l + excepted("{name: x, fields: ka.verb, values: [l]}"), `and not (ka.verb in ( alice, "b c" ))`},
		{"no values", excepted("{name: x, fields: ka.verb}"), ""},
		{"empty values", excepted("{name: x, fields: [ka.verb], values: []}"), ""},
		{"several fields", excepted("{name: x, fields: [ka.verb, ka.uri], values: [[create, /a b], [get, 7]]}"),
			`and not ((ka.verb = create and ka.uri = "/a b") or (ka.verb = get and ka.uri = 7))`},
		{"lists in a row", excepted("{name: x, fields: [ka.verb, ka.user.name], comps: [=, in], values: [[create, [alice, a b]]]}"),
			`and not ((ka.verb = create and ka.user.name in (alice, "a b")))`},
		{"a text where a list is wanted", excepted(`{name: x, fields: [ka.verb], comps: [in], values: [["a, b"], [(c)]]}`),
			"and not ((ka.verb in (a, b)) or (ka.verb in (c)))"},
		{"a list's name where a list is wanted", l + excepted("{name: x, fields: [ka.verb], comps: [pmatch], values: [[l]]}"), `and not ((ka.verb pmatch ( alice, "b c" )))`},
		{"a modifier in a row", excepted("{name: x, fields: [ka.uri], comps: [contains anyof], values: [[/a], [[/b, /c]]]}"),
			"and not ((ka.uri contains anyof (/a)) or (ka.uri contains anyof (/b, /c)))"},
		{"quotes of one's own", excepted(`{name: x, fields: [ka.verb], values: [['"a=b"']]}`), `and not ((ka.verb = "a=b"))`},
		{"several of one name", excepted("{name: x, fields: ka.verb, values: [a]}, {name: x, fields: ka.uri, values: [b]}"),
			"and not (ka.verb in (a)) and not (ka.uri in (b))"},
		{"arguments and transformers", excepted(`{name: x, fields: ["ka.uri.param[limit]", "toupper(ka.verb)"], values: [["5", LIST]]}`),
			"and not ((ka.uri.param[limit] = 5 and toupper(ka.verb) = LIST))"},
		{"append values", excepted("{name: x, fields: [ka.verb], values: [[a]]}") + "- {rule: a, append: true, exceptions: [{name: x, values: [[b]]}]}\n",
			"and not ((ka.verb = a) or (ka.verb = b))"},
		{"append another", excepted("{name: x, fields: ka.verb, values: [a]}") + "- {rule: a, exceptions: [{name: y, fields: ka.uri, values: [b]}], override: {exceptions: append}}\n",
			"and not (ka.verb in (a)) and not (ka.uri in (b))"},
		{"append a condition", excepted("{name: x, fields: ka.verb, values: [a]}") + "- {rule: a, append: true, condition: or ka.verb = b}\n",
			"or ka.verb = b) and not (ka.verb in (a))"},
		{"replace", excepted("{name: x, fields: ka.verb, values: [a]}") + "- {rule: a, exceptions: [{name: y, fields: ka.uri, comps: in, values: [b]}], override: {exceptions: replace}}\n",
			"and not (ka.uri in (b))"},
		// Falco dies of the first and does not compile the second.
		{"replace, operators left out", excepted("") + "- {rule: a, exceptions: [{name: y, fields: [ka.uri], values: [[b]]}], override: {exceptions: replace}}\n",
			"and not ((ka.uri = b))"},
		{"replace, operator left out", excepted("") + "- {rule: a, exceptions: [{name: y, fields: ka.uri, values: [b]}], override: {exceptions: replace}}\n",
			"and not (ka.uri in (b))"},
		{"redefined", excepted("{name: x, fields: ka.verb, values: [a]}") + excepted("{name: y, fields: ka.uri, values: [b]}"), "and not (ka.uri in (b))"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := "(ka.verb exists or ka.uri exists) " + c.want
			if strings.HasPrefix(c.want, "or") {
				want = "(ka.verb exists or ka.uri exists " + c.want
			}
			assert.Equal(t, strings.TrimSpace(want), one(t, c.text).ConditionText)
		})
	}
}

func TestNullExceptions(t *testing.T) {
	for _, value := range []string{"~", "[]"} {
		r := one(t, "- {rule: a, desc: d, output: x, priority: INFO, source: k8s_audit, condition: ka.verb exists, exceptions: "+value+"}\n")
		assert.Equal(t, "ka.verb exists", r.ConditionText)
	}
}

func TestExceptionErrors(t *testing.T) {
	base := excepted("{name: x, fields: [ka.verb], values: [[a]]}")
	for _, c := range []struct{ name, text, code, msg string }{
		{"a mapping", "- {rule: a, desc: d, output: x, priority: INFO, source: k8s_audit, condition: ka.verb exists, exceptions: {x: 1}}\n",
			rules.ErrYAMLValidate, "Rule exceptions must be a sequence"},
		{"a text among them", excepted("x"), rules.ErrYAMLValidate, "Rule exception must be a mapping"},
		{"no name", excepted("{fields: ka.verb}"), rules.ErrYAMLValidate, "Item has no mapping for key 'name'"},
		{"no fields", excepted("{name: x}"), rules.ErrYAMLValidate, "Item has no mapping for key 'fields'"},
		{"null fields", excepted("{name: x, fields: }"), rules.ErrValidate, "Rule exception item must have fields property with a list of fields"},
		{"no field", excepted("{name: x, fields: []}"), rules.ErrValidate, "Rule exception item must have fields property with a list of fields"},
		{"values is a text", excepted("{name: x, fields: ka.verb, values: a}"), rules.ErrYAMLValidate, "Rule exception values must be a sequence"},
		{"an empty value", excepted("{name: x, fields: ka.verb, values: [a, '']}"), rules.ErrYAMLValidate, "Value must be non-empty"},
		{"an empty value in a row", excepted("{name: x, fields: [ka.verb], values: [['']]}"), rules.ErrYAMLValidate, "Value must be non-empty"},
		{"a row for one field", excepted("{name: x, fields: ka.verb, values: [[a, b]]}"), rules.ErrValidate, "Expected values array to contain a list of strings"},
		{"a text for a row", excepted("{name: x, fields: [ka.verb], values: [a]}"), rules.ErrValidate, "Fields and values lists must have equal length"},
		{"a short row", excepted("{name: x, fields: [ka.verb, ka.uri], values: [[a]]}"), rules.ErrValidate, "Fields and values lists must have equal length"},
		{"too few operators", excepted("{name: x, fields: [ka.verb, ka.uri], comps: [=], values: []}"), rules.ErrValidate, "Fields and comps lists must have equal length"},
		{"one operator for a list", excepted("{name: x, fields: [ka.verb], comps: in}"), rules.ErrValidate, "Fields and comps lists must have equal length"},
		{"operators for one field", excepted("{name: x, fields: ka.verb, comps: [in]}"), rules.ErrValidate, "Fields and comps must both be strings"},
		{"no such operator", excepted("{name: x, fields: [ka.verb], comps: [is]}"), rules.ErrValidate, "'is' is not a supported comparison operator"},
		{"no operator for one field", excepted("{name: x, fields: ka.verb, comps: =}"), rules.ErrValidate,
			"When fields is a single value, comps must be one of (in, pmatch, intersects) or a modifier operator (e.g. startswith oneof)"},
		{"no such field", excepted("{name: x, fields: [ka.verb, ka.nosuch]}"), rules.ErrValidate, "'ka.nosuch' is not a supported filter field"},
		{"no field at all", excepted("{name: x, fields: a b}"), rules.ErrValidate, "'a b' is not a supported filter field"},
		{"exists", excepted("{name: x, fields: [ka.verb], comps: [exists], values: [[a]]}"), rules.ErrCompileCondition, "expected a ')' token"},
		{"a list for =", excepted("{name: x, fields: [ka.verb], values: [[[a, b]]]}"), rules.ErrCompileCondition,
			"expected a string value or a field with a valid transformer: 'val', 'tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt'"},
		{"a null value", excepted("{name: x, fields: [ka.verb], values: [[~]]}"), rules.ErrCompileCondition,
			"expected a string value or a field with a valid transformer: 'val', 'tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt'"},
		{"a bare =", excepted("{name: x, fields: [ka.verb], values: [[a=b]]}"), rules.ErrCompileCondition, "expected a ')' token"},
		{"append fields", base + "- {rule: a, append: true, exceptions: [{name: x, fields: [ka.verb], values: [[b]]}]}\n", rules.ErrValidate,
			"Can not append exception fields to existing exception, only values"},
		{"append comps", base + "- {rule: a, append: true, exceptions: [{name: x, comps: [=], values: [[b]]}]}\n", rules.ErrValidate,
			"Can not append exception comps to existing exception, only values"},
		{"append without fields", base + "- {rule: a, append: true, exceptions: [{name: y, values: [[b]]}]}\n", rules.ErrValidate,
			"Rule exception must have fields property with a list of fields"},
		{"append without values", base + "- {rule: a, append: true, exceptions: [{name: y, fields: ka.verb, values: []}]}\n", rules.ErrValidate,
			"Rule exception must have values property with a list of values"},
		{"replace without fields", base + "- {rule: a, exceptions: [{name: y, values: [b]}], override: {exceptions: replace}}\n", rules.ErrYAMLValidate,
			"Item has no mapping for key 'fields'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := onlyError(t, c.text)
			assert.Equal(t, c.code, d.Code)
			assert.Equal(t, c.msg, d.Message)
		})
	}
}

func TestExceptionWarnings(t *testing.T) {
	_, results := load(t, false, excepted("{name: x, fields: ka.verb}, {name: x, fields: ka.uri}")+
		"- {rule: a, exceptions: [{name: x}], override: {exceptions: append}}\n")
	require.True(t, results[0].Successful, results[0].Text())
	var told []string
	for _, w := range results[0].Warnings {
		told = append(told, w.Code+" "+w.Message)
	}
	assert.Equal(t, []string{
		"LOAD_EXCEPTION_NAME_NOT_UNIQUE Multiple definitions of exception 'x' in the same rule",
		"LOAD_APPEND_NO_VALUES Overriding/appending exception with no values",
	}, told)
}

// A problem that comes from a value is shown at the value.
func TestPlaceOfAnException(t *testing.T) {
	text := excepted("{name: x, fields: [ka.verb], values: [[a], [a=b]]}")
	d := onlyError(t, text)
	assert.Equal(t, strings.Index(text, "a=b"), d.At().Offset)
	assert.Equal(t, `with lists and exceptions in place this reads: ...) and not ((ka.verb = a) or (ka.verb = a=b))`, d.Hint)
}
