package rules_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// FuzzLoad loads any bytes as a rules file: it must neither panic nor run on,
// every problem must have a place in the file, and what loads must load again
// to the same rules.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		first, "- {list: l, items: [a]}\n" + ruleText("r", "ka.verb in (l)"),
		macroText("m", "ka.verb = x") + ruleText("r", "not m"),
		excepted("{name: x, fields: [ka.verb], comps: [in], values: [[[a, b]]]}"),
		"- {required_engine_version: 1}\n- required_plugin_versions: [{name: json, version: 0.1.0}]\n",
		"- rule: a\n  override: {condition: append}\n  condition: >\n    and x\n", "- &a [*a]\n", "\ufeff- x\n---\n~\n", "- {list: l, items: [l, 'l l']}\n- {macro: l, condition: l = l}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<16 {
			return
		}
		for _, strict := range []bool{true, false} {
			opt := rules.Options{Catalogue: auditFields{}, Strict: strict}
			in := []rules.File{{Name: "f.yaml", Content: text}}
			rs, results := rules.Load(in, opt)
			checkResult(t, results[0], len(text), rs != nil)
			again, more := rules.Load(in, opt)
			require.Equal(t, results, more)
			require.Equal(t, rs, again)
		}
	})
}

func checkResult(t *testing.T, r *rules.Result, size int, loaded bool) {
	require.Equal(t, loaded, r.Successful)
	require.Equal(t, loaded, len(r.Errors) == 0)
	require.NotEmpty(t, r.Text())
	require.NotEmpty(t, r.JSON())
	for _, list := range [][]rules.Diagnostic{r.Errors, r.Warnings} {
		for _, d := range list {
			require.NotEmpty(t, d.Code)
			require.NotEmpty(t, d.Desc, d.Code)
			require.NotEmpty(t, d.Message)
			for _, l := range d.Context {
				require.True(t, l.Offset >= 0 && l.Offset <= size && l.Line >= 1 && l.Column >= 1, "%+v", l)
			}
		}
	}
}
