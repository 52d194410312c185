package ingest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// made is an event that a source made of something else.
func made(t testing.TB, id, cluster string, labels map[string]string) *audit.Event {
	t.Helper()
	e, err := audit.Converted{
		Raw:     []byte(`{"kind":"Event","apiVersion":"audit.k8s.io/v1",` + event(id)[1:]),
		Cluster: cluster, Labels: labels, Identity: audit.Identity{byte(len(id)), id[0], 1},
	}.Event()
	require.NoError(t, err)
	return e
}

func TestGivenEventsKeepTheirClustersAndLabels(t *testing.T) {
	in := newIntake(func(c *Config) {
		c.Clusters = []Cluster{{Name: "prod", Labels: map[string]string{"environment": "production", "location": "here"}}}
	})
	found := map[string]string{"location": "europe-west1", "project_id": "p"}
	r, err := in.TakeGiven(t.Context(), Given{Source: "pubsub", Events: []*audit.Event{
		made(t, "a", "prod", found), made(t, "b", "stage", found), made(t, "c", "prod", found),
		made(t, "d", "prod", map[string]string{"project_id": "q"}), made(t, "a", "prod", found),
	}})
	require.NoError(t, err)
	assert.Equal(t, Receipt{Events: 4, Known: 1}, r)
	require.Len(t, in.log.records, 3)
	events := in.log.events(t)
	assert.Equal(t, []string{"a", "c", "b", "d"}, auditIDs(events))
	var labels []string
	for _, e := range events {
		assert.Equal(t, "pubsub", e.Source)
		assert.Equal(t, noon, e.Received)
		labels = append(labels, fmt.Sprint(e.Event.Cluster, " ", e.Labels))
	}
	assert.Equal(t, []string{
		"prod map[environment:production location:here project_id:p]",
		"prod map[environment:production location:here project_id:p]",
		"stage map[location:europe-west1 project_id:p]",
		"prod map[environment:production location:here project_id:q]",
	}, labels)
	assert.Equal(t, audit.Identity{1, 'b', 1}, events[2].ID)

	r, err = in.TakeGiven(t.Context(), Given{Source: "pubsub", Events: []*audit.Event{made(t, "b", "stage", found)}})
	require.NoError(t, err)
	assert.Equal(t, Receipt{Known: 1}, r, "given again")
}

func TestRefusedOfASourceIsADeadLetter(t *testing.T) {
	in := newIntake(nil)
	refused := make([]Refused, maxLetters+10)
	for i := range refused {
		refused[i] = Refused{Reason: audit.ReasonEntry, Err: errors.New("no time"), Raw: fmt.Appendf(nil, `{"logName":%d}`, i)}
	}
	r, err := in.TakeGiven(t.Context(), Given{Source: "pubsub", Events: []*audit.Event{made(t, "a", "prod", nil)}, Refused: refused})
	require.NoError(t, err)
	assert.Equal(t, Receipt{Events: 1, Dead: len(refused)}, r)
	var last spool.DeadLetter
	for _, rec := range in.log.records {
		for _, d := range rec.Dead {
			last = d
		}
	}
	assert.Equal(t, "entry: no time", last.Reason)
	assert.Equal(t, fmt.Sprintf(`{"logName":%d}`, len(refused)-1), string(last.Raw))
}

func TestGivenInPartIsGivenAgain(t *testing.T) {
	in := newIntake(func(c *Config) { c.Clusters = []Cluster{{Name: "prod", EventsPerSecond: 1, Burst: 1}} })
	g := Given{Source: "pubsub", Events: []*audit.Event{made(t, "a", "stage", nil), made(t, "b", "prod", nil), made(t, "c", "prod", nil)}}
	in.log.errs = []error{nil, spool.Full{Reason: spool.FullDisk}}
	r, err := in.TakeGiven(t.Context(), g)
	require.ErrorIs(t, err, spool.Full{Reason: spool.FullDisk})
	assert.Equal(t, Receipt{Events: 1}, r)
	_, err = in.TakeGiven(t.Context(), g)
	var limited RateLimited
	require.ErrorAs(t, err, &limited)
	in.clock.pass(limited.RetryAfter + time.Second)
	r, err = in.TakeGiven(t.Context(), g)
	require.NoError(t, err)
	assert.Equal(t, Receipt{Events: 2, Known: 1}, r)
}

// noted is a judge that says that it was there.
type noted struct{ plain }

func (n noted) Judge(events []*audit.Event, ids []audit.Identity) (items []record.Item, ruleset []byte) {
	items, _ = n.plain.Judge(events, ids)
	return items, []byte("noted")
}

func TestGivenMayBeJudgedAlready(t *testing.T) {
	in := newIntake(nil)
	for id, judge := range map[string]Judge{"a": noted{}, "b": nil} {
		_, err := in.TakeGiven(t.Context(), Given{Source: "admission", Events: []*audit.Event{made(t, id, "prod", nil)}, Judge: judge})
		require.NoError(t, err)
	}
	by := map[string]string{}
	for _, rec := range in.log.records {
		for _, e := range (&memory{records: []spool.Record{rec}}).events(t) {
			by[e.Event.AuditID] = string(rec.Ruleset)
		}
	}
	assert.Equal(t, "noted", by["a"])
	assert.NotEqual(t, "noted", by["b"])
}
