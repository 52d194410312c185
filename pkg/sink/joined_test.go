package sink_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
)

// rulesOf keeps what a sink gets, by rule.
type rulesOf struct {
	memory
	rules []string
}

func (r *rulesOf) Write(ctx context.Context, events []*record.Event) error {
	if err := r.memory.Write(ctx, events); err != nil {
		return err
	}
	for _, e := range events {
		for _, d := range e.Detections {
			r.rules = append(r.rules, d.Rule.Name)
		}
	}
	return nil
}

// joined is the event of an audit log whose review was told of.
func joined(id byte, told []string, names ...string) *record.Event {
	e := event(id, names...)
	e.Link = &record.Link{Review: "r", Told: told}
	return e
}

// TestJoinedLeavesOutWhatWasTold: rule by rule; others go out, and the events stay as they are.
func TestJoinedLeavesOutWhatWasTold(t *testing.T) {
	r := &rulesOf{}
	j := sink.NewJoined(sink.NewOnce(r, record.NewRecent(100)))
	assert.Equal(t, "memory", j.Name())
	half := joined(3, []string{"a", "c"}, "a", "b", "c")
	require.NoError(t, j.Write(t.Context(), []*record.Event{event(1, "a"), joined(2, []string{"a"}, "a"), half, joined(4, nil, "a"), joined(5, []string{"x"}, "y"), event(6)}))
	assert.Equal(t, []byte{1, 3, 4, 5, 6}, r.got)
	assert.Equal(t, []string{"a", "b", "a", "y"}, r.rules)
	assert.Len(t, half.Detections, 3, "the delivery is another sink's, too")
	assert.EqualValues(t, 3, j.Counters().Joined)
	require.NoError(t, j.Write(t.Context(), []*record.Event{joined(7, []string{"a"}, "a")}), "nothing is left: nothing to write")
	c := j.Counters()
	assert.Equal(t, []uint64{4, 5, 1}, []uint64{c.Joined, c.Events, c.Writes})
}

// TestJoinedCountsWhatIsSettled: a delivery that fails comes again, and is counted then.
func TestJoinedCountsWhatIsSettled(t *testing.T) {
	m := &memory{err: sink.Recoverable{Err: errors.New("full")}}
	j := sink.NewJoined(sink.NewOnce(m, record.NewRecent(100)))
	events := []*record.Event{joined(1, []string{"a"}, "a"), event(2, "a")}
	require.ErrorAs(t, j.Write(t.Context(), events), new(sink.Recoverable))
	assert.Zero(t, j.Counters().Joined)
	m.err = nil
	require.NoError(t, j.Write(t.Context(), events))
	assert.EqualValues(t, 1, j.Counters().Joined)
	assert.Equal(t, []byte{2}, m.got)
}
