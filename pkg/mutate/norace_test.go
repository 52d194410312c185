//go:build !race

package mutate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// TestNothingIsAllocatedWhereNothingHolds, but for the event, and what says which event it is.
// With the race detector pools forget on purpose.
func TestNothingIsAllocatedWhereNothingHolds(t *testing.T) {
	f := file(t, "mutate: [{name: a, condition: ka.verb = delete, labels: {add: {a: b}}}, {name: b, condition: ka.user.name = nobody, labels: {add: {a: b}}}]")
	r := requestOf(fromYAML(t, pod), audit.Value{}, "")
	e, err := r.Event(r.Object)
	require.NoError(t, err)
	r.Event = func(audit.Value) (*audit.Event, error) { return e, nil }
	n := testing.AllocsPerRun(1000, func() {
		if c, err := f.Apply(r); err != nil || c.Patch != nil {
			panic("it holds")
		}
	})
	assert.LessOrEqual(t, n, 2.0)
}
