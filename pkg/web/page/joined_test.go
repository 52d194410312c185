package page

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// TestJoinedEventsLeadToEachOther: the one has the uid in itself, the other in its link.
func TestJoinedEventsLeadToEachOther(t *testing.T) {
	review := &audit.Event{Time: sampleNow, Raw: []byte(`{"auditID":"u-1","annotations":{"admission.kubewitness.io/uid":"u-1"}}`)}
	joined := &audit.Event{Time: sampleNow, Raw: []byte(`{"auditID":"a-1"}`), Review: "u-1"}
	alone := &audit.Event{Time: sampleNow, Raw: []byte(`{"auditID":"a-1"}`)}
	for e, want := range map[*audit.Event]bool{review: true, joined: true, alone: false} {
		links := fmt.Sprint(related(&search.Hit{Event: &record.Event{Event: e}, Answer: e.Answer()}))
		if want {
			assert.Contains(t, links, "Admission review and audit events of this request")
			assert.Contains(t, links, "kw.admission.uid+%3D+u-1")
		} else {
			assert.NotContains(t, links, "Admission review")
		}
	}
	facts := whenOf(audit.When{}, &record.Event{Event: joined, Source: "admission", Link: &record.Link{Review: "u-1", At: sampleNow, Told: []string{"a", "b"}}})
	assert.Equal(t, []string{"told to outputs with the other event of the request: a, b"}, facts[len(facts)-1].Notes)
}
