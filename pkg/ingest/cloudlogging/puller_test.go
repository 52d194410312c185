package cloudlogging

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging/query"
	"github.com/kubewitness/kubewitness/pkg/spool"
	server "github.com/kubewitness/kubewitness/test/cloudlogging"
)

// names are a-from up to a-to, to not included.
func names(from, to int) (list []string) {
	for n := from; n < to; n++ {
		list = append(list, fmt.Sprintf("a-%d", n))
	}
	return list
}

// requireAll holds that all events came, each once.
func (r *rig) requireAll(t testing.TB, from, to int) {
	t.Helper()
	r.taker.await(t, to-from)
	r.end()
	assert.ElementsMatch(t, names(from, to), r.taker.ids())
	assert.Equal(t, to-from, r.taker.given(), "nothing is given twice")
}

// TestHistoryFirst: what happened since the begin is read by as many requests as it takes, in order, then what is new.
func TestHistoryFirst(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Since, c.Poll = time.Hour, time.Hour })
	r.Add(past(0, 10, 2*time.Hour)...)
	r.Add(past(10, 2510, 30*time.Minute)...)
	r.start(t)
	r.taker.await(t, 2500)
	assert.Equal(t, names(10, 2510), r.taker.ids(), "in order, without what happened before")
	// Three pages; then what came while they were read.
	r.readings(t, 2)
	r.end()
	assert.Len(t, r.Requests(), 4)
	assert.EqualValues(t, 4, r.puller.Status().Requests.Requests)
	r.requireAll(t, 10, 2510)
}

// TestPolling: entries come by the reading after they were received, each once, and a reading without many of them takes
// one request.
func TestPolling(t *testing.T) {
	r := newRig(t, nil)
	r.start(t)
	for n := range 20 {
		r.Add(server.Entry(server.Made{N: n, At: time.Now(), Received: time.Now()}))
		r.taker.await(t, n+1)
	}
	r.until(t, "read again", func(s Status) bool { return s.Again > 20 })
	r.requireAll(t, 0, 20)
	for _, q := range r.Requests() {
		assert.Empty(t, q.Token)
	}
}

// TestRestart: a puller goes on where the one before was; what is asked again is given again, as nobody knows whether it
// was stored.
func TestRestart(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Since, c.Poll = time.Hour, time.Hour })
	r.Add(past(0, 3000, 30*time.Minute)...)
	r.start(t)
	r.taker.await(t, 3000)
	r.readings(t, 2)
	r.end()
	r.Add(server.Entries(3000, 3100, time.Now().Add(-time.Second), time.Millisecond)...)
	r.clock.pass(time.Minute)
	r.start(t)
	r.requireAll(t, 0, 3100)
	requests := r.Requests()
	assert.Len(t, requests, 5, "one for all that is new")
	assert.Equal(t, 100, requests[4].Entries)
}

// TestKilledWhileReading: a long reading goes on from the page that was taken last.
func TestKilledWhileReading(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Since, c.Poll = time.Hour, time.Hour })
	r.Add(past(0, 5000, 30*time.Minute)...)
	stored := make(chan struct{})
	r.taker.refuse = func(call int) error {
		switch {
		case call == 3:
			close(stored)
			return spool.Full{Reason: spool.FullDisk}
		case call > 3:
			return spool.Full{Reason: spool.FullDisk}
		}
		return nil
	}
	r.start(t)
	<-stored
	r.end() // three pages are taken, the fourth has come
	assert.Len(t, r.taker.ids(), 3000)
	r.taker.refuse = nil
	before := len(r.Requests())
	r.start(t)
	r.taker.await(t, 5000)
	r.readings(t, 2)
	r.end()
	assert.Equal(t, 5000+1, r.taker.given(), "the last entry of the third page is at the cursor")
	assert.Equal(t, before+4, len(r.Requests()), "2,001 entries, and what is new")
}

