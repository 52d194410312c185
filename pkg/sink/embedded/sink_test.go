package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/sink"
	"github.com/kubewitness/kubewitness/pkg/sink/embedded"
	"github.com/kubewitness/kubewitness/pkg/store"
)

var _ sink.Counted = (*embedded.Sink)(nil)

// now is the clock of the tests; the engine of the store has the machine's.
var now = time.Now().UTC()

const retention = 30 * 24 * time.Hour

func open(t *testing.T, dir string, change ...func(*store.Config)) *store.Store {
	t.Helper()
	cfg := store.Config{Dir: dir, Retention: retention, Now: time.Now}
	for _, c := range change {
		c(&cfg)
	}
	s, err := store.Open(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// parse reads an event whose JSON has TIME in the place of its time.
func parse(t *testing.T, at time.Time, raw string) *audit.Event {
	t.Helper()
	raw = strings.ReplaceAll(raw, "TIME", at.UTC().Format(time.RFC3339Nano))
	e, err := audit.NewReader(strings.NewReader(raw), "test", audit.Limits{MaxEvent: 1 << 30}).Next()
	require.NoError(t, err)
	e.Cluster = "prod"
	return e
}

// event is an event as the log has it.
func event(t *testing.T, n int, at time.Time) *record.Event {
	t.Helper()
	e := parse(t, at, fmt.Sprintf(`{"kind":"Event","auditID":"a-%d","stage":"ResponseComplete","verb":"get","user":{"username":"jane"},"stageTimestamp":"TIME"}`, n))
	return &record.Event{Event: e, ID: e.Identity(), Source: "webhook", Received: now.Add(-time.Second), Ruleset: "ab01"}
}

func events(t *testing.T, n int) (all []*record.Event) {
	for i := range n {
		all = append(all, event(t, i, now.Add(-time.Duration(i)*time.Minute)))
	}
	return all
}

// withAll is an event with all that the log can know of one.
func withAll(t *testing.T) *record.Event {
	e := event(t, 1000, now.Add(-time.Hour))
	e.Labels = map[string]string{"region": "eu"}
	e.Redacted = []string{"/requestObject/data/a~1b"}
	e.Faults = []string{"rule: it failed"}
	e.Flags = record.Ahead
	e.Detections = []match.Detection{{
		Rule:   &rules.Rule{Name: `Exec "into" pod`, Priority: rules.Warning, Source: "k8s_audit", Tags: []string{"T1609", "k8s"}},
		Output: "jane <b> ran\nsh", Fields: []match.OutputField{{Key: "ka.user.name", Value: "jane"}, {Key: "n", Value: uint64(1<<64 - 1)}, {Key: "list", Value: []string{"a", ""}}},
	}}
	return e
}

// find reads an event by its identity; all that is known of it has to be there.
func find(t *testing.T, s *store.Store, id audit.Identity) *record.Event {
	t.Helper()
	r, ok, err := s.Get(t.Context(), row.ID(id), nil)
	require.NoError(t, err)
	require.True(t, ok)
	e, err := row.Decode(r)
	require.NoError(t, err)
	require.Equal(t, e.Filed().UTC(), r.Time.UTC())
	return e
}

func requireSame(t *testing.T, want, got *record.Event) {
	t.Helper()
	require.True(t, string(want.Event.Raw) == string(got.Event.Raw), "the raw bytes are others")
	require.Equal(t, want.Event.Cluster, got.Event.Cluster)
	require.Equal(t, want.Event.DuplicateKeys, got.Event.DuplicateKeys)
	w, g := *want, *got
	w.Event, g.Event = nil, nil
	require.Equal(t, w, g)
}

func count(t *testing.T, s *store.Store) int {
	t.Helper()
	n, err := s.Count(t.Context(), store.Query{})
	require.NoError(t, err)
	return int(n)
}

func TestAllThatIsKnownOfEventsComesBack(t *testing.T) {
	st := open(t, t.TempDir())
	var published []*record.Event
	s := embedded.New(embedded.Config{Store: st, Published: func(es []*record.Event) { published = append(published, es...) }})
	require.Equal(t, "store", s.Name())
	all := append(events(t, 100), withAll(t))
	require.NoError(t, s.Write(t.Context(), all))
	require.NoError(t, s.Sync(t.Context()))
	require.Equal(t, len(all), count(t, st))
	for _, e := range all {
		requireSame(t, e, find(t, st, e.ID))
	}
	assert.Equal(t, all, published)
	bytes := uint64(0)
	for _, e := range all {
		bytes += uint64(len(e.Event.Raw))
	}
	assert.Equal(t, sink.Counters{Writes: 1, Events: 101, Detections: 1, Bytes: bytes}, s.Counters())
}

func TestAnEventThatComesAgainIsThereOnce(t *testing.T) {
	st := open(t, t.TempDir())
	published := 0
	s := embedded.New(embedded.Config{Store: st, Published: func(es []*record.Event) { published += len(es) }})
	all := events(t, 50)
	require.NoError(t, s.Write(t.Context(), append(all[:20:20], all[10:30]...)), "twice in one delivery")
	require.NoError(t, s.Write(t.Context(), all[20:40]), "before it is on disk")
	require.NoError(t, s.Sync(t.Context()))
	require.NoError(t, s.Write(t.Context(), all))
	require.NoError(t, s.Sync(t.Context()))
	assert.Equal(t, 50, count(t, st))
	assert.Equal(t, 50, published)
	c := s.Counters()
	assert.EqualValues(t, 50, c.Events)
	assert.EqualValues(t, 40+20+50-50, c.Repeated)
}

// TestCrashBeforeSync opens what is on the disk while the store still has events in
// memory, as after a kill, and has the log bring them again.
func TestCrashBeforeSync(t *testing.T) {
	live, left := t.TempDir(), t.TempDir()
	s := embedded.New(embedded.Config{Store: open(t, live)})
	all := events(t, 300)
	require.NoError(t, s.Write(t.Context(), all[:100]))
	require.NoError(t, s.Sync(t.Context()))
	require.NoError(t, s.Write(t.Context(), all[100:]))
	require.NoError(t, os.CopyFS(filepath.Join(left, "store"), os.DirFS(live)))

	st := open(t, filepath.Join(left, "store"))
	path, reason := st.MovedAside()
	require.Empty(t, path, reason)
	require.GreaterOrEqual(t, count(t, st), 100, "what was synced")
	s = embedded.New(embedded.Config{Store: st})
	require.NoError(t, s.Write(t.Context(), all))
	require.NoError(t, s.Sync(t.Context()))
	require.Equal(t, 300, count(t, st))
	for _, e := range all {
		requireSame(t, e, find(t, st, e.ID))
	}
}

func TestNoRoomOnTheDiskIsRecoverable(t *testing.T) {
	st := open(t, t.TempDir(), func(c *store.Config) { c.FreeFloor = 1 << 60 })
	s := embedded.New(embedded.Config{Store: st})
	var later sink.Recoverable
	require.ErrorAs(t, s.Write(t.Context(), events(t, 3)), &later)
	var full store.ReadOnly
	require.ErrorAs(t, later, &full)
	assert.Equal(t, sink.Counters{Failed: 1}, s.Counters())
}

func TestTimesThatTheStoreDoesNotKeep(t *testing.T) {
	st := open(t, t.TempDir())
	var published []*record.Event
	s := embedded.New(embedded.Config{Store: st, Published: func(es []*record.Event) { published = append(published, es...) }})
	old := event(t, 1, now.Add(-2*retention))
	older := event(t, 2, time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))
	future := event(t, 3, time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC))
	over := event(t, 4, now.Add(-2*retention))
	over.Received = now.Add(-2 * retention)
	flagged := event(t, 5, now)
	flagged.Received, flagged.Flags = now.Add(-2*retention), record.Expired
	fine := event(t, 6, now)
	all := []*record.Event{old, older, future, over, flagged, fine}
	require.NoError(t, s.Write(t.Context(), all))
	require.NoError(t, s.Sync(t.Context()))
	require.Equal(t, 4, count(t, st))
	for e, flags := range map[*record.Event]uint64{old: record.Expired, older: record.Expired, future: record.Ahead, fine: 0} {
		got := find(t, st, e.ID)
		want := *e
		want.Flags = flags
		requireSame(t, &want, got)
		require.Zero(t, e.Flags, "the sink does not write to events")
	}
	require.Len(t, published, 4)
	assert.EqualValues(t, 2, s.Expired())
	assert.EqualValues(t, 4, s.Counters().Events)

	for _, e := range all {
		e.Received = e.Received.Add(time.Minute / 2) // the API server sends it again
	}
	require.NoError(t, s.Write(t.Context(), all))
	require.NoError(t, s.Sync(t.Context()))
	assert.Equal(t, 4, count(t, st))
	assert.EqualValues(t, 4, s.Counters().Repeated)
}

