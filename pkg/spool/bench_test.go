package spool

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// likeAudit is a record of n events of about size bytes that compress as audit events
// do: most of the text recurs, the identifiers do not.
func likeAudit(n, size int, seed uint64) Record {
	words := rand.New(rand.NewPCG(seed, 1))
	r := Record{Kind: "webhook", Cluster: "prod", Received: time.Unix(1700000000, 0)}
	for range n {
		var b bytes.Buffer
		fmt.Fprintf(&b, `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"%016x%016x","stage":"ResponseComplete",`, words.Uint64(), words.Uint64())
		for b.Len() < size {
			fmt.Fprintf(&b, `"requestURI":"/api/v1/namespaces/team-%d/pods/web-%x","user":{"username":"system:serviceaccount:team-%d:deployer","uid":"%08x"},`,
				words.IntN(40), words.Uint32(), words.IntN(40), words.Uint32())
		}
		b.WriteString(`"annotations":{}}`)
		r.Events = append(r.Events, Item{Raw: b.Bytes()})
	}
	return r
}

// BenchmarkAppend appends with fsync: single small events, as admission and Pub/Sub
// bring them, and the batches of an API server.
func BenchmarkAppend(b *testing.B) {
	for _, bb := range []struct{ writers, events, size int }{
		{1, 1, 1000}, {64, 1, 1000}, {1, 400, 3000}, {8, 400, 3000},
	} {
		b.Run(fmt.Sprintf("writers=%d/events=%d", bb.writers, bb.events), func(b *testing.B) {
			records := make([]Record, 16)
			for i := range records {
				records[i] = likeAudit(bb.events, bb.size, uint64(i))
			}
			cfg := testConfig(b, "a")
			cfg.MaxBytes = 64 << 30
			l := open(b, cfg)
			took := measure(b, l, bb.writers, func(i int) Record { return records[i%len(records)] })
			c := status(b, l).Counters
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
			b.ReportMetric(float64(c.Records)/float64(c.Messages), "records/message")
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
		})
	}
}

// measure runs b.N Appends from several writers and returns how long each took,
// shortest first.
func measure(b *testing.B, l *Log, writers int, record func(i int) Record) []time.Duration {
	var wg sync.WaitGroup
	var n atomic.Int64
	took := make([]time.Duration, b.N)
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for i := int(n.Add(1)) - 1; i < b.N; i = int(n.Add(1)) - 1 {
				start := time.Now()
				if err := l.Append(context.Background(), record(i)); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(start)
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	return took
}

// BenchmarkConsume reads a backlog of batches.
func BenchmarkConsume(b *testing.B) {
	l := open(b, testConfig(b, "a"))
	r := likeAudit(400, 3000, 1)
	for range b.N {
		require.NoError(b, l.Append(b.Context(), r))
	}
	events := 0
	all := make(chan struct{})
	b.ResetTimer()
	consume(b, l, "a", func(_ context.Context, d Delivery) error {
		for i := range d.Records {
			events += len(d.Records[i].Events)
		}
		if events == 400*b.N {
			close(all)
		}
		return nil
	})
	<-all
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkEncode is the work of an Append before it reaches the queue.
func BenchmarkEncode(b *testing.B) {
	r := likeAudit(400, 3000, 1)
	b.SetBytes(int64(sizeHint(&r)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := newPending(&r, DefaultMaxRecord)
		require.NoError(b, err)
		if len(p.block) == 0 || strings.HasPrefix(p.cluster, "x") {
			b.Fatal("not a block")
		}
	}
}
