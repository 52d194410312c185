package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

func TestBodyBecomesOneRecord(t *testing.T) {
	in := newIntake(func(c *Config) {
		c.Clusters = []Cluster{{Name: "prod", Labels: map[string]string{"environment": "production"}}}
	})
	in.clock.pass(time.Second)
	assert.Equal(t, Receipt{Events: 2, Dead: 1}, in.mustTake(t, list(event("a"), `7`, event("b"))))

	require.Len(t, in.log.records, 1)
	r := in.log.records[0]
	assert.Equal(t, SourceWebhook, r.Kind)
	assert.Equal(t, "prod", r.Cluster)
	assert.Equal(t, noon.Add(time.Second), r.Received)
	assert.Equal(t, []byte("rules"), r.Ruleset)
	events := in.log.events(t)
	assert.Equal(t, []string{"a", "b"}, auditIDs(events))
	assert.Equal(t, map[string]string{"environment": "production"}, events[0].Labels)
	assert.Equal(t, "prod", events[0].Event.Cluster)

	want := Counter{Cluster: "prod", Source: SourceWebhook, Bodies: 1, Bytes: uint64(len(list(event("a"), `7`, event("b")))),
		Events: 2, Letters: 1, Dead: map[string]uint64{"type": 1}, Refused: map[string]uint64{}}
	assert.Equal(t, Counters{want}, in.Counters())
}

func TestNothingToStoreIsTakenWithoutTheLog(t *testing.T) {
	for _, body := range []string{"", " \n\n", list(), `{"kind":"EventList","items":null}`, "[]"} {
		in := newIntake(nil)
		in.log.errs = []error{errors.New("not to be called")}
		assert.Zero(t, in.mustTake(t, body), "%q", body)
		assert.Len(t, in.log.errs, 1)
	}
}

func TestWhatIsStoredIsKnown(t *testing.T) {
	in := newIntake(nil)
	assert.Equal(t, Receipt{Events: 2}, in.mustTake(t, list(event("a"), event("b"))))
	assert.Equal(t, Receipt{Known: 2}, in.mustTake(t, list(event("a"), event("b"))), "the batch is sent again")
	assert.Equal(t, Receipt{Events: 1, Known: 1}, in.mustTake(t, list(event("c"), event("b"))))
	// A line of the log file says kind and apiVersion.
	line := `{"kind":"Event","apiVersion":"audit.k8s.io/v1",` + event("a")[1:] + "\n"
	r, err := in.Take(t.Context(), Body{Source: SourceFile, Cluster: "prod", Data: []byte(line)})
	require.NoError(t, err)
	assert.Equal(t, Receipt{Known: 1}, r)
	// The auditID is the client's choice: another event may have the same.
	assert.Equal(t, Receipt{Events: 1}, in.mustTake(t, list(event("a", `"level":"Metadata"`))))
	r, err = in.take(t, "test", list(event("a")))
	require.NoError(t, err)
	assert.Equal(t, Receipt{Events: 1}, r, "another cluster's event")
	assert.Equal(t, []string{"a", "b", "c", "a", "a"}, auditIDs(in.log.events(t)))
}

func TestRefusalOfTheLogIsTheAnswer(t *testing.T) {
	for kind, refused := range map[string]error{
		RefusedFull: spool.Full{Reason: spool.FullDisk}, RefusedUnknown: spool.Unknown{Cause: errors.New("silence")},
		RefusedPoisoned: spool.Poisoned{Cause: errors.New("EIO")}, RefusedDraining: spool.Draining{}, RefusedOther: context.Canceled,
	} {
		t.Run(kind, func(t *testing.T) {
			in := newIntake(nil)
			in.log.errs = []error{refused}
			_, err := in.take(t, "prod", list(event("a")))
			require.ErrorIs(t, err, refused)
			assert.Equal(t, Receipt{Events: 1}, in.mustTake(t, list(event("a"))), "what was refused is not known")
			c := in.Counters()
			assert.Equal(t, OtherClusters, c[0].Cluster)
			assert.Equal(t, map[string]uint64{kind: 1}, c[0].Refused)
			assert.EqualValues(t, 1, c[0].Events)
		})
	}
}

