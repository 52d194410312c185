package gcp

import (
	"bytes"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

const twinsFile = "testdata/twins.txtar"

// TestTwinsFireTheSameRules holds that the rules tell the same of what happened, whichever log tells it.
func TestTwinsFireTheSameRules(t *testing.T) {
	set, err := ruleset.Load(ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	a, err := txtar.ParseFile(twinsFile)
	require.NoError(t, err)
	require.Zero(t, len(a.Files)%3)
	quiet := 0
	for i := 0; i < len(a.Files); i += 3 {
		events, entries, expected := a.Files[i], a.Files[i+1], &a.Files[i+2]
		name := strings.TrimSuffix(events.Name, ": events")
		t.Run(name, func(t *testing.T) {
			require.Equal(t, name+": entries", entries.Name)
			want, got := fired(t, m, events.Data), fired(t, m, entries.Data)
			assert.Equal(t, want, got)
			if *update {
				expected.Data = []byte(strings.Join(append(want, ""), "\n"))
			}
			assert.Equal(t, string(expected.Data), strings.Join(append(got, ""), "\n"), "go test ./pkg/ingest/gcp -update")
			if len(got) == 0 {
				quiet++
			}
		})
	}
	assert.LessOrEqual(t, quiet, 4, "twins that no rule tells of prove little")
	if *update {
		require.NoError(t, os.WriteFile(twinsFile, txtar.Format(a), 0o666))
	}
}

// fired gives the names of the rules that fire on what an input holds, sorted.
func fired(t *testing.T, m *match.Matcher, input []byte) []string {
	t.Helper()
	names := map[string]bool{}
	r := audit.NewReader(bytes.NewReader(input), "twin", audit.Limits{})
	r.ConvertWith(new(Stream))
	for read := 0; ; read++ {
		e, err := r.Next()
		if err == io.EOF {
			require.NotZero(t, read)
			return slices.Sorted(maps.Keys(names))
		}
		require.NoError(t, err)
		res := m.Match(&field.Context{Event: e, Num: 1, First: e.Time})
		require.Empty(t, res.Faults)
		for _, d := range res.Detections {
			names[d.Rule.Name] = true
		}
	}
}
