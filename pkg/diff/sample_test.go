package diff

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// TestRecordedObjects: of what a real API server was sent and answered, every diff is
// enough to make the one of the other, and short.
func TestRecordedObjects(t *testing.T) {
	f, err := os.Open("../audit/testdata/events.jsonl.gz")
	require.NoError(t, err)
	defer f.Close()
	r := audit.NewReader(f, "events", audit.Limits{})
	last := map[string]audit.Value{} // by kind
	compared, named, told := 0, 0, 0
	for {
		e, err := r.Next()
		if err != nil {
			break
		}
		for _, key := range []string{"requestObject", "responseObject"} {
			now := e.Root().Get(key)
			if now.Kind() != audit.Object {
				continue
			}
			kind := now.Get("kind").Text()
			if old := last[kind]; old.Exists() {
				compared++
				byNumber := Objects(old, now, everything(true))
				made := apply(t, decode(t, old.Raw()), byNumber.Changes)
				require.Equal(t, canonical(t, decode(t, now.Raw()), false), canonical(t, made, false))
				byName := Objects(old, now, everything(false))
				made = apply(t, decode(t, old.Raw()), byName.Changes)
				require.Equal(t, canonical(t, decode(t, now.Raw()), true), canonical(t, made, true), "%s", lines(byName))
				named += len(byName.Changes)
				told += len(Objects(old, now, Options{}).Changes)
			}
			last[kind] = now
		}
	}
	assert.Greater(t, compared, 100)
	assert.Less(t, told, named)
	t.Logf("%d pairs, %d changes in all, %d told", compared, named, told)
}

func BenchmarkObjects(b *testing.B) {
	old := value(b, `{"kind":"Deployment","metadata":{"name":"web","labels":{"app":"web"}},"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"web","image":"web:1","env":[{"name":"A","value":"1"}]}]}}},"status":{"replicas":2}}`)
	now := value(b, `{"kind":"Deployment","metadata":{"name":"web","labels":{"app":"web"}},"spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"web","image":"web:2","env":[{"name":"A","value":"1"},{"name":"B","value":"2"}]}]}}},"status":{"replicas":2}}`)
	b.ReportAllocs()
	for b.Loop() {
		Objects(old, now, Options{})
	}
}
