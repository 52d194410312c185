package field_test

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// sampleKeys are the arguments with which the fields that need one are asked of
// the sample.
var sampleKeys = map[string]string{
	"ka.uri.param":                    "limit",
	"ka.req.binding.subject.has_name": "x",
	"ka.req.volume.hostpath":          "/etc*",
	"json.value":                      "/objectRef/resource",
	"jevt.value":                      "/annotations/authorization.k8s.io~1decision",
	"kw.uri.params":                   "command",
	"kw.user.extra":                   "authentication.kubernetes.io/credential-id",
	"kw.impersonated.extra":           "scopes",
	"kw.annotations":                  "authorization.k8s.io/decision",
	"kw.pod.labels":                   "app",
	"kw.pod.annotations":              "prometheus.io/scrape",
}

// sampleArg is the argument with which a field is asked of the sample.
func sampleArg(t testing.TB, f *field.Field) field.Arg {
	t.Helper()
	arg, err := f.NoArg()
	if f.ArgRequired {
		key, ok := sampleKeys[f.Name]
		require.True(t, ok, "sampleKeys has none for %s", f.Name)
		arg, err = f.ParseArg(key)
	}
	require.NoError(t, err)
	return arg
}

// sample has the events that a real API server logged, read and parsed.
func sample(t testing.TB, strict bool) []*field.Context {
	t.Helper()
	f, err := os.Open("../audit/testdata/events.jsonl.gz")
	require.NoError(t, err)
	defer f.Close()
	var all []*field.Context
	var first time.Time
	for r := audit.NewReader(f, "sample", audit.Limits{}); ; {
		e, err := r.Next()
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		require.True(t, e.Root().Exists())
		if first.IsZero() {
			first = e.Time
		}
		all = append(all, &field.Context{Event: e, Num: uint64(len(all) + 1), First: first, Hostname: "host-1", Strict: strict})
	}
}

// BenchmarkAppend asks each field of the sample: the figures are of one event.
// It is asked several times in a row, since an event just read is in the cache.
// found/op is how many items an event gives.
func BenchmarkAppend(b *testing.B) {
	const inARow = 16
	events := sample(b, false)
	for _, f := range field.Default().All() {
		arg := sampleArg(b, f)
		b.Run(f.Name, func(b *testing.B) {
			var items []field.Item
			found := 0
			b.ReportAllocs()
			for n := 0; n < b.N; n++ {
				items = f.Append(items[:0], events[n/inARow%len(events)], arg)
				found += len(items)
			}
			b.ReportMetric(float64(found)/float64(b.N), "found/op")
		})
	}
}
