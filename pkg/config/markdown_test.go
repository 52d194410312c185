package config

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write golden files and docs/configuration.md anew")

// golden holds a text against a file.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "run: go test ./pkg/config -update")
}

func TestMarkdown(t *testing.T) { golden(t, "../../docs/configuration.md", Markdown()) }

// TestDocumented: every setting says what it means, in sentences.
func TestDocumented(t *testing.T) {
	var all func(s *setting)
	all = func(s *setting) {
		for _, b := range s.below {
			assert.Regexp(t, `^[a-z][a-z0-9_]*$`, b.name, b.key)
			assert.True(t, strings.HasSuffix(b.doc, "."), "%s: %q", b.key, b.doc)
			all(b)
		}
	}
	all(root)
}