// TestLateEntries: what cannot be found at first is found by a second look, whatever time it has.
func TestLateEntries(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Overlap = time.Minute })
	r.start(t)
	r.Add(server.Entry(server.Made{N: 0, At: time.Now(), Received: time.Now()}))
	r.taker.await(t, 1)
	begin := time.Now()
	// There is an entry now that was received 45 s ago, and happened an hour before.
	r.clock.pass(90 * time.Second)
	r.until(t, "a reading later", func(s Status) bool { return s.Read.After(begin.Add(time.Minute)) })
	r.AddSilently(server.Entry(server.Made{N: 1, At: begin.Add(-time.Hour), Received: begin.Add(45 * time.Second)}))
	r.clock.pass(time.Minute)
	r.taker.await(t, 2)
	r.requireAll(t, 0, 2)
	s := r.puller.Status()
	assert.EqualValues(t, 1, s.Late)
	assert.Positive(t, s.Sweeps)
}

// TestFaultsOfRequests: errors that pass are waited out, from the same page.
func TestFaultsOfRequests(t *testing.T) {
	for name, fault := range map[string]error{
		"unavailable": status.Error(codes.Unavailable, "try again"), "internal": status.Error(codes.Internal, "stream terminated by RST_STREAM"),
		"deadline": status.Error(codes.DeadlineExceeded, "too slow"),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(c *Config) { c.Since, c.Poll = time.Hour, time.Hour })
			r.Add(past(0, 2500, 30*time.Minute)...)
			r.Fail(func(n int) error {
				if n == 0 || n == 2 || n == 3 { // the first page, and twice the second
					return fault
				}
				return nil
			})
			r.start(t)
			r.requireAll(t, 0, 2500)
			requests := r.Requests()
			require.GreaterOrEqual(t, len(requests), 6)
			assert.Equal(t, requests[2].Token, requests[4].Token, "the same page")
			assert.NotEmpty(t, requests[4].Token)
			assert.EqualValues(t, 3, r.puller.Status().Requests.Retries)
		})
	}
}

// TestQuotaUsedUp: it is waited for, told and counted.
func TestQuotaUsedUp(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Since, c.Poll = time.Hour, time.Hour })
	r.Add(past(0, 1500, 30*time.Minute)...)
	r.Fail(func(n int) error {
		if n == 1 {
			return status.Error(codes.ResourceExhausted, "Quota exceeded for quota metric 'Read requests'")
		}
		return nil
	})
	r.start(t)
	r.until(t, "told", func(s Status) bool { return strings.Contains(s.LastError, "Quota exceeded") })
	s := r.puller.Status()
	assert.EqualValues(t, 1, s.Quota.Refusals)
	assert.True(t, s.Quota.Blocked.After(r.clock.now()))
	r.clock.pass(firstBlock)
	r.requireAll(t, 0, 1500)
	s = r.puller.Status()
	assert.EqualValues(t, 1, s.Requests.Quota)
	assert.Empty(t, s.LastError)
	assert.Positive(t, s.Quota.Waited)
}

// TestPageToken that the API does not take any more: reading goes on by time.
func TestPageTokenNotTaken(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Since, c.Poll = time.Hour, time.Hour })
	r.Add(past(0, 3500, 30*time.Minute)...)
	r.Fail(func(n int) error {
		if n == 2 {
			return status.Error(codes.InvalidArgument, "page_token is expired")
		}
		return nil
	})
	r.start(t)
	r.requireAll(t, 0, 3500)
	s := r.puller.Status()
	assert.EqualValues(t, 1, s.Requests.Restarts)
	assert.EqualValues(t, 1, s.Again, "the last entry of the page before")
}

// TestEmptyPages: a page without entries and with a token is not the end.
func TestEmptyPages(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Since, c.Poll = time.Hour, time.Hour })
	r.Add(past(0, 2500, 30*time.Minute)...)
	r.Blank(func(n int) bool { return n < 2 || n == 3 })
	r.start(t)
	r.requireAll(t, 0, 2500)
	assert.EqualValues(t, 3, r.puller.Status().Requests.Empty)
}

