package output_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestLateIsInTheAnswer, however often the event is folded.
func TestLateIsInTheAnswer(t *testing.T) {
	read := seen{user: "jane", verb: "get", namespace: "shop", name: "a", code: 200}
	late, timely := read.event(t, 1, "r"), read.event(t, 2, "r")
	timely.Event.Time = timely.Event.Time.Add(time.Minute)
	late.Received, timely.Received = late.Event.Time.Add(5*time.Hour), timely.Event.Time.Add(time.Second)
	late.Source, timely.Source = "pubsub", "pubsub"
	lines := answers(t, late, timely)
	assert.Len(t, lines, 2)
	assert.Contains(t, lines[0], "  (late: happened 5h before)")
	assert.NotContains(t, lines[1], "late")
	recording := read.event(t, 3, "r")
	recording.Received, recording.Source = recording.Event.Time.Add(5*time.Hour), "webhook"
	assert.NotContains(t, answers(t, recording)[0], "late", "an API server sends in time")
}