func TestOddEvents(t *testing.T) {
	st := open(t, t.TempDir())
	s := embedded.New(embedded.Config{Store: st})
	var all []*record.Event
	for _, raw := range []string{
		`{"kind":"Event","stageTimestamp":"TIME"}`,
		`{"kind":"Event","auditID":"a","verb":"get","verb":"list","user":{"username":"","groups":["", "\u0000","\n",1,{}]},"stageTimestamp":"TIME"}`,
		"{\"kind\":\"Event\",\t\"auditID\":\"{_msg} | delete\\u2028\\ud800\", \"stageTimestamp\" : \"TIME\"\r\n}",
		`{"kind":"Event","auditID":"a","objectRef":{"resource":"pods","subresource":"exec"},"requestURI":"/api/v1/namespaces/a/pods/b/exec?command=%ff%00x&command=%22","stageTimestamp":"TIME"}`,
		`{"kind":"Event","auditID":"b","sourceIPs":["1.2.3.4","::ffff:1.2.3.4","fe80::1%eth0"],"userAgent":"007","verb":"1e3","stage":"2026-11-21T10:00:00.000Z","stageTimestamp":"TIME"}`,
		`{"kind":"Event","auditID":"c","requestObject":{"data":"` + strings.Repeat("0123456789abcdef", 1<<20) + `"},"stageTimestamp":"TIME"}`,
		`{"kind":"Event","auditID":"d","verb":"` + strings.Repeat("x", 200<<10) + `","requestURI":"/` + strings.Repeat("y", 900<<10) + `","stageTimestamp":"TIME"}`,
	} {
		e := parse(t, now.Add(-time.Minute), raw)
		all = append(all, &record.Event{Event: e, ID: e.Identity(), Received: now})
	}
	require.NoError(t, s.Write(t.Context(), all))
	require.NoError(t, s.Sync(t.Context()))
	for _, e := range all {
		requireSame(t, e, find(t, st, e.ID))
		r, _, err := st.Get(t.Context(), row.ID(e.ID), nil)
		require.NoError(t, err)
		want := row.Encode(e)
		for _, c := range want.Columns {
			assert.True(t, c.Value == r.Value(c.Name), "column %s", c.Name)
		}
		assert.Len(t, r.Columns, len(want.Columns))
	}
}