// TestRefusals: what an operator has to mend is told, and tried again.
func TestRefusals(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Since = time.Hour })
	r.Add(past(0, 10, 30*time.Minute)...)
	r.Fail(func(int) error { return status.Error(codes.PermissionDenied, "Permission denied for all log views") })
	r.start(t)
	r.until(t, "told", func(s Status) bool {
		return s.LastError == "cloudlogging: projects/acme: Permission denied for all log views; the role roles/logging.privateLogViewer has the permissions that are needed"
	})
	r.Fail(nil)
	r.requireAll(t, 0, 10)
}

// TestTakerRefuses: nothing is lost, the cursor waits.
func TestTakerRefuses(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Since, c.Poll = time.Hour, time.Hour })
	r.Add(past(0, 1500, 30*time.Minute)...)
	r.taker.refuse = func(call int) error {
		if call < 2 {
			return spool.Full{Reason: spool.FullLog, RetryAfter: time.Millisecond}
		}
		return nil
	}
	r.start(t)
	r.requireAll(t, 0, 1500)
	assert.EqualValues(t, 2, r.puller.Status().Retries)
}

// TestParts: the parts of an entry are one event, wherever they are; what stays incomplete is one, too, and until then a
// restart asks for it again.
func TestParts(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Since = time.Hour })
	at := time.Now().Add(-30 * time.Minute)
	whole := server.Split(server.Entry(server.Made{N: 0, At: at}), 3)
	torn := server.Split(server.Entry(server.Made{N: 1, At: at.Add(time.Second)}), 2)
	r.Add(whole[2], torn[0])
	r.Add(past(10, 20, 29*time.Minute)...)
	r.start(t)
	r.taker.await(t, 10)
	r.until(t, "waiting", func(s Status) bool { return s.Parts == 2 && s.Requests.Requests > 3 })
	assert.True(t, r.puller.Status().Read.Before(at.Add(time.Minute)), "the cursor waits")
	r.end()
	r.start(t)
	r.until(t, "asked for again", func(s Status) bool { return s.Parts == 2 })
	r.AddSilently(whole[:2]...)
	r.clock.pass(2 * time.Second) // they are received now, and happened long ago
	r.end()
	r.start(t)
	r.taker.await(t, 11)
	r.clock.pass(2 * longestParts)
	r.taker.await(t, 12)
	r.until(t, "nothing is waited for", func(s Status) bool { return s.Parts == 0 && s.Read.After(at.Add(time.Hour/4)) })
	r.end()
	events := map[string]string{}
	for _, e := range r.taker.events {
		events[e.AuditID] = string(e.Raw)
	}
	for i := range 3 {
		assert.Contains(t, events["a-0"], fmt.Sprintf("part-%d", i))
	}
	assert.NotContains(t, events["a-0"], "truncated")
	assert.Contains(t, events["a-1"], `"gcp.kubewitness.io/split":"1 of 2"`)
	assert.EqualValues(t, 1, r.puller.Status().Truncated)
}

// TestClockSetBack: a clock that was a day ahead keeps nothing from being read.
func TestClockSetBack(t *testing.T) {
	r := newRig(t, nil)
	r.start(t)
	r.readings(t, 1)
	r.clock.pass(24 * time.Hour)
	r.until(t, "a reading ahead", func(s Status) bool { return s.Read.After(time.Now().Add(23 * time.Hour)) })
	r.Add(server.Entry(server.Made{N: 0, At: time.Now(), Received: time.Now()}))
	r.clock.pass(-24 * time.Hour)
	r.taker.await(t, 1)
	r.requireAll(t, 0, 1)
}

