package rules_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Each of these holds the unknown field ka.nosuch once; the error must point at
// it, whatever the condition is written like.
var conditionStyles = map[string]string{
	"plain":                          "condition: ka.verb = x and ka.nosuch = y",
	"plain over lines":               "condition: ka.verb = x\n      and (ka.uri = y or\n\n      ka.nosuch = y)",
	"single quotes":                  "condition: 'ka.verb = x and ka.uri = \"it''s\" and ka.nosuch = y'",
	"single quotes over lines":       "condition: 'ka.verb = x\n\n      and\n  ka.nosuch = y'",
	"double quotes":                  `condition: "ka.verb = \"x\" and\t\nka.uri = '\x41\u00e9\U0001F600\e' and ka.nosuch = y"`,
	"double quotes over lines":       "condition: \"ka.verb = x \\\n      and ka.uri = y\n      and ka.nosuch = y\"",
	"literal":                        "condition: |\n      ka.verb = x\n        and ka.uri = y\n\n      and ka.nosuch = y",
	"literal, keep":                  "condition: |+ # why\n      ka.verb = x\n      and ka.nosuch = y\n\n",
	"literal with an indent":         "condition: |2\n      ka.verb = x\n      and ka.nosuch = y",
	"folded":                         "condition: >\n      ka.verb = x\n      and ka.uri = y and\n      ka.nosuch = y",
	"folded with deeper lines":       "condition: >-\n      ka.verb = x\n        and ka.uri = y\n        and\n\n      ka.nosuch = y",
	"a tag":                          "condition: !!str ka.verb = x and ka.nosuch = y",
	"a tag and an anchor over lines": "condition: &c !!str\n      'ka.verb = x and ka.nosuch = y'",
	"letters outside ASCII":          "condition: ka.user.name = \"ünïcödé 😀\" and ka.nosuch = y",
	"an empty first line":            "condition:\n      ka.verb = x and ka.nosuch = y",
}

func TestPlaceInACondition(t *testing.T) {
	for name, cond := range conditionStyles {
		for _, ending := range []string{"\n", "\r\n"} {
			for _, mark := range []string{"", "\ufeff"} {
				text := mark + "# a comment\n- rule: r\n  desc: d\n  " + cond + "\n  output: x\n  priority: info\n  source: k8s_audit\n"
				text = strings.ReplaceAll(text, "\n", ending)
				checkPlace(t, name, text, "ka.nosuch")
			}
		}
	}
}

// checkPlace checks that the only error of text points at the only mention of
// word.
func checkPlace(t *testing.T, name, text, word string) {
	t.Helper()
	d := onlyError(t, text)
	at := d.At()
	want := strings.Index(text, word)
	require.Equal(t, want, at.Offset, "%s: %s", name, d.Snippet)
	before := text[:want]
	assert.Equal(t, 1+strings.Count(before, "\n"), at.Line, name)
	line := strings.TrimPrefix(before[strings.LastIndexByte(before, '\n')+1:], "\ufeff")
	assert.Equal(t, 1+len([]rune(line)), at.Column, name)
	assertCaret(t, d.Snippet, word)
}

// assertCaret checks that the caret of a snippet stands under word.
func assertCaret(t *testing.T, snippet, word string) {
	t.Helper()
	line, caret, _ := strings.Cut(snippet, "\n")
	column := strings.IndexByte(caret, '^')
	require.GreaterOrEqual(t, column, 0)
	assert.True(t, strings.HasPrefix(string([]rune(line)[column:]), word), snippet)
}

func TestPlaceElsewhere(t *testing.T) {
	for _, c := range []struct{ name, text, word string }{
		{"appended", ruleText("r", "ka.verb = x") + "- rule: r\n  override: {condition: append}\n  condition: |\n    and ka.uri = y\n    and ka.nosuch = z\n", "ka.nosuch"},
		{"before what is appended", ruleText("r", "ka.verb = x and ka.nosuch = y") + "- {rule: r, override: {condition: append}, condition: and ka.uri = z}\n", "ka.nosuch"},
		{"after a list", list("l", "a, b, c, d e f") + ruleText("r", "ka.verb in (l) and ka.nosuch = y and ka.uri in (l)"), "ka.nosuch"},
		{"behind exceptions", excepted("{name: x, fields: ka.verb, values: [a]}") + "- {rule: a, append: true, condition: and ka.nosuch = x}\n", "ka.nosuch"},
		{"in an exception's value", excepted("{name: x, fields: evt.num, values: [nonumber]}"), "nonumber"},
		{"an exception", excepted("{name: x, fields: ka.verb, values: [a]}, {name: y, fields: ka.nosuch}"), "{name: y"},
		{"in a list, where the list is used", list("l", "nonumber") + ruleText("r", "evt.num = l "), "l '"},
		{"in an output", "- rule: r\n  desc: d\n  condition: ka.verb = x\n  priority: info\n  source: k8s_audit\n  output: >\n    user=%ka.user.name\n    what=%ka.verb %nosuch.field\n", "nosuch.field"},
		{"a value", "- rule: r\n  desc: d\n  condition: ka.verb = x\n  output: x\n  source: k8s_audit\n  priority: WARN\n", "WARN"},
		{"a list item", "- list: l\n  items:\n  - a\n  - {b: 1}\n", "{b: 1"},
		{"an override", first + "- rule: a\n  desc: d\n  override:\n    desc: append\n    source: replace\n", "source: replace"},
		{"an unexpected key", first + "- rule: a\n  desc: d\n  tags:\n  - nosuchtag\n  override:\n    desc: append\n", "- nosuchtag"},
		{"an alias", "- {macro: m, condition: &c ka.verb =}\n- {macro: n, condition: *c}\n", "}\n- {macro: n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := onlyError(t, c.text)
			assert.Equal(t, strings.Index(c.text, c.word), d.At().Offset, d.Snippet)
		})
	}
}

func TestPlaceInASecondFile(t *testing.T) {
	d := onlyError(t, first, "# more\n- rule: a\n  append: true\n  condition: and ka.nosuch = x\n")
	assert.Equal(t, "b.yaml", d.At().File)
	assert.Equal(t, 4, d.At().Line)
	assert.Equal(t, "a.yaml", d.Context[1].File, "the rule is in the first file")
}

// A cut line shows what the caret points at.
func TestLongLines(t *testing.T) {
	long := strings.Repeat("ka.verb = xxxxxxxxxx and ", 50)
	for _, cond := range []string{long + "ka.nosuch = y", "ka.nosuch = y and " + long + "ka.verb = z", long + "ka.nosuch = y and " + long + "ka.verb = z"} {
		d := onlyError(t, ruleText("r", cond))
		line, _, _ := strings.Cut(d.Snippet, "\n")
		assert.LessOrEqual(t, len(line), 160)
		assertCaret(t, d.Snippet, "ka.nosuch")
	}
}
