package field_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// TestRealEvents shows all that the fields find in events of a real API server:
// testdata/events/NAME.golden is of NAME.json.
func TestRealEvents(t *testing.T) {
	files, err := filepath.Glob("testdata/events/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			event, err := os.ReadFile(file)
			require.NoError(t, err)
			got := describe(t, string(event))
			golden := strings.TrimSuffix(file, ".json") + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			assert.Equal(t, string(want), got)
		})
	}
}

// describe lists the fields that are there, one a line; where the modes differ,
// both.
func describe(t *testing.T, event string) string {
	c, strict := contextOf(t, event, false), contextOf(t, event, true)
	var b strings.Builder
	for _, f := range field.Default().All() {
		if f.Deprecated || strings.HasPrefix(f.Name, "json.") || strings.HasPrefix(f.Name, "jevt.") || strings.HasPrefix(f.Name, "evt.") {
			continue
		}
		for _, arg := range arguments(f, c.Event.Root()) {
			got, falcos := show(f.Extract(c, arg)), show(f.Extract(strict, arg))
			name := f.Name
			if arg.Present {
				name += "[" + arg.Key + "]"
			}
			if got != "" {
				fmt.Fprintf(&b, "%s = %s\n", name, got)
			}
			if got != falcos {
				fmt.Fprintf(&b, "%s strict = %s\n", name, falcos)
			}
		}
	}
	return b.String()
}

func show(items []field.Item) string {
	quoted := make([]string, len(items))
	for i, it := range items {
		quoted[i] = fmt.Sprintf("%q", it.Text)
	}
	return strings.Join(quoted, " ")
}

// arguments are the keys in the event that a field may be asked with.
func arguments(f *field.Field, root audit.Value) []field.Arg {
	if !f.ArgRequired {
		return []field.Arg{{}}
	}
	var keys []string
	if u, err := url.Parse(root.Get("requestURI").Text()); err == nil {
		for key := range u.Query() {
			keys = append(keys, key)
		}
	}
	for _, path := range [][]string{{"annotations"}, {"user", "extra"}, {"requestObject", "metadata", "labels"}, {"requestObject", "spec", "template", "metadata", "labels"}} {
		for key := range root.Path(path...).Members() {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var args []field.Arg
	for _, key := range slices.Compact(keys) {
		args = append(args, field.Arg{Present: true, Key: key})
	}
	return args
}
