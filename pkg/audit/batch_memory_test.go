package audit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// longBody is a body of n members, each looked at below.
func longBody(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"key%d":[%d,"value",{"a":null}],`, i, i)
	}
	return `{` + b.String() + `"last":true}`
}

// TestBatchKeepsMemory: of events that were decoded before, neither envelope nor bodies
// take new memory, unless one was so large that it is better given back.
func TestBatchKeepsMemory(t *testing.T) {
	if underRace {
		t.Skip("the race detector takes memory of its own")
	}
	for _, c := range []struct {
		name            string
		members, events int
		kept            bool
	}{{"usual", 40, 30, true}, {"rare", mostKept, 2, false}} {
		t.Run(c.name, func(t *testing.T) {
			body := longBody(c.members)
			piece := []byte(strings.Repeat(`{"kind":"Event","auditID":"a","verb":"create","requestObject":`+body+`,"responseObject":`+body+
				`,"stage":"ResponseComplete","stageTimestamp":"2026-11-30T10:00:00Z"}`+"\n", c.events))
			var b Batch
			decode := func() {
				b.Decode(piece, Position{Input: "test", Line: 1}, Limits{})
				for _, e := range b.Events {
					if !e.Root().Get("requestObject").Get("last").Exists() || !e.Root().Get("responseObject").Get("last").Exists() {
						t.Error("a body is not there")
					}
				}
			}
			decode()
			require.Len(t, b.Events, c.events)
			if c.kept {
				assert.Less(t, testing.AllocsPerRun(10, decode), 10.0, "a piece takes some, its %d events none", c.events)
			} else {
				b.Decode(nil, Position{}, Limits{})
				for _, e := range b.events {
					e.tree.reset()
					assert.Zero(t, cap(e.tree.bodies[0].spare.nodes))
				}
			}
		})
	}
}
