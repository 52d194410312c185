package ecs_test

import (
	"path/filepath"
	"testing"

	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// BenchmarkAppendEvent is what an event costs on its way to Elasticsearch; its JSON has
// been parsed before, as that of events out of the log.
func BenchmarkAppendEvent(b *testing.B) {
	for _, size := range []string{"3k", "1k"} {
		b.Run(size, func(b *testing.B) {
			var events []*record.Event
			raw := 0
			for _, e := range readFile(b, filepath.Join(corpora.Root(b), "test", "bench", "testdata", "events-"+size+".jsonl.gz")) {
				e.Root()
				raw += len(e.Raw)
				events = append(events, recordOf(e))
			}
			b.ReportAllocs()
			var doc []byte
			written, n := 0, 0
			for ; b.Loop(); n++ {
				doc = ecs.AppendEvent(doc[:0], events[n%len(events)], &ecs.Options{Namespace: "prod"})
				written += len(doc)
			}
			b.ReportMetric(float64(raw)/float64(len(events)), "raw-B/event")
			b.ReportMetric(float64(written)/float64(n), "doc-B/event")
		})
	}
}
