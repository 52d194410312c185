package audit

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

// Recordings of real API servers are read whole, without a rejection. The large ones are not part of the repository.
func TestCorpora(t *testing.T) {
	for file, want := range map[string]int{
		"testdata/events.jsonl.gz":          528,
		"testdata/webhook-body.json.gz":     50,
		"attacks-a.jsonl.gz":                3905,
		"normal.jsonl.gz":                   30000,
		"webhook-bodies-attacks-a.jsonl.gz": 15200,
	} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			path := filepath.FromSlash(file)
			if filepath.Dir(path) == "." {
				path = corpora.Shared(t, "corpora", file)
			}
			f, err := os.Open(path)
			require.NoError(t, err)
			defer f.Close()
			if underRace && want > 10_000 {
				t.Skip("too slow under the race detector")
			}
			ids, rejected, err := read(t, NewReader(f, file, Limits{}))
			require.NoError(t, err)
			assert.Len(t, ids, want)
			assert.Empty(t, rejected)
		})
	}
}
