package ingest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/join"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// suspicious is a judge that finds something in every event.
type suspicious struct {
	plain
	seen map[string]string // by audit ID, the review that it was joined with when it was judged
}

func (s suspicious) Judge(events []*audit.Event, ids []audit.Identity) (items []record.Item, ruleset []byte) {
	items, ruleset = s.plain.Judge(events, ids)
	for i := range items {
		s.seen[events[i].AuditID] = events[i].Review
		items[i].Detections = record.EncodeDetections([]match.Detection{{Rule: &rules.Rule{Name: "rule", Priority: rules.Notice}}})
	}
	return items, ruleset
}

const created = `"verb":"create","user":{"username":"jane"},"objectRef":{"resource":"pods","namespace":"shop","name":"web"}`

// reviewed is the event of a review of what created makes.
func reviewed(t *testing.T, uid string, at time.Time) Given {
	t.Helper()
	e, err := audit.Converted{Cluster: "prod", Identity: audit.Identity{uid[0]}, Raw: fmt.Appendf(nil,
		`{"kind":"Event","auditID":%q,"stage":"ResponseComplete","stageTimestamp":%q,%s,"annotations":{"admission.kubewitness.io/uid":%q,"admission.kubewitness.io/operation":"CREATE"}}`,
		uid, at.Format(time.RFC3339Nano), created, uid)}.Event()
	require.NoError(t, err)
	return Given{Source: record.SourceAdmission, Events: []*audit.Event{e}}
}

func newJoining() (*intake, map[string]string) {
	seen := map[string]string{}
	in := newIntake(func(c *Config) {
		c.Judge, c.Join = suspicious{seen: seen}, join.New(join.Config{Now: c.Now})
	})
	return in, seen
}

// TestReviewAndAuditEventAreJoined: the event of the audit log has the link, in the log, and
// so has one that comes by another way after that one was refused.
func TestReviewAndAuditEventAreJoined(t *testing.T) {
	in, seen := newJoining()
	_, err := in.TakeGiven(t.Context(), reviewed(t, "r", noon))
	require.NoError(t, err)
	in.log.errs = []error{spool.Full{Reason: spool.FullDisk}}
	body := list(event("other"), event("a", created))
	_, err = in.take(t, "prod", body)
	require.Error(t, err)
	assert.Equal(t, Receipt{Events: 2}, in.mustTake(t, body))
	assert.Equal(t, map[string]string{"r": "", "other": "", "a": "r"}, seen, "rules see it")

	events := in.log.events(t)
	require.Len(t, events, 3)
	assert.Nil(t, events[0].Link)
	assert.Nil(t, events[1].Link)
	assert.Equal(t, &record.Link{Review: "r", At: noon.UTC(), Told: []string{"rule"}}, events[2].Link)
	assert.Equal(t, "r", events[2].Event.Review)
	less, told := events[2].Untold()
	assert.Equal(t, 1, told)
	assert.Empty(t, less.Detections)
	assert.Len(t, events[2].Detections, 1)
}

// TestReviewThatIsNotOnDiskSuppressesNothing: the log had no room for it when the audit event came.
func TestReviewThatIsNotOnDiskSuppressesNothing(t *testing.T) {
	in, _ := newJoining()
	in.log.errs = []error{errors.New("no room")}
	_, err := in.TakeGiven(t.Context(), reviewed(t, "r", noon))
	require.Error(t, err)
	in.mustTake(t, list(event("a", created)))
	_, err = in.TakeGiven(t.Context(), reviewed(t, "r", noon))
	require.NoError(t, err)
	events := in.log.events(t)
	require.Len(t, events, 2)
	assert.Equal(t, &record.Link{Review: "r", At: noon.UTC()}, events[0].Link)
	assert.Equal(t, &record.Link{Review: "r", At: noon.UTC(), Audit: "a", Told: []string{"rule"}}, events[1].Link, "it is the one that came second")
}

// TestRestartForgetsReviews: what was joined before is told again rather than not at all.
func TestRestartForgetsReviews(t *testing.T) {
	in, _ := newJoining()
	_, err := in.TakeGiven(t.Context(), reviewed(t, "r", noon))
	require.NoError(t, err)
	again, _ := newJoining()
	again.mustTake(t, list(event("a", created)))
	assert.Nil(t, again.log.events(t)[0].Link)
}