func TestEventsOfAnotherTimeAreFlagged(t *testing.T) {
	in := newIntake(func(c *Config) { c.Retention = 24 * time.Hour })
	in.mustTake(t, list(
		eventAt("now", noon), eventAt("old", noon.Add(-23*time.Hour)), eventAt("expired", noon.Add(-25*time.Hour)),
		eventAt("soon", noon.Add(59*time.Minute)), eventAt("ahead", noon.Add(61*time.Minute)), eventAt("year 1", time.Time{}),
	))
	flags := map[string]uint64{}
	for _, e := range in.log.events(t) {
		flags[e.Event.AuditID] = e.Flags
		if e.Flags != 0 {
			assert.Equal(t, noon, e.Filed())
		}
	}
	assert.Equal(t, map[string]uint64{"now": 0, "old": 0, "expired": record.Expired, "soon": 0, "ahead": record.Ahead, "year 1": record.Expired}, flags)
	c := in.Counters()[0]
	assert.EqualValues(t, 2, c.Expired)
	assert.EqualValues(t, 1, c.Ahead)
}

// faulty is a judge that fails on some events.
type faulty struct {
	plain
	item func(*audit.Event) bool
}

func (f faulty) Judge(events []*audit.Event, ids []audit.Identity) ([]record.Item, []byte) {
	for _, e := range events {
		if f.item(e) {
			panic("secret hunter2 in hand")
		}
	}
	return f.plain.Judge(events, ids)
}

func (f faulty) Text(string) string { panic("hunter2") }

func TestEventIsKeptWithoutItsBodiesWhenTheJudgeFails(t *testing.T) {
	in := newIntake(func(c *Config) {
		c.Judge = faulty{item: func(e *audit.Event) bool { return e.AuditID == "bad" }}
	})
	bad := event("bad", `"requestObject":{"data":"hunter2"}`, `"requestURI":"/api?token=hunter2"`, `"a/b~":1`)
	assert.Equal(t, Receipt{Events: 3, Dead: 1}, in.mustTake(t, list(event("a"), bad, event("b"), `"hunter2"`)))
	events := in.log.events(t)
	assert.Equal(t, []string{"a", "bad", "b"}, auditIDs(events))
	assert.Equal(t, "jane", events[1].Event.Root().Path("user", "username").Text())
	assert.Equal(t, []string{"judge: failed with a string"}, events[1].Faults)
	assert.Equal(t, []string{"/requestObject", "/requestURI", "/a~1b~0"}, events[1].Redacted)
	assert.Empty(t, events[0].Faults)
	assert.NotContains(t, fmt.Sprint(in.log.records), "hunter2")
	assert.EqualValues(t, 3, in.Counters()[0].Faults, "the event, and reason and text of the dead letter")
}

func TestRecordThatIsTooLargeIsCutByEvents(t *testing.T) {
	filler := func(n int) string { return `"filler":"` + strings.Repeat("x", n) + `"` }
	in := newIntake(nil)
	in.log.limit = 10_000
	var items, want []string
	for i := range 50 {
		id := fmt.Sprint(i)
		items, want = append(items, event(id, filler(rand.IntN(3000)))), append(want, id)
	}
	items = append(items, event("huge", filler(20_000)), "1", "2")
	assert.Equal(t, Receipt{Events: 50, Dead: 3}, in.mustTake(t, list(items...)))
	assert.Equal(t, want, auditIDs(in.log.events(t)))
	dead := in.log.dead()
	require.Len(t, dead, 3)
	var reasons strings.Builder
	for _, d := range dead {
		fmt.Fprintln(&reasons, d.Reason)
		assert.LessOrEqual(t, len(d.Raw), letterBytes)
	}
	assert.Contains(t, reasons.String(), DeadTooLarge+": spool: the record has")
	assert.Equal(t, map[string]uint64{DeadTooLarge: 1, "type": 2}, in.Counters()[0].Dead)
	assert.Equal(t, Receipt{Known: 51, Dead: 2}, in.mustTake(t, list(items...)), "and is not tried again")

	in = newIntake(nil)
	in.log.limit = 1
	_, err := in.take(t, "prod", list(event("a")))
	require.NoError(t, err, "cut until the log takes it")
	in.log.limit = -1
	in.log.errs = []error{spool.TooLarge{}, spool.TooLarge{}, spool.TooLarge{}, spool.TooLarge{}, spool.TooLarge{}}
	for range 20 {
		in.log.errs = append(in.log.errs, spool.TooLarge{})
	}
	_, err = in.take(t, "prod", list(event("b")))
	require.ErrorAs(t, err, new(spool.TooLarge), "a log that takes nothing at all")
}

