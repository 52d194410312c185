package mutate

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// TestRecordedObjects: of what a real API server was sent and answered, made and updated, what
// is patched is what the patch says, and is left alone then.
func TestRecordedObjects(t *testing.T) {
	in, err := os.Open("../audit/testdata/events.jsonl.gz")
	require.NoError(t, err)
	defer in.Close()
	f, r := file(t, everything), audit.NewReader(in, "events", audit.Limits{})
	last := map[string]audit.Value{} // by kind
	changed, pods := 0, map[string]bool{}
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
			for _, old := range []audit.Value{{}, last[kind], now} {
				c := apply(t, f, requestOf(now, old, ""))
				if c.Patch != nil {
					changed++
				}
				if len(c.Entries) > 1 {
					pods[kind] = true
				}
			}
			last[kind] = now
		}
	}
	assert.Greater(t, changed, 500)
	assert.Subset(t, pods, map[string]bool{"Pod": true, "Deployment": true, "DaemonSet": true})
	t.Logf("%d patches; pods changed in %v", changed, pods)
}
