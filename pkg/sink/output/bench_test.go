package output_test

import (
	"encoding/binary"
	"io"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/sink"
	"github.com/kubewitness/kubewitness/pkg/sink/output"
)

// benchmark writes deliveries of 400 events, each new to the sink, and reports lines
// a second.
func benchmark(b *testing.B, s sink.Sink) {
	events := delivery(b, 0, 400)
	b.ReportAllocs()
	for n := uint64(0); b.Loop(); n++ {
		for _, e := range events {
			binary.LittleEndian.PutUint64(e.ID[:], n)
		}
		require.NoError(b, s.Write(b.Context(), events))
	}
	b.ReportMetric(float64(len(ids(events))*b.N)/b.Elapsed().Seconds(), "lines/s")
}

func BenchmarkStream(b *testing.B) {
	for _, format := range formats {
		b.Run(format.String(), func(b *testing.B) {
			benchmark(b, output.NewStream(output.StreamConfig{Writer: io.Discard, Format: format}))
		})
	}
}

func BenchmarkFile(b *testing.B) {
	f, err := output.OpenFile(output.FileConfig{Path: filepath.Join(b.TempDir(), "out")})
	require.NoError(b, err)
	defer f.Close()
	benchmark(b, f)
}

func BenchmarkHTTP(b *testing.B) {
	server := serve(b, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	benchmark(b, post(b, server.URL))
}
