package row_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// benchEvents are recorded events of about 3 KB, with bodies, or of about 0.9 KB.
func benchEvents(b *testing.B, size string) (events []*record.Event) {
	file := filepath.Join(corpora.Root(b), "test", "bench", "testdata", "events-"+size+".jsonl.gz")
	for _, e := range readFile(b, file) {
		e.Root()
		events = append(events, recordOf(e))
	}
	return events
}

// BenchmarkEncode is what an event costs on its way to the store; its JSON has been
// parsed before, as that of events out of the log.
func BenchmarkEncode(b *testing.B) {
	for _, size := range []string{"3k", "1k"} {
		b.Run(size, func(b *testing.B) {
			events := benchEvents(b, size)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				row.Encode(events[i%len(events)])
			}
		})
	}
}

// BenchmarkDecode is what an event costs on its way back, before anybody looks at it.
func BenchmarkDecode(b *testing.B) {
	for _, size := range []string{"3k", "1k"} {
		b.Run(size, func(b *testing.B) {
			var rows []store.Row
			for _, e := range benchEvents(b, size) {
				rows = append(rows, row.Encode(e))
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_, err := row.Decode(rows[i%len(rows)])
				require.NoError(b, err)
			}
		})
	}
}
