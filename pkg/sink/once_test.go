package sink_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
)

// memory is a sink that keeps the identities it got, or fails.
type memory struct {
	err error
	got []byte
}

func (m *memory) Name() string { return "memory" }
func (m *memory) Close() error { return nil }
func (m *memory) Write(_ context.Context, events []*record.Event) error {
	if m.err != nil {
		return m.err
	}
	for _, e := range events {
		m.got = append(m.got, e.ID[0])
	}
	return nil
}

// event is one of identity id, with a detection of each rule.
func event(id byte, names ...string) *record.Event {
	e := &record.Event{ID: audit.Identity{id}}
	for _, n := range names {
		e.Detections = append(e.Detections, match.Detection{Rule: &rules.Rule{Name: n}})
	}
	return e
}

// TestOnceLeavesOutWhatWasWritten: in one write and over several, whatever the
// detections are the second time.
func TestOnceLeavesOutWhatWasWritten(t *testing.T) {
	m := &memory{}
	o := sink.NewOnce(m, record.NewRecent(100))
	require.NoError(t, o.Write(t.Context(), []*record.Event{event(1, "a"), event(2, "a"), event(1, "a")}))
	require.NoError(t, o.Write(t.Context(), []*record.Event{event(2, "a", "of a later ruleset"), event(3, "a")}))
	require.NoError(t, o.Write(t.Context(), []*record.Event{event(3, "a")}), "nothing is left: nothing to fail")
	assert.Equal(t, []byte{1, 2, 3}, m.got)
	c := o.Counters()
	assert.Equal(t, []uint64{3, 3, 3}, []uint64{c.Writes, c.Events, c.Repeated})
}

// TestOnceRemembersOnlySuccess: after a failure the events come through again.
func TestOnceRemembersOnlySuccess(t *testing.T) {
	for name, err := range map[string]error{
		"recoverable": sink.Recoverable{Err: errors.New("down")}, "permanent": sink.Permanent{Err: errors.New("refused")}, "any": errors.New("odd"),
	} {
		t.Run(name, func(t *testing.T) {
			m := &memory{err: err}
			o := sink.NewOnce(m, record.NewRecent(100))
			batch := []*record.Event{event(1, "a"), event(2, "a")}
			require.Equal(t, err, o.Write(t.Context(), batch), "the error is that of the sink behind")
			m.err = nil
			require.NoError(t, o.Write(t.Context(), batch))
			assert.Equal(t, []byte{1, 2}, m.got)
			c := o.Counters()
			assert.Equal(t, uint64(1), c.Failed+c.Rejected)
			assert.Zero(t, c.Repeated)
		})
	}
}

// TestOnceEventsWithoutDetections take no place in the memory and hide nothing.
func TestOnceEventsWithoutDetections(t *testing.T) {
	m := &memory{}
	o := sink.NewOnce(m, record.NewRecent(1))
	require.NoError(t, o.Write(t.Context(), []*record.Event{event(1, "a")}))
	require.NoError(t, o.Write(t.Context(), []*record.Event{event(2), event(3), event(4), event(5, "a"), event(5), event(1, "a")}))
	assert.Equal(t, []byte{1, 2, 3, 4, 5, 5}, m.got)
}
