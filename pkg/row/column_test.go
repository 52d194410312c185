package row_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/row"
)

var update = flag.Bool("update", false, "write the golden files anew")

var kinds = map[row.Kind]string{row.Text: "text", row.Number: "number", row.Bool: "true or false", row.Address: "address", row.List: "list"}

// TestColumnsOfTheCatalogue shows for each field where its values are in rows.
func TestColumnsOfTheCatalogue(t *testing.T) {
	var b strings.Builder
	owner := map[string]string{}
	for _, f := range field.Default().All() {
		info, ok := row.Column(f)
		if !ok {
			fmt.Fprintf(&b, "%s: judged: %s\n", f.Name, row.Why(f))
			continue
		}
		fmt.Fprintf(&b, "%s: column %s, %s%s\n", f.Name, info.Name, kinds[info.Kind], prefixed("; ", row.Why(f)))
		if row.Why(f) == "" {
			assert.Empty(t, owner[info.Name], "two fields in column %s", info.Name)
			owner[info.Name] = f.Name
		}
	}
	const golden = "testdata/columns.golden"
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), b.String())
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
