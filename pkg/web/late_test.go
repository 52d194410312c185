package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// TestFlags: lateness comes of the two times, whatever the event is filed under.
func TestFlags(t *testing.T) {
	w := newWorld(t, nil, nil)
	e := w.records([]made{{cluster: "prod", namespace: "shop", user: "kim", verb: "list", resource: "pods"}})[0]
	for _, tt := range []struct {
		flags uint64
		age   time.Duration
		want  []string
	}{
		{0, time.Hour, nil},
		{0, time.Hour + 1, []string{"late"}},
		{record.Expired, 40 * 24 * time.Hour, []string{"expired", "late"}},
		{record.Ahead, -2 * time.Hour, []string{"ahead"}},
	} {
		e.Flags, e.Received = tt.flags, e.Event.Time.Add(tt.age)
		assert.Equal(t, tt.want, eventOf(&search.Hit{Event: e}).Flags)
	}

	// What is stored has both times, so what is found says it, too.
	e.Flags, e.Received = 0, e.Event.Time.Add(3*time.Hour)
	w.add(e)
	var found struct{ Events []struct{ Flags []string } }
	w.get("/events?q=ka.user.name%20%3D%20kim&from=2000-01-01T00:00:00Z", &found)
	require.NotEmpty(t, found.Events)
	assert.Equal(t, []string{"late"}, found.Events[0].Flags)
}
