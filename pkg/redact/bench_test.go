package redact

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/test/corpora"
)

// ordinary is a run of events as a real API server logged them.
func ordinary(b *testing.B) (events []*audit.Event, size int) {
	b.Helper()
	f, err := os.Open(filepath.Join(corpora.Root(b), "pkg", "audit", "testdata", "events.jsonl.gz"))
	require.NoError(b, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(b, err)
	data, err := io.ReadAll(z)
	require.NoError(b, err)
	for _, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
		events = append(events, &audit.Event{Raw: line})
	}
	return events, len(data) / len(events)
}

// BenchmarkEvent is to be compared with BenchmarkReader of pkg/audit, which reads
// the same events.
func BenchmarkEvent(b *testing.B) {
	events, size := ordinary(b)
	r := redactor(b)
	var none, some []*audit.Event
	for _, e := range events {
		if len(r.hits(nil, e.Raw)) == 0 {
			none = append(none, e)
		} else {
			some = append(some, e)
		}
	}
	run := func(name string, events []*audit.Event) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r.Event(events[i%len(events)])
			}
		})
	}
	b.Logf("%d events of %d bytes, %d with something to look at", len(events), size, len(some))
	run("ordinary", events)
	run("skipped", none)
	run("walked", some)
	run("secrets", secretEvents(b))
}

func secretEvents(b *testing.B) (events []*audit.Event) {
	for _, line := range sample(b) {
		events = append(events, &audit.Event{Raw: line})
	}
	return events
}

// BenchmarkHuge holds the cost against the size: a list of many Secrets, and
// texts made to be looked at everywhere.
func BenchmarkHuge(b *testing.B) {
	r := redactor(b)
	for name, unit := range map[string]string{
		"secrets": `{"metadata":{"name":"x"},"data":{"a":"Y2FuYXJ5","b":"Y2FuYXJ5"}},`, "needles": `"tokentokentokeneyJeyJ://",`,
		"deep": `{"name":"x","value":[`, "names": "tokenpasswordkind:", "slashes": `"\\\\\\\\\\\"token",`,
	} {
		for _, size := range []int{1 << 20, 4 << 20} {
			var body string
			switch name {
			case "deep":
				n := min(size/len(unit), 4900)
				body = repeated(unit, n) + "1" + repeated("]}", n)
			case "names":
				body = `"` + repeated(unit, size/len(unit)) + `"`
			default:
				body = "[" + repeated(unit, size/len(unit)) + "0]"
			}
			e := &audit.Event{Raw: []byte(request("secrets", body))}
			b.Run(name+map[bool]string{true: "/1MB", false: "/4MB"}[size == 1<<20], func(b *testing.B) {
				b.SetBytes(int64(len(e.Raw)))
				for b.Loop() {
					r.Event(e)
				}
			})
		}
	}
}

func repeated(unit string, n int) string { return string(bytes.Repeat([]byte(unit), n)) }
