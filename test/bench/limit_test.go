package bench

import (
	"bytes"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// scanner reads JSON values with jsontext and does nothing else: names are
// checked for duplicates, texts for UTF-8. This is the limit: whoever reads
// events strictly with jsontext pays that much.
type scanner struct {
	decoder jsontext.Decoder
	bytes   bytes.Buffer
}

func (s *scanner) scan(tb testing.TB, data []byte) {
	s.bytes = *bytes.NewBuffer(data)
	s.decoder.Reset(&s.bytes)
	var err error
	for err == nil {
		_, err = s.decoder.ReadValue()
	}
	if err != io.EOF {
		tb.Fatal(err)
	}
}

// BenchmarkScan is the bare scan of the events.
func BenchmarkScan(b *testing.B) {
	forEach(b, func(b *testing.B, data []byte, n int) {
		var s scanner
		for i := 0; i < b.N; i += n {
			s.scan(b, data)
		}
	})
}

// spend adds the CPU time that f takes, with that of the garbage collector.
func spend(sum *time.Duration, f func()) {
	start := cpu()
	f()
	*sum += cpu() - start
}

func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkLimit decodes and matches, by turns with the bare scan of the same
// events. x-scan is the ratio, decode-x-scan that of decoding alone; they do not
// depend on how fast the machine is, nor much on what else it does.
func BenchmarkLimit(b *testing.B) {
	forEachSet(b, func(b *testing.B, m *match.Matcher) {
		forEach(b, func(b *testing.B, data []byte, n int) {
			var s scanner
			var batch audit.Batch
			var scanning, decoding, all time.Duration
			for i := 0; i < b.N; i += n {
				spend(&scanning, func() { s.scan(b, data) })
				spend(&all, func() { matchAll(m, decode(&batch, data)) })
				spend(&decoding, func() { decode(&batch, data) })
			}
			require.NotZero(b, scanning)
			b.ReportMetric(float64(all)/float64(scanning), "x-scan")
			b.ReportMetric(float64(decoding)/float64(scanning), "decode-x-scan")
		})
	})
}
