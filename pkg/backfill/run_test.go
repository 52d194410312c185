package backfill_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/backfill"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/sink"
	"github.com/kubewitness/kubewitness/pkg/sink/embedded"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// now is when the tests run: the engine of the store has the machine's clock.
var now = time.Now().UTC().Truncate(time.Second)

const retention = 30 * 24 * time.Hour

const rulesText = `
- rule: Deletion
  desc: d
  condition: ka.verb = delete
  output: deleted by %ka.user.name
  priority: ERROR
  source: k8s_audit
`

func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{Dir: dir, Retention: 10 * 365 * 24 * time.Hour, FreeFloor: 1, Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func newJudge(t testing.TB) *judge.Judge {
	t.Helper()
	set, err := ruleset.Compile([]rules.File{{Name: "rules.yaml", Content: []byte(rulesText)}}, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(t, err)
	compiled, err := judge.Compile(set, judge.Options{})
	require.NoError(t, err)
	red, err := redact.New(redact.Config{})
	require.NoError(t, err)
	return judge.New(compiled, red, "host")
}

func config(t testing.TB, s *store.Store) backfill.Config {
	t.Helper()
	return backfill.Config{
		Judge: newJudge(t), Sink: embedded.New(embedded.Config{Store: s}), Workers: 2,
		Cluster: "prod", Labels: map[string]string{"env": "test"}, Retention: retention, Now: func() time.Time { return now },
	}
}

// eventAt is an event of a log, without the line break.
func eventAt(n int, verb string, at time.Time) string {
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"a-%d","stage":"ResponseComplete","verb":%q,`+
		`"requestURI":"/api/v1/namespaces/shop/pods/p","user":{"username":"jane"},"objectRef":{"resource":"pods","namespace":"shop","name":"p","apiVersion":"v1"},`+
		`"responseStatus":{"code":200},"stageTimestamp":%q}`, n, verb, at.UTC().Format(time.RFC3339Nano))
}

func event(n int, verb string) string {
	return eventAt(n, verb, now.Add(-time.Hour).Add(time.Duration(n)*time.Millisecond))
}

// log is so many events, every tenth a deletion.
func log(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		verb := "get"
		if n%10 == 0 {
			verb = "delete"
		}
		b.WriteString(event(n, verb) + "\n")
	}
	return b.String()
}

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// stored gives all that is in a store, by auditID, and fails where anything is there
// twice.
func stored(t testing.TB, s *store.Store) map[string]*record.Event {
	t.Helper()
	out := map[string]*record.Event{}
	require.NoError(t, s.Newest(t.Context(), store.Query{}, store.Scan{}, func(r store.Row) error {
		e, err := row.Decode(r)
		require.NoError(t, err)
		require.NotContains(t, out, e.Event.AuditID, "stored twice")
		out[e.Event.AuditID] = e
		return nil
	}))
	return out
}

func stream(text string) []backfill.Input {
	return []backfill.Input{backfill.Stream("-", strings.NewReader(text))}
}

func TestImport(t *testing.T) {
	s := open(t, t.TempDir())
	list := `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[` + event(2000, "get") + "," + event(2001, "delete") + "]}"
	inputs := backfill.Files([]string{file(t, "a.log", log(0, 1500)), "-", file(t, "b.gz", gzipped(t, log(1500, 2000)))}, strings.NewReader(list))
	sum, err := backfill.Run(t.Context(), config(t, s), inputs)
	require.NoError(t, err)
	assert.EqualValues(t, 2002, sum.Events)
	assert.Zero(t, sum.Known)
	assert.EqualValues(t, 201, sum.Detections)
	assert.Zero(t, sum.Refused())
	assert.True(t, sum.From.Equal(now.Add(-time.Hour)), sum.From)
	assert.True(t, sum.To.Equal(now.Add(-time.Hour).Add(2001*time.Millisecond)), sum.To)

	got := stored(t, s)
	require.Len(t, got, 2002)
	e := got["a-2001"]
	assert.Equal(t, backfill.Source, e.Source)
	assert.Equal(t, "prod", e.Event.Cluster)
	assert.Equal(t, map[string]string{"env": "test"}, e.Labels)
	assert.True(t, e.Received.Equal(now))
	require.Len(t, e.Detections, 1)
	assert.Equal(t, "deleted by jane", e.Detections[0].Output)
	assert.Empty(t, got["a-2000"].Detections)
}

// TestSecretsAreNotStored: what is stored is redacted, and the identity is that of the
// event as it came.
func TestSecretsAreNotStored(t *testing.T) {
	s := open(t, t.TempDir())
	raw := strings.Replace(event(1, "create"), `"responseStatus"`,
		`"requestObject":{"kind":"Secret","apiVersion":"v1","data":{"password":"aHVudGVyMg=="}},"responseStatus"`, 1)
	sum, err := backfill.Run(t.Context(), config(t, s), stream(raw))
	require.NoError(t, err)
	assert.EqualValues(t, 1, sum.Redacted)
	e := stored(t, s)["a-1"]
	assert.NotContains(t, string(e.Event.Raw), "aHVudGVyMg")
	came, err := audit.NewReader(strings.NewReader(raw), "-", audit.Limits{}).Next()
	require.NoError(t, err)
	came.Cluster = "prod"
	assert.Equal(t, came.Identity(), e.ID)
}

// TestAgain: an import that is done again stores nothing, in the same process or a later
// one, whatever the times of the events.
func TestAgain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	text := log(0, 1200) + eventAt(5000, "get", now.Add(-90*24*time.Hour)) + "\n" + eventAt(5001, "get", now.Add(2*time.Hour)) + "\n" +
		event(7, "get") + "\n" // twice in one log
	sum, err := backfill.Run(t.Context(), config(t, s), stream(text))
	require.NoError(t, err)
	assert.EqualValues(t, 1203, sum.Events)
	assert.EqualValues(t, 1, sum.Known)
	assert.EqualValues(t, 1, sum.Expired)
	assert.EqualValues(t, 1, sum.Ahead)

	again, err := backfill.Run(t.Context(), config(t, s), stream(text))
	require.NoError(t, err)
	assert.EqualValues(t, 1203, again.Known)
	require.NoError(t, s.Close())

	s = open(t, dir)
	cfg := config(t, s)
	cfg.Now = func() time.Time { return now.Add(time.Minute) }
	again, err = backfill.Run(t.Context(), cfg, stream(text))
	require.NoError(t, err)
	assert.EqualValues(t, 1203, again.Events)
	assert.EqualValues(t, 1203, again.Known)
	got := stored(t, s)
	assert.Len(t, got, 1202)
	assert.True(t, got["a-5000"].Filed().Equal(now), "older than is kept: filed when it was imported")
	assert.NotZero(t, got["a-5000"].Flags&record.Expired)
	assert.True(t, got["a-5001"].Filed().Equal(now))
	assert.NotZero(t, got["a-5001"].Flags&record.Ahead)
}

// TestRejected: what is no event is told with its place, and the rest is stored.
func TestRejected(t *testing.T) {
	s := open(t, t.TempDir())
	cfg := config(t, s)
	var told []string
	cfg.Rejected = func(r *audit.Rejection) { told = append(told, fmt.Sprintf("%s:%d %s", r.Input, r.Line, r.Reason)) }
	sum, err := backfill.Run(t.Context(), cfg, stream(event(1, "get")+"\n{\"kind\":\"Pod\"}\nnonsense\n"+event(2, "get")+"\n"))
	require.NoError(t, err)
	assert.Equal(t, []string{"-:2 kind", "-:3 syntax"}, told)
	assert.EqualValues(t, 2, sum.Refused())
	assert.Equal(t, map[audit.Reason]int64{audit.ReasonKind: 1, audit.ReasonSyntax: 1}, sum.Rejected)
	assert.Len(t, stored(t, s), 2)
}

// TestUnreadableInputs: they are told, and the others are imported.
func TestUnreadableInputs(t *testing.T) {
	s := open(t, t.TempDir())
	whole := gzipped(t, log(0, 5000))
	missing := filepath.Join(t.TempDir(), "missing.log")
	cut := file(t, "cut.gz", whole[:len(whole)/2])
	inputs := backfill.Files([]string{missing, cut, file(t, "good.log", log(5000, 5010))}, nil)
	sum, err := backfill.Run(t.Context(), config(t, s), inputs)
	var ie *backfill.InputError
	require.ErrorAs(t, err, &ie)
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Contains(t, err.Error(), cut+": ")
	got := stored(t, s)
	assert.Contains(t, got, "a-5009")
	assert.Contains(t, got, "a-0", "what came before the cut")
	assert.Len(t, got, int(sum.Events))
}

// ticking is a clock that goes on by a second each time that somebody looks, so that
// there is progress at each batch. All goroutines of a run look at it.
func ticking(from time.Time) func() time.Time {
	var looks atomic.Int64
	return func() time.Time { return from.Add(time.Duration(looks.Add(1)) * time.Second) }
}

// TestInterrupted: an input that gives nothing keeps nobody from ending it, what was
// told to be stored is on disk, and doing it again stores the rest.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cfg := config(t, s)
	cfg.Now = ticking(now)
	cfg.Workers = 1
	cfg.Progress = func(g backfill.Progress) {
		if g.Events >= 2000 {
			cancel(stop)
		}
	}
	r, w := io.Pipe()
	defer w.Close()
	go io.WriteString(w, log(0, 4000)) // and then nothing
	sum, err := backfill.Run(ctx, cfg, []backfill.Input{backfill.Stream("-", r)})
	require.ErrorIs(t, err, stop)
	assert.GreaterOrEqual(t, sum.Events, int64(2000))
	assert.Less(t, sum.Events, int64(4000))
	assert.Len(t, stored(t, s), int(sum.Events))
	require.NoError(t, s.Close())

	s = open(t, dir)
	assert.Len(t, stored(t, s), int(sum.Events))
	again, err := backfill.Run(t.Context(), config(t, s), stream(log(0, 4000)))
	require.NoError(t, err)
	assert.Equal(t, sum.Events, again.Known)
	assert.Len(t, stored(t, s), 4000)
}

// TestProgress: it grows up to the whole.
func TestProgress(t *testing.T) {
	s := open(t, t.TempDir())
	cfg := config(t, s)
	cfg.Now = ticking(now)
	cfg.Workers = 1
	var seen []backfill.Progress
	cfg.Progress = func(g backfill.Progress) { seen = append(seen, g) }
	text := log(0, 3500)
	_, err := backfill.Run(t.Context(), cfg, backfill.Files([]string{file(t, "a.log", text)}, nil))
	require.NoError(t, err)
	require.Len(t, seen, 4)
	for i, g := range seen {
		assert.EqualValues(t, len(text), g.Total)
		assert.EqualValues(t, min(3500, 1000*(i+1)), g.Events)
		assert.Positive(t, g.Bytes)
		assert.True(t, g.From.Equal(now.Add(-time.Hour)))
		assert.Positive(t, g.Elapsed)
	}
	assert.EqualValues(t, len(text), seen[3].Bytes)
}

// failing is a sink that breaks.
type failing struct {
	backfill.Sink
	writes          int // that succeed
	onWrite, onSync error
}

func (f *failing) Write(ctx context.Context, events []*record.Event) error {
	if f.writes--; f.writes < 0 {
		return f.onWrite
	}
	return f.Sink.Write(ctx, events)
}

func (f *failing) Sync(ctx context.Context) error {
	return errors.Join(f.Sink.Sync(ctx), f.onSync)
}

// TestStoreFails: the import ends, says why, and what was stored before.
func TestStoreFails(t *testing.T) {
	s := open(t, t.TempDir())
	full := errors.New("no room")
	cfg := config(t, s)
	cfg.Sink = &failing{Sink: cfg.Sink, writes: 2, onWrite: sink.Recoverable{Err: full}}
	sum, err := backfill.Run(t.Context(), cfg, stream(log(0, 5000)))
	require.ErrorIs(t, err, full)
	assert.EqualValues(t, 2000, sum.Events)
	assert.Len(t, stored(t, s), 2000)

	cfg = config(t, s)
	cfg.Sink = &failing{Sink: cfg.Sink, writes: 100, onSync: full}
	sum, err = backfill.Run(t.Context(), cfg, stream(log(0, 10)))
	require.ErrorIs(t, err, full)
	assert.ErrorContains(t, err, "import it again")
	assert.True(t, sum.Unsynced)
}

// refusing is a sink that can hold no deletions, whatever the store is.
type refusing struct{ backfill.Sink }

func (f *refusing) Write(ctx context.Context, events []*record.Event) error {
	var rest []*record.Event
	for _, e := range events {
		if len(e.Detections) == 0 {
			rest = append(rest, e)
		}
	}
	if err := f.Sink.Write(ctx, rest); err != nil {
		return err
	}
	return sink.Permanent{Err: errors.New("no place for these")}
}

// TestUnstorable: events that no store can hold are counted and told, and the others
// stored.
func TestUnstorable(t *testing.T) {
	s := open(t, t.TempDir())
	cfg := config(t, s)
	cfg.Sink = &refusing{cfg.Sink}
	sum, err := backfill.Run(t.Context(), cfg, stream(log(0, 1500)))
	require.ErrorContains(t, err, "no place for these")
	assert.EqualValues(t, 1350, sum.Events)
	assert.EqualValues(t, 150, sum.Unstorable)
	assert.Len(t, stored(t, s), 1350)
}
