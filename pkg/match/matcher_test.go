package match_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

var several = oneRule("one", "ka.verb = create", "1") + oneRule("two", "ka.verb = get", "2") + oneRule("three", "ka.user.name exists", "3 %ka.user.name") +
	"- {rule: off, desc: d, source: k8s_audit, priority: INFO, condition: ka.verb exists, output: x, enabled: false}\n" + oneRule("four", "evt.num > 0", "4")

func ruleNames(res match.Result) (names []string) {
	for _, d := range res.Detections {
		names = append(names, d.Rule.Name)
	}
	return names
}

// TestMatching: all rules that match, in their order, or the first of them.
func TestMatching(t *testing.T) {
	for _, tt := range []struct {
		event      string
		all, first []string
	}{
		{exec, []string{"one", "three", "four"}, []string{"one"}},
		{noID, []string{"four"}, []string{"four"}},
		{bare, []string{"four"}, []string{"four"}},
	} {
		for name, m := range matchers(t, several, match.Options{}) {
			assert.Equal(t, tt.all, ruleNames(m.Match(contextOf(t, tt.event))), name)
		}
		for name, m := range matchers(t, several, match.Options{First: true}) {
			assert.Equal(t, tt.first, ruleNames(m.Match(contextOf(t, tt.event))), name)
		}
	}
	for name, m := range matchers(t, oneRule("none", "ka.verb = list", "x"), match.Options{}) {
		assert.Equal(t, match.Result{}, m.Match(contextOf(t, exec)), name)
	}
}

// TestNoRules: a set without enabled rules is no error and matches nothing.
func TestNoRules(t *testing.T) {
	for name, m := range matchers(t, "", match.Options{AppendFields: []string{"evt.num"}}) {
		assert.Equal(t, match.Result{}, m.Match(contextOf(t, exec)), name)
	}
}

func TestAppendFields(t *testing.T) {
	text := oneRule("rule", "ka.verb exists", "%ka.user.name %ka.uri.param[command]")
	for name, m := range matchers(t, text, match.Options{AppendFields: []string{"evt.num", "ka.user.name", "ka.user.groups", `ka.uri.param["command"]`, "ka.req.pod.containers.image[0]", "evt.num"}}) {
		res := m.Match(contextOf(t, exec))
		require.Len(t, res.Detections, 1, name)
		assert.Equal(t, []match.OutputField{
			{Key: "ka.user.name", Value: "Alice"}, {Key: "ka.uri.param[command]", Value: "id"}, {Key: "evt.num", Value: uint64(1)},
			{Key: "ka.user.groups", Value: []string{"dev", "ops"}}, {Key: "ka.req.pod.containers.image[0]", Value: nil},
		}, res.Detections[0].Fields, "%s: each key once, those of the output first", name)
	}
	for wrong, want := range map[string]string{
		"ka.none":               `match: appended field "ka.none": 1:1: filter_check called with nonexistent field ka.none`,
		"ka.uri.param":          `match: appended field "ka.uri.param": 1:1: filter 'ka.uri.param': ka.uri.param requires an argument but none provided`,
		"toupper(ka.user.name)": `match: appended field "toupper(ka.user.name)": 1:1: a transformer can not be appended, only a field`,
		"":                      `match: appended field "": `,
		"%ka.user.name":         `match: appended field "%ka.user.name": `,
		"ka.user.name x":        `match: appended field "ka.user.name x": `,
	} {
		_, err := match.New(load(t, text, false), field.Default(), match.Options{AppendFields: []string{wrong}})
		require.Error(t, err, wrong)
		assert.True(t, strings.HasPrefix(err.Error(), want), "%q: %v", wrong, err)
	}
}

// TestStrictIsTheMatchers: what the context says of strictness does not count.
func TestStrictIsTheMatchers(t *testing.T) {
	text := oneRule("rule", "ka.sourceips exists", "x")
	for _, strict := range []bool{false, true} {
		for name, m := range matchers(t, text, match.Options{Strict: strict}) {
			c := contextOf(t, exec)
			c.Strict = !strict
			assert.Equal(t, !strict, len(m.Match(c).Detections) == 1, name)
		}
	}
}

// TestConcurrentUse gives the race detector something to see.
func TestConcurrentUse(t *testing.T) {
	for _, m := range matchers(t, several, match.Options{}) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 10 {
					assert.Equal(t, []string{"one", "three", "four"}, ruleNames(m.Match(contextOf(t, exec))))
					assert.Equal(t, []string{"four"}, ruleNames(m.Match(contextOf(t, bare))))
				}
			})
		}
		wg.Wait()
	}
}

// TestManyValues: the cost of a rule is in proportion to its text and to the
// event; none of these runs long.
func TestManyValues(t *testing.T) {
	long := strings.Repeat("a", 100_000)
	event := strings.Replace(exec, `"Alice"`, `"`+long+`"`, 1)
	for _, cond := range []string{
		`ka.user.name glob "` + strings.Repeat("*a", 60) + `*b"`,
		`ka.user.name regex "(a*)*b"`,
		`ka.user.name regex "(a|aa)+b"`,
		`ka.user.name icontains ` + strings.Repeat("a", 60) + "b",
		`ka.user.name pmatch (` + strings.Repeat("/a", 60) + ")",
		strings.Repeat("(", 900) + "ka.user.name = b" + strings.Repeat(")", 900),
		"ka.verb = x" + strings.Repeat(" or ka.verb = x", 5000),
		"ka.verb in (" + strings.Repeat("x, ", 20_000) + "x)",
		strings.Repeat("not ", 901) + "ka.verb = create",
	} {
		for name, m := range matchers(t, ruleOf(cond), match.Options{}) {
			assert.Empty(t, m.Match(contextOf(t, event)).Detections, "%s: %.40s", name, cond)
		}
	}
}

// TestUnresolved: a tree that the loader would never give is an error.
func TestUnresolved(t *testing.T) {
	rs := load(t, ruleOf("ka.verb = get"), false)
	broken := *rs.Rules[0]
	broken.Condition = nil
	_, err := match.NewPlain(&rules.Ruleset{Rules: []*rules.Rule{&broken}}, field.Default(), match.Options{})
	require.Error(t, err)
	_, err = match.New(&rules.Ruleset{Rules: []*rules.Rule{&broken}}, field.Default(), match.Options{})
	require.Error(t, err)
}