func TestAnEventThatNoStoreCanHold(t *testing.T) {
	st := open(t, t.TempDir())
	s := embedded.New(embedded.Config{Store: st})
	all := events(t, 5)
	all[2].Event.Cluster = strings.Repeat("long", 1<<10)
	var never sink.Permanent
	require.ErrorAs(t, s.Write(t.Context(), all), &never)
	assert.ErrorContains(t, never, row.ID(all[2].ID))
	require.NoError(t, s.Sync(t.Context()))
	assert.Equal(t, 4, count(t, st))
	c := s.Counters()
	assert.EqualValues(t, 1, c.Rejected)
	assert.EqualValues(t, 4, c.Events)
}

func TestAfterTheEnd(t *testing.T) {
	st := open(t, t.TempDir())
	s := embedded.New(embedded.Config{Store: st})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var later sink.Recoverable
	if err := s.Write(ended, events(t, 1)); err != nil {
		require.ErrorAs(t, err, &later)
	}
	require.NoError(t, st.Close())
	require.ErrorAs(t, s.Write(t.Context(), events(t, 2)), &later)
	require.True(t, errors.Is(later, store.ErrClosed))
	require.ErrorAs(t, s.Sync(t.Context()), &later)
	require.NoError(t, s.Close())
	require.ErrorAs(t, s.Write(t.Context(), events(t, 2)), &later)
}
