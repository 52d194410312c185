package attacks

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/enforce"
	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// examples are the enforcement files of deploy/admission by name, each without a mistake and
// without an exception that has ended.
func examples(t *testing.T, set *ruleset.Set) map[string]*enforce.Policy {
	t.Helper()
	var known enforce.Known
	for _, r := range set.Rules.Rules {
		known.Rules, known.Tags = append(known.Rules, r.Name), append(known.Tags, r.Tags...)
	}
	paths, err := filepath.Glob(filepath.Join(corpora.Root(t), "deploy", "admission", "enforce*.yaml"))
	require.NoError(t, err)
	require.Greater(t, len(paths), 4)
	files := map[string]*enforce.Policy{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		files[filepath.Base(path)], err = enforce.Parse(filepath.Base(path), content, known)
		require.NoError(t, err)
		assert.NotEmpty(t, files[filepath.Base(path)].Contact)
	}
	return files
}

// TestEnforcementExamples holds the table of what the enforcement files in deploy/admission
// would have done to the recordings, as their reviews.
func TestEnforcementExamples(t *testing.T) {
	set, err := ruleset.Load(ruleset.Options{MinPriority: falco.Debug})
	require.NoError(t, err)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	files := examples(t, set)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, of := range []struct{ name, path string }{{"attacks", inTree.attacks}, {"ordinary traffic", inTree.normal}} {
			s := enforce.NewSimulation(files[name], time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
			path := reviewed(t, of.path, map[string]string{})
			for in, n := audit.NewReader(bytes.NewReader(readAll(t, path)), path, audit.Limits{}), uint64(1); ; n++ {
				e, err := in.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(t, err)
				for _, d := range m.Match(&field.Context{Event: e, Num: n, First: e.Time}).Detections {
					s.Add(e, d.Rule.Name, d.Rule.Tags)
				}
			}
			fmt.Fprintf(&b, "%s, %s\n%s", name, of.name, summary(s.Rows()))
		}
	}
	golden := filepath.Join("testdata", "enforcement.golden")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o644))
		return
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String(), "run the test with -update and read the difference")
}

// summary counts requests by verdict and rule.
func summary(rows []enforce.Row) string {
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Verdict+"  "+r.Rule] += r.Requests
	}
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "  %4d  %s\n", counts[key], key)
	}
	if len(counts) == 0 {
		return "  nothing\n"
	}
	return b.String()
}
