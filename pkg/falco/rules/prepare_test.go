package rules_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// manyRules are more rules than are prepared at once, some of them with
// something to tell.
func manyRules(wrong bool) string {
	var b strings.Builder
	b.WriteString("- macro: m\n  condition: ka.verb in (l7)\n- macro: n\n  condition: m\n")
	for i := range 4000 {
		cond := fmt.Sprintf("ka.verb in (l%d) and m", i%9)
		switch {
		case i%9 == 0:
			fmt.Fprintf(&b, "- list: l%d\n  items: [a, 'b c', l%d]\n", i, i-9)
		case i%101 == 0:
			cond = "ka.uri glob '*'"
		case wrong && i%211 == 0:
			cond = "ka.verb in (l1"
		case wrong && i%223 == 0:
			cond = "nosuch and ka.none = x"
		}
		fmt.Fprintf(&b, "- rule: r%d\n  desc: d\n  condition: >\n    %s\n  output: x %%ka.verbose\n  priority: INFO\n  source: k8s_audit\n", i, cond)
		if wrong && i%97 == 0 {
			b.WriteString("  exceptions: [{name: e, fields: ka.verb, values: [a, [b]]}]\n")
		}
	}
	return b.String()
}

// What comes of rules, and the order in which their problems are told, is the
// same however many are prepared at once.
func TestPreparedInAnyOrder(t *testing.T) {
	cores := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(cores)
	for _, wrong := range []bool{false, true} {
		text := manyRules(wrong)
		runtime.GOMAXPROCS(1)
		want, wantResults := load(t, false, text)
		for _, n := range []int{2, 8} {
			runtime.GOMAXPROCS(n)
			got, results := load(t, false, text)
			require.Equal(t, wantResults, results)
			require.Equal(t, want, got)
		}
		assert.Equal(t, wrong, want == nil)
		assert.Equal(t, wrong, len(wantResults[0].Errors) > 0)
		assert.NotEmpty(t, wantResults[0].Warnings)
	}
}

// faultyFields has a defect.
type faultyFields struct{ auditFields }

func (f faultyFields) Field(name string) (condition.FieldInfo, bool) {
	if name == "ka.uri" {
		panic("a defect")
	}
	return f.auditFields.Field(name)
}

// A defect panics where the caller of Load can catch it.
func TestPanicOfCatalogue(t *testing.T) {
	in := []rules.File{{Name: "f.yaml", Content: []byte(ruleText("a", "ka.verb = x") + ruleText("b", "ka.uri = x") + ruleText("c", "ka.verb = x"))}}
	assert.PanicsWithValue(t, "a defect", func() { rules.Load(in, rules.Options{Catalogue: faultyFields{}}) })
}
