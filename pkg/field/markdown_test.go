package field_test

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/field"
)

var update = flag.Bool("update", false, "write golden files and docs/fields.md anew")

func TestFieldsDoc(t *testing.T) {
	const path = "../../docs/fields.md"
	want := field.Default().Markdown()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, want, string(got), "run: go generate ./pkg/field")
}
