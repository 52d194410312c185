package record

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

func TestLate(t *testing.T) {
	at := time.Date(2026, 11, 21, 11, 0, 0, 0, time.UTC)
	for age, want := range map[time.Duration]bool{0: false, time.Hour: false, time.Hour + 1: true, -2 * time.Hour: false, 30 * 24 * time.Hour: true} {
		e := &Event{Event: &audit.Event{Time: at}, Received: at.Add(age)}
		assert.Equal(t, want, e.Late(), age)
		e.Flags = Ahead
		assert.Equal(t, want, e.Late(), "where it is filed makes no difference")
	}
	assert.True(t, (&Event{Event: new(audit.Event), Received: at}).Late(), "of the year 1")
	assert.False(t, (&Event{Event: &audit.Event{Time: at}}).Late(), "nobody knows when it came")
}