// TestFilter: the user's filter narrows, and cannot widen.
func TestFilter(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Filter = `resource.labels.cluster_name="prod"` })
	r.start(t)
	r.Add(server.Entry(server.Made{N: 0, At: time.Now(), Received: time.Now()}), server.Entry(server.Made{N: 1, At: time.Now(), Received: time.Now(), Cluster: "prod"}))
	r.taker.await(t, 1)
	r.end()
	assert.Equal(t, []string{"a-1"}, r.taker.ids())
	assert.Contains(t, r.Requests()[0].Filter, "AND (\nresource.labels.cluster_name=\"prod\"\n)")

	for problem, change := range map[string]func(*Config){
		"closes nothing":             func(c *Config) { c.Filter = `a=1) OR (b=2` },
		"names nothing that has":     func(c *Config) { c.Resource = "acme" },
		"Poll and Overlap must be":   func(c *Config) { c.Poll = 0 },
		"Taker, Logger, Now and Fol": func(c *Config) { c.Taker = nil },
	} {
		cfg := r.cfg
		change(&cfg)
		_, err := New(cfg)
		assert.ErrorContains(t, err, problem)
	}
}

// TestCursorNotUnderstood: the program does not choose between missing entries and reading them again.
func TestCursorNotUnderstood(t *testing.T) {
	r := newRig(t, nil)
	p, err := New(r.cfg)
	require.NoError(t, err)
	for text, problem := range map[string]string{
		"": "EOF", `{"version":2,"resource":"projects/acme"}`: "version 2", `{"version":1,"resource":"projects/acme"}`: "a time is missing",
		`{"version":1,"resource":"projects/b","read":"2026-01-01T00:00:00Z","swept":"2026-01-01T00:00:00Z"}`:             `it is of "projects/b"`,
		`{"version":1,"resource":"projects/acme","read":"2026-01-01T00:00:00Z","swept":"2026-01-01T00:00:00Z","more":1}`: "unknown field",
	} {
		require.NoError(t, os.WriteFile(p.path, []byte(text), 0o600))
		_, err := New(r.cfg)
		assert.ErrorContains(t, err, "cannot be understood; remove it to begin anew")
		assert.ErrorContains(t, err, problem)
	}
}

// TestCursorNotStored: it is told, and nothing stops. The folder is moved away, which no write under way can hinder.
func TestCursorNotStored(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Folder = filepath.Join(c.Folder, "below")
		require.NoError(t, os.Mkdir(c.Folder, 0o700))
	})
	r.start(t)
	require.NoError(t, os.Rename(r.cfg.Folder, r.cfg.Folder+".gone"))
	r.Add(server.Entry(server.Made{N: 0, At: time.Now(), Received: time.Now()}))
	r.taker.await(t, 1)
	r.until(t, "told", func(s Status) bool { return strings.Contains(s.LastError, "store the cursor") })
}

// TestOtherLogs: what is no audit entry of the Kubernetes API is not asked for, and what cannot be converted is refused.
func TestOtherLogs(t *testing.T) {
	r := newRig(t, nil)
	r.start(t)
	broken := server.Entry(server.Made{N: 0, At: time.Now(), Received: time.Now()})
	broken.GetProtoPayload().Value = broken.GetProtoPayload().GetValue()[:40]
	odd := server.Entry(server.Made{N: 1, At: time.Now(), Received: time.Now()})
	odd.Split = &loggingpb.LogSplit{Uid: "u", Index: 5, TotalSplits: 2}
	r.Add(broken, odd, server.Entry(server.Made{N: 2, At: time.Now(), Received: time.Now()}))
	r.taker.await(t, 1)
	r.until(t, "refused", func(s Status) bool { return s.Dead == 2 })
	r.end()
	var told []string
	for _, x := range r.taker.refused {
		told = append(told, x.Err.Error())
		assert.NotEmpty(t, x.Raw)
	}
	slices.Sort(told)
	assert.Contains(t, told[0], "split says part 5 of 2")
	assert.Contains(t, told[1], "no form in JSON")
	assert.Contains(t, r.Requests()[0].Filter, query.DataAccess)
}
