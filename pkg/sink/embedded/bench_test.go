package embedded_test

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink/embedded"
	"github.com/kubewitness/kubewitness/pkg/store"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// BenchmarkWrite is what recorded events of about 3 KB cost from the log into the store
// and on disk, with a barrier every 20,000 of them; an operation is one event.
func BenchmarkWrite(b *testing.B) {
	const batch, barrier = 400, 20_000
	st, err := store.Open(store.Config{Dir: b.TempDir(), Now: time.Now})
	require.NoError(b, err)
	defer st.Close()
	s := embedded.New(embedded.Config{Store: st})
	recorded := recordedEvents(b)
	start := time.Now().Add(-time.Hour)
	b.ReportAllocs()
	b.ResetTimer()
	n := 0
	for n < b.N {
		b.StopTimer()
		all := make([]*record.Event, batch)
		for i := range all {
			e := recorded[n%len(recorded)].Clone()
			e.Root()
			e.Time = start.Add(time.Duration(n) * time.Millisecond / 2)
			all[i] = &record.Event{Event: e, Source: "webhook", Received: start.Add(time.Duration(n-n%batch) * time.Millisecond / 2)}
			binary.LittleEndian.PutUint64(all[i].ID[:], uint64(n)*0x9e3779b97f4a7c15)
			n++
		}
		b.StartTimer()
		require.NoError(b, s.Write(b.Context(), all))
		if n%barrier == 0 {
			require.NoError(b, s.Sync(b.Context()))
		}
	}
	require.NoError(b, s.Sync(b.Context()))
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

func recordedEvents(b *testing.B) (events []*audit.Event) {
	f, err := os.Open(filepath.Join(corpora.Root(b), "test", "bench", "testdata", "events-3k.jsonl.gz"))
	require.NoError(b, err)
	defer f.Close()
	r := audit.NewReader(audit.Decompress(f), "bench", audit.Limits{})
	for {
		e, err := r.Next()
		if err == io.EOF {
			return events
		}
		require.NoError(b, err)
		e.Cluster = "prod"
		events = append(events, e)
	}
}
