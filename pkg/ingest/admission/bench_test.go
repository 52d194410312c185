package admission

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkEvent makes the event of a review of a pod.
func BenchmarkEvent(b *testing.B) {
	for _, x := range examples(b) {
		if x.file != "testdata/reviews/pod.txtar" {
			continue
		}
		b.SetBytes(int64(len(x.review)))
		b.ReportAllocs()
		for b.Loop() {
			_, err := Event(x.review, origin)
			require.NoError(b, err)
		}
	}
}
