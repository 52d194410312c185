package rules_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// ruleText is a rule with a condition, as a flow of YAML.
func ruleText(name, condition string) string {
	return "- {rule: " + name + ", desc: d, output: x, priority: INFO, source: k8s_audit, condition: " + quoteYAML(condition) + "}\n"
}

func quoteYAML(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func list(name, items string) string { return "- {list: " + name + ", items: [" + items + "]}\n" }

func TestSubstitution(t *testing.T) {
	for _, c := range []struct {
		name, lists, condition, want string
	}{
		{"in parentheses", list("l", "create, get"), "ka.verb in (l)", "ka.verb in (create, get)"},
		{"among others", list("l", "create"), "ka.verb in (get, l, list)", "ka.verb in (get, create, list)"},
		{"twice", list("l", "create"), "ka.verb in (l ,l)", "ka.verb in (create, create)"},
		{"without parentheses", list("l", "create"), "ka.verb in l", "ka.verb in (create)"},
		{"on the right of =", list("l", "create"), "ka.verb = l", "ka.verb = create"},
		{"a longer word", list("l", "create") + ruleText("user", "ka.verb in (l)"), "ka.verb in (xl, l.x)", "ka.verb in (xl, l.x)"},
		{"inside quotes", list("l", "create"), `ka.user.name = "x l y"`, `ka.user.name = "x create y"`},
		{"right at the quotes", list("l", "create") + ruleText("user", "ka.verb in (l)"), `ka.user.name = "l"`, "ka.user.name = l"},
		{"blanks are quoted", list("l", `a b, '"c d"'`), "ka.verb in (l)", `ka.verb in ("a b", "c d")`},
		{"a comma makes two", list("l", `"x,y"`), "ka.verb in (l)", "ka.verb in (x, y)"},
		{"an empty item vanishes", list("l", `"", create`), "ka.verb in (l)", "ka.verb in (create)"},
		{"numbers and booleans keep their text", list("l", "0x1F, 010, yes, 1.50"), "ka.verb in (l)", "ka.verb in (0x1F, 010, yes, 1.50)"},
		{"an empty list alone", list("l", ""), "ka.verb in (l)", "ka.verb in ()"},
		{"an empty list takes the comma before it", list("l", ""), "ka.verb in (a, l)", "ka.verb in (a)"},
		{"an empty list takes the comma after it", list("l", ""), "ka.verb in (l, a)", "ka.verb in (a)"},
		{"a name with a blank", list(`"a b"`, "create"), "ka.verb in (a b)", "ka.verb in (create)"},
		{"a name that is not there is a literal", "", "ka.verb in (nolist)", "ka.verb in (nolist)"},
		{"modifiers", list("l", "create"), "ka.verb startswith anyof l", "ka.verb startswith anyof (create)"},
		{"modifiers in parentheses", list("l", "create"), "ka.verb startswith anyof (l)", "ka.verb startswith anyof (create)"},
		{"line breaks", list("l", "create, get"), "ka.verb in (\n  l\n)", "ka.verb in (create, get)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs, results := load(t, false, ruleText("r", strings.ReplaceAll(c.condition, "\n", " "))+c.lists)
			require.NotNil(t, rs, results[0].Text())
			assert.Equal(t, c.want, rs.Rule("r").Condition.String())
		})
	}
}

func TestListOverList(t *testing.T) {
	for _, c := range []struct {
		name string
		text string
		want string
	}{
		{"redefined", list("l", "a") + list("l", "b"), "(b)"},
		{"append: true", list("l", "a") + "- {list: l, append: true, items: [b]}\n", "(a, b)"},
		{"override append", list("l", "a") + "- {list: l, items: [b], override: {items: append}}\n", "(a, b)"},
		{"override replace", list("l", "a") + "- {list: l, items: [b], override: {items: replace}}\n", "(b)"},
		{"override replace of nothing", "- {list: l, items: [b], override: {items: replace}}\n", "(b)"},
		{"append: no", list("l", "a") + "- {list: l, append: no, items: [b]}\n", "(b)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := "ka.verb in " + c.want
			assert.Equal(t, want, one(t, ruleText("r", "ka.verb in (l)")+c.text).Condition.String())
			// and the same over two files, which changes the rule of the first
			items := strings.SplitAfter(c.text, "\n")
			last := strings.Join(items[1:], "")
			assert.Equal(t, want, one(t, ruleText("r", "ka.verb in (l)")+items[0], last).Condition.String())
		})
	}
}

// nested are the six orders of three lists in one another: a holds b holds c.
var nested = map[string][]string{
	"abc": {list("a", "b"), list("b", "c"), list("c", "get")},
	"acb": {list("a", "b"), list("c", "get"), list("b", "c")},
	"bac": {list("b", "c"), list("a", "b"), list("c", "get")},
	"cab": {list("c", "get"), list("a", "b"), list("b", "c")},
	"bca": {list("b", "c"), list("c", "get"), list("a", "b")},
	"cba": {list("c", "get"), list("b", "c"), list("a", "b")},
}

