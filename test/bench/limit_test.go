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

func (s *scanner) scan(tb testing.TB, data []byte, next func(*jsontext.Decoder) error) {
	s.bytes = *bytes.NewBuffer(data)
	s.decoder.Reset(&s.bytes)
	var err error
	for err == nil {
		err = next(&s.decoder)
	}
	if err != io.EOF {
		tb.Fatal(err)
	}
}

// The two ways to scan: whole values, of which nothing is seen but where they
// end, and token by token, as whoever wants to find something in them does.
func value(d *jsontext.Decoder) error { _, err := d.ReadValue(); return err }
func token(d *jsontext.Decoder) error { _, err := d.ReadToken(); return err }

// BenchmarkScan is the bare scan of the events.
func BenchmarkScan(b *testing.B) {
	forEach(b, func(b *testing.B, data []byte, n int) {
		for name, next := range map[string]func(*jsontext.Decoder) error{"values": value, "tokens": token} {
			b.Run("by="+name, func(b *testing.B) {
				b.SetBytes(int64(len(data) / n))
				var s scanner
				for i := 0; i < b.N; i += n {
					s.scan(b, data, next)
				}
			})
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
// events. x-scan is the ratio of CPU times to the scan of whole values, x-tokens
// to that of tokens; decode-x-scan is that of decoding alone. They hang neither
// on how fast the machine is nor, much, on what else it does.
func BenchmarkLimit(b *testing.B) {
	forEachSet(b, func(b *testing.B, m *match.Matcher) {
		forEach(b, func(b *testing.B, data []byte, n int) {
			var s scanner
			var batch audit.Batch
			var scanning, tokens, decoding, all time.Duration
			for i := 0; i < b.N; i += n {
				spend(&scanning, func() { s.scan(b, data, value) })
				spend(&tokens, func() { s.scan(b, data, token) })
				spend(&all, func() { matchAll(m, decode(&batch, data)) })
				spend(&decoding, func() { decode(&batch, data) })
			}
			require.NotZero(b, scanning)
			b.ReportMetric(float64(all)/float64(scanning), "x-scan")
			b.ReportMetric(float64(all)/float64(tokens), "x-tokens")
			b.ReportMetric(float64(decoding)/float64(scanning), "decode-x-scan")
		})
	})
}