func TestBodyOfVeryManyThingsIsTakenInPieces(t *testing.T) {
	items := make([]string, 0, 10_000)
	var want []string
	for i := range cap(items) {
		id := fmt.Sprint(i)
		items, want = append(items, event(id)), append(want, id)
	}
	for name, body := range map[string]string{
		"list": list(items...), "array": "[" + strings.Join(items, "\n,") + "]",
	} {
		t.Run(name, func(t *testing.T) {
			in := newIntake(nil)
			if name == "array" {
				body = strings.ReplaceAll(body, `{"auditID"`, `{"kind":"Event","auditID"`)
			}
			assert.Equal(t, Receipt{Events: len(items)}, in.mustTake(t, body))
			assert.Len(t, in.log.records, 10)
			assert.Equal(t, want, auditIDs(in.log.events(t)))
			assert.Equal(t, Receipt{Known: len(items)}, in.mustTake(t, body))
		})
	}
}

func TestRateOfACluster(t *testing.T) {
	in := newIntake(func(c *Config) {
		c.Clusters = []Cluster{{Name: "prod", EventsPerSecond: 10, Burst: 20}, {Name: "free"}}
	})
	items := func(prefix string, n int) string {
		var all []string
		for i := range n {
			all = append(all, event(fmt.Sprint(prefix, i)))
		}
		return list(all...)
	}
	limited := func(data string, after time.Duration) {
		t.Helper()
		_, err := in.take(t, "prod", data)
		require.ErrorIs(t, err, RateLimited{RetryAfter: after})
	}
	in.mustTake(t, items("a", 15))
	limited(items("b", 15), time.Second)
	in.clock.pass(time.Second)
	in.mustTake(t, items("b", 15))
	limited("not even decoded", 100*time.Millisecond)
	_, err := in.take(t, "free", items("c", 1000))
	require.NoError(t, err, "another cluster")

	in.clock.pass(time.Hour)
	in.mustTake(t, items("d", 100)) // more than fits into a burst: owed for
	limited(items("e", 1), 8100*time.Millisecond)
	in.clock.pass(8100 * time.Millisecond)
	in.mustTake(t, items("e", 1))
	for _, c := range in.Counters() {
		if c.Cluster == "prod" {
			assert.Equal(t, map[string]uint64{RefusedRate: 3}, c.Refused)
			assert.EqualValues(t, 131, c.Events)
		}
	}
}

func TestSourcesAndClustersAreCountedInBoundedMemory(t *testing.T) {
	in := newIntake(nil)
	for i := range 1000 {
		_, err := in.Take(t.Context(), Body{Source: fmt.Sprint("s", i), Cluster: fmt.Sprint("c", i), Data: []byte(list(event(fmt.Sprint(i))))})
		require.NoError(t, err)
	}
	c := in.Counters()
	assert.Len(t, c, maxSources+1)
	total := uint64(0)
	for _, x := range c {
		total += x.Events
		assert.Equal(t, OtherClusters, x.Cluster)
	}
	assert.EqualValues(t, 1000, total)
}

// TestManyAtOnce takes bodies from many senders, each of which sends some again;
// with -race it looks for shared memory.
func TestManyAtOnce(t *testing.T) {
	judge := newJudge(t)
	in := newIntake(func(c *Config) { c.Judge = judge })
	lines := bytes.SplitAfter(recorded(t), []byte("\n"))
	var all sync.WaitGroup
	for sender := range 8 {
		all.Go(func() {
			cluster := fmt.Sprint("c", sender)
			for i := 0; i+20 <= len(lines); i += 20 {
				body := Body{Source: SourceWebhook, Cluster: cluster, Data: bytes.Join(lines[i:i+20], nil)}
				for range 1 + i%3 {
					if _, err := in.Take(t.Context(), body); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	events := in.log.events(t)
	assert.Len(t, events, 8*len(lines[:len(lines)/20*20]))
	seen := map[audit.Identity]bool{}
	detections := 0
	for _, e := range events {
		assert.False(t, seen[e.ID])
		seen[e.ID] = true
		detections += len(e.Detections)
	}
	assert.Positive(t, detections)
}