func TestNestedLists(t *testing.T) {
	falco := map[string]string{"abc": "get", "acb": "get", "bac": "get", "cab": "get", "bca": "c", "cba": "c"}
	for order, lists := range nested {
		for _, strict := range []bool{true, false} {
			rs, results := load(t, strict, ruleText("r", "ka.verb in (a)")+strings.Join(lists, ""))
			require.NotNil(t, rs, results[0].Text())
			want := "get"
			if strict {
				want = falco[order]
			}
			assert.Equal(t, "ka.verb in ("+want+")", rs.Rules[0].Condition.String(), "%s, strict %v", order, strict)
			if strict && order == "bca" {
				assert.Len(t, results[0].Warnings, 1, "c is not used")
				continue
			}
			assert.Empty(t, results[0].Warnings, "all three lists are used")
		}
	}
}

// Of the orders of four lists 10 of 24 work in Falco, as found by experiment.
func TestNestedListsOfFour(t *testing.T) {
	lists := map[byte]string{'a': list("a", "b"), 'b': list("b", "c"), 'c': list("c", "d"), 'd': list("d", "get")}
	works := 0
	for _, order := range permutations("abcd") {
		var text strings.Builder
		for i := range order {
			text.WriteString(lists[order[i]])
		}
		rs, _ := load(t, true, text.String()+ruleText("r", "ka.verb in (a)"))
		if rs.Rules[0].Condition.String() == "ka.verb in (get)" {
			works++
		}
		rs, _ = load(t, false, text.String()+ruleText("r", "ka.verb in (a)"))
		assert.Equal(t, "ka.verb in (get)", rs.Rules[0].Condition.String(), order)
	}
	assert.Equal(t, 10, works)
}

func permutations(s string) (out []string) {
	if len(s) <= 1 {
		return []string{s}
	}
	for i := range s {
		for _, rest := range permutations(s[:i] + s[i+1:]) {
			out = append(out, s[i:i+1]+rest)
		}
	}
	return out
}

func TestListsThatNameThemselves(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"directly", list("a", "a, get"), "ka.verb in (a, get)"},
		{"through another", list("a", "b, x") + list("b", "a, y"), "ka.verb in (a, y, x)"},
		{"a loop further in", list("a", "b") + list("b", "c") + list("c", "b, get"), "ka.verb in (b, get, get)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, one(t, c.text+ruleText("r", "ka.verb in (a)")).Condition.String())
		})
	}
}

// Lists that double with every level must end with an error, not with the
// memory.
func TestListsThatExplode(t *testing.T) {
	var text strings.Builder
	text.WriteString(list("l0", "get, create"))
	for i := 1; i <= 60; i++ {
		prev := "l" + strconv.Itoa(i-1)
		text.WriteString(list("l"+strconv.Itoa(i), prev+", "+prev))
	}
	for _, extra := range []string{"", list("l0", "l60")} {
		rs, results := load(t, false, text.String()+extra+ruleText("r", "ka.verb in (l60)"))
		require.Nil(t, rs)
		assert.Equal(t, rules.ErrValidate, results[0].Errors[0].Code)
		assert.Equal(t, "List has too many items with those of the lists in it", results[0].Errors[0].Message)
	}
	var reversed strings.Builder
	for i := 60; i > 0; i-- {
		prev := "l" + strconv.Itoa(i-1)
		reversed.WriteString(list("l"+strconv.Itoa(i), prev+", "+prev))
	}
	rs, results := load(t, true, reversed.String()+list("l0", "get, create")+ruleText("r", "ka.verb in (l60)"))
	require.Nil(t, rs)
	assert.Equal(t, rules.ErrCompileCondition, results[0].Errors[0].Code)
	assert.Equal(t, "condition is too long after the substitution of lists", results[0].Errors[0].Message)
}

func TestUnused(t *testing.T) {
	const text = "- {macro: m, condition: ka.verb in (l)}\n- {macro: n, condition: m}\n- {macro: lone, condition: ka.nosuch = 1}\n"
	rs, results := load(t, false, list("l", "x")+list("inner", "get")+list("lonelist", "inner")+text+ruleText("r", "n"))
	require.NotNil(t, rs)
	var told []string
	for _, w := range results[0].Warnings {
		told = append(told, w.Code+" "+w.Context[1].ItemName)
	}
	assert.Equal(t, []string{"LOAD_UNUSED_MACRO lone", "LOAD_UNUSED_LIST lonelist"}, told, "a macro that nothing uses is not compiled")
}

// Falco tells that a list is unused before it has seen the file that uses it.
func TestUnusedOverFiles(t *testing.T) {
	for _, strict := range []bool{true, false} {
		rs, results := load(t, strict, list("l", "x")+list("lone", "x"), ruleText("r", "ka.verb in (l)"))
		require.NotNil(t, rs)
		want := 1
		if strict {
			want = 2
		}
		assert.Len(t, results[0].Warnings, want, "strict %v", strict)
		assert.Empty(t, results[1].Warnings, "what was told is not told again")
	}
}
