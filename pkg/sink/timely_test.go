package sink_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// aged is an event with two detections that came so long after it happened.
func aged(id byte, source string, age time.Duration) *record.Event {
	e := event(id, "a", "b")
	e.Source, e.Received, e.Event = source, noon, &audit.Event{Time: noon.Add(-age)}
	return e
}

func outOfLog(e *record.Event) bool { return e.Source == "pubsub" || e.Source == "cloudlogging" }

func TestTimelyLeavesOutWhatALogBringsLate(t *testing.T) {
	m := &memory{}
	now := noon
	var told []uint64
	s := sink.NewTimely(sink.NewOnce(m, record.NewRecent(100)), sink.TimelyConfig{
		Leave: outOfLog, Told: func(n uint64) { told = append(told, n) }, Now: func() time.Time { return now },
	})
	assert.Equal(t, "memory", s.Name())
	require.NoError(t, s.Write(t.Context(), []*record.Event{
		aged(1, "pubsub", time.Hour), aged(2, "pubsub", time.Hour+1), aged(3, "cloudlogging", 48*time.Hour), aged(4, "cloudlogging", -time.Hour),
		aged(5, "webhook", 48*time.Hour), aged(6, "file", 48*time.Hour), aged(7, "webhook", 0),
	}))
	assert.Equal(t, []byte{1, 4, 5, 6, 7}, m.got)
	require.NoError(t, s.Write(t.Context(), []*record.Event{aged(8, "pubsub", 2*time.Hour)}))
	assert.Equal(t, []byte{1, 4, 5, 6, 7}, m.got)
	c := s.Counters()
	assert.Equal(t, []uint64{6, 5, 1}, []uint64{c.Late, c.Events, c.Writes})
	assert.Equal(t, []uint64{4}, told, "once in a while")

	now = now.Add(10 * time.Minute)
	require.NoError(t, s.Write(t.Context(), []*record.Event{aged(9, "webhook", 0)}))
	assert.Equal(t, []uint64{4, 2}, told)
	now = now.Add(10 * time.Minute)
	require.NoError(t, s.Write(t.Context(), []*record.Event{aged(10, "webhook", 0)}))
	assert.Equal(t, []uint64{4, 2}, told, "nothing since")
}

// TestTimelyCountsWhatIsSettled: a delivery that fails comes again, and is counted then.
func TestTimelyCountsWhatIsSettled(t *testing.T) {
	m := &memory{err: sink.Recoverable{Err: errors.New("full")}}
	s := sink.NewTimely(sink.NewOnce(m, record.NewRecent(100)), sink.TimelyConfig{Leave: outOfLog, Now: func() time.Time { return noon }})
	events := []*record.Event{aged(1, "pubsub", 2*time.Hour), aged(2, "pubsub", 0)}
	require.ErrorAs(t, s.Write(t.Context(), events), new(sink.Recoverable))
	assert.Zero(t, s.Counters().Late)
	m.err = nil
	require.NoError(t, s.Write(t.Context(), events))
	assert.EqualValues(t, 2, s.Counters().Late)
	assert.Len(t, events, 2)
	assert.EqualValues(t, 1, events[0].ID[0], "the delivery is another sink's, too")
}
