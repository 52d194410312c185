package page

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

func TestLateIsSaid(t *testing.T) {
	e := &record.Event{Event: &audit.Event{Time: sampleNow}, Source: "pubsub", Received: sampleNow.Add(time.Hour)}
	assert.NotContains(t, fmt.Sprint(whenOf(audit.When{}, e)), "late")
	e.Received = sampleNow.Add(3 * time.Hour)
	facts := whenOf(audit.When{}, e)
	assert.Equal(t, []string{"by Pub/Sub", "late: it happened 3h before"}, facts[len(facts)-1].Notes)
}
