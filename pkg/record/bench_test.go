package record

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// BenchmarkDecode is what an event with two detections costs an output before it
// writes it; an operation is one event.
func BenchmarkDecode(b *testing.B) {
	s := Stored{Source: "webhook", Cluster: "prod", Extra: EncodeExtra(map[string]string{"region": "eu"})}
	for i := range 100 {
		it := item(audit.Identity{byte(i)})
		it.Raw = fmt.Appendf(nil, `{"number":%d,%s`, i, raw[1:])
		s.Items = append(s.Items, it)
	}
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(s.Items) {
		events, errs := Decode(s)
		require.Empty(b, errs)
		require.Len(b, events, len(s.Items))
	}
}
