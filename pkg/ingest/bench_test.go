package ingest

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/spool"
)

// discard is a log that keeps nothing.
type discard struct{}

func (discard) Append(context.Context, spool.Record) error { return nil }

// bodies makes bodies of 400 events as the API server sends them, each body of
// events that no other has.
func bodies(b *testing.B) func() []byte {
	var items [][]byte
	for line := range bytes.Lines(recorded(b)) {
		item := bytes.TrimSpace(line)
		items = append(items, bytes.Replace(item, []byte(`"kind":"Event","apiVersion":"audit.k8s.io/v1",`), nil, 1))
	}
	n, next := 0, 0
	var body []byte
	return func() []byte {
		body = append(body[:0], `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[`...)
		for i := range 400 {
			if i > 0 {
				body = append(body, ',')
			}
			body = fmt.Appendf(body, `{"number":%d,`, n)
			body = append(body, items[next][1:]...)
			n, next = n+1, (next+1)%len(items)
		}
		return append(body, "]}\n"...)
	}
}

// BenchmarkTake takes recorded bodies; an operation is one event. With judge=none it
// is what everything besides judging and the log takes.
func BenchmarkTake(b *testing.B) {
	for _, name := range []string{"none", "builtin"} {
		b.Run("judge="+name, func(b *testing.B) {
			c := newClock()
			cfg := Config{Log: discard{}, Judge: plain{}, Ledger: NewLedger(LedgerConfig{Now: c.now}), Now: c.now}
			if name != "none" {
				cfg.Judge = newJudge(b)
			}
			in := New(cfg)
			next := bodies(b)
			b.ReportAllocs()
			b.StopTimer()
			for n := 0; n < b.N; n += 400 {
				body := next()
				b.SetBytes(int64(len(body) / 400))
				b.StartTimer()
				r, err := in.Take(context.Background(), Body{Source: SourceWebhook, Cluster: "prod", Data: body, Received: noon})
				b.StopTimer()
				require.NoError(b, err)
				require.Equal(b, 400, r.Events)
			}
		})
	}
}

func BenchmarkThings(b *testing.B) {
	body := bodies(b)()
	b.SetBytes(int64(len(body) / 400))
	for n := 0; n < b.N; n += 400 {
		things(body, maxAtOnce)
	}
}
