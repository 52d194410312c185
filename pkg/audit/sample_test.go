package audit

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// sample returns lines that a real API server logged, and their number.
func sample(t testing.TB) (data []byte, lines int) {
	t.Helper()
	data = unzip(t, "testdata/events.jsonl.gz")
	return data, bytes.Count(data, newline)
}

func unzip(t testing.TB, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	data, err := io.ReadAll(z)
	require.NoError(t, err)
	return data
}
