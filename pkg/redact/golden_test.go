package redact

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// update rewrites the golden files instead of comparing with them.
var update = flag.Bool("update", false, "rewrite the golden files under testdata")

// TestGolden redacts lines that a real API server logged, and shows them with
// the paths below.
func TestGolden(t *testing.T) {
	lines := sample(t)
	r := redactor(t)
	var out bytes.Buffer
	for _, line := range lines {
		raw, paths := rewritten(t, r, string(line))
		out.WriteString(raw + "\n")
		for _, p := range paths {
			out.WriteString("# " + p + "\n")
		}
	}
	file := filepath.Join("testdata", "events.golden")
	if *update {
		require.NoError(t, os.WriteFile(file, out.Bytes(), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String())
}

func sample(t testing.TB) [][]byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "events.jsonl"))
	require.NoError(t, err)
	return bytes.Split(bytes.TrimSpace(data), []byte("\n"))
}
