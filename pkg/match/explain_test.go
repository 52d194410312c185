package match_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

var update = flag.Bool("update", false, "write the trees of testdata/explain-*.txtar anew")

// TestExplain holds the trees that explain prints. A file of testdata has the
// rules and an event; the parts "default" and "strict" are what is said of each
// rule.
func TestExplain(t *testing.T) {
	paths, err := filepath.Glob("testdata/explain-*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(archive.Files), 2)
			text, event := string(archive.Files[0].Data), string(archive.Files[1].Data)
			got := []txtar.File{{Name: "default", Data: []byte(explained(t, text, event, false))}, {Name: "strict", Data: []byte(explained(t, text, event, true))}}
			if *update {
				archive.Files = append(archive.Files[:2], got...)
				require.NoError(t, os.WriteFile(path, txtar.Format(archive), 0o644))
				return
			}
			require.Len(t, archive.Files, 4)
			for i, g := range got {
				assert.Equal(t, string(archive.Files[2+i].Data), string(g.Data), g.Name)
			}
		})
	}
}

// explained prints each rule with its tree, and holds that the tree's verdict
// is that of the evaluation.
func explained(t *testing.T, text, event string, strict bool) string {
	t.Helper()
	var b strings.Builder
	rs := load(t, text, strict)
	m, err := match.New(rs, field.Default(), match.Options{Strict: strict})
	require.NoError(t, err)
	fires := map[string]bool{}
	for _, d := range m.Match(contextOf(t, event)).Detections {
		fires[d.Rule.Name] = true
	}
	for _, r := range rs.Rules {
		x, err := match.Explain(r, field.Default(), strict, contextOf(t, event))
		require.NoError(t, err)
		assert.Equal(t, fires[r.Name], x.Verdict, r.Name)
		fmt.Fprintf(&b, "%s\n", r.Name)
		require.NoError(t, x.Write(&b))
	}
	return b.String()
}

// TestExplainLongValues: what is printed of a value is bounded, and one line.
func TestExplainLongValues(t *testing.T) {
	long := strings.Repeat("line\\n", 1000)
	got := explained(t, ruleOf("ka.user.name exists and ka.user.groups exists"),
		`{"kind":"Event","auditID":"1","stageTimestamp":"2026-11-21T19:17:56Z","user":{"username":"`+long+`","groups":["`+long+`","\u001b[2J"]}}`, false)
	lines := strings.Split(strings.TrimSpace(got), "\n")
	require.Len(t, lines, 4)
	for _, l := range lines {
		assert.Less(t, len(l), 400)
	}
	assert.Contains(t, got, `"...`)
	assert.Contains(t, got, `"\x1b[2J"`)
}
