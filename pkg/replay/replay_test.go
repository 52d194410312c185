package replay_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/replay"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

const someRules = `
- {rule: every event, desc: d, source: k8s_audit, priority: NOTICE, condition: evt.num exists, output: "%evt.num id=%ka.auditid at=%evt.time +%evt.reltime.s"}
- {rule: a delete, desc: d, source: k8s_audit, priority: ERROR, condition: ka.verb = delete, output: "%evt.num deletes"}
`

func matcherOf(t testing.TB, text string, strict bool) *match.Matcher {
	t.Helper()
	set, err := ruleset.Compile([]rules.File{{Name: "rules.yaml", Content: []byte(text)}}, ruleset.Options{MinPriority: rules.Debug, Strict: strict})
	require.NoError(t, err)
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	return m
}

// eventOf is an event in one line, so many seconds after the first.
func eventOf(id int, verb string) string {
	at := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC).Add(time.Duration(id) * time.Second)
	return fmt.Sprintf(`{"kind":"Event","auditID":"%d","stage":"ResponseComplete","verb":%q,"stageTimestamp":%q}`, id, verb, at.Format(time.RFC3339Nano))
}

// options are those of a replay that collects the outputs in out.
func options(t testing.TB, out io.Writer, inputs ...string) replay.Options {
	t.Helper()
	return replay.Options{
		Source:  replay.Source{Inputs: inputs, Hostname: "host"},
		Matcher: matcherOf(t, someRules, false),
		Workers: 2,
		Line:    func(dst []byte, a *alert.Alert) []byte { return append(dst, a.Detection.Output...) },
		Out:     out,
		Now:     clock(),
	}
}

// clock goes on by a second each time it is asked.
func clock() func() time.Time {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

func writeFile(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func gzipped(t testing.TB, content string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, content)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.String()
}

// TestSeveralInputs: the inputs are read one after the other, and count as one.
func TestSeveralInputs(t *testing.T) {
	var out bytes.Buffer
	opt := options(t, &out,
		writeFile(t, "a.jsonl", eventOf(1, "get")+"\n"+eventOf(2, "delete")+"\n"),
		writeFile(t, "empty", ""),
		replay.Stdin,
		writeFile(t, "list.json.gz", gzipped(t, `{"kind":"EventList","items":[`+eventOf(4, "get")+","+eventOf(5, "delete")+`]}`)))
	opt.Stdin = strings.NewReader("[" + eventOf(3, "get") + "]")
	summary, err := replay.Run(t.Context(), opt)
	require.NoError(t, err)
	assert.Equal(t, `1 id=1 at=00:00:01.000000000 +0
2 id=2 at=00:00:02.000000000 +1
2 deletes
3 id=3 at=00:00:03.000000000 +2
4 id=4 at=00:00:04.000000000 +3
5 id=5 at=00:00:05.000000000 +4
5 deletes
`, out.String())
	assert.Equal(t, int64(5), summary.Events)
	assert.Equal(t, int64(7), summary.Alerts)
	assert.Equal(t, []replay.RuleCount{{Name: "a delete", Priority: rules.Error, Alerts: 2}, {Name: "every event", Priority: rules.Notice, Alerts: 5}}, summary.ByRule())
	assert.Zero(t, summary.Refused())
	assert.Positive(t, summary.Bytes)
	assert.Positive(t, summary.Elapsed)
}

// TestCluster: events are of the cluster that is told.
func TestCluster(t *testing.T) {
	var out bytes.Buffer
	opt := options(t, &out, writeFile(t, "a", eventOf(1, "get")))
	opt.Cluster = "prod"
	opt.Line = func(dst []byte, a *alert.Alert) []byte { return append(dst, a.Event.Cluster+" "+a.Event.Input...) }
	_, err := replay.Run(t.Context(), opt)
	require.NoError(t, err)
	assert.Equal(t, "prod "+opt.Inputs[0]+"\n", out.String())
}

// TestUnreadable: an input that can not be read is told, and the others are
// read all the same.
func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	broken := gzipped(t, eventOf(1, "get")+"\n"+strings.Repeat(eventOf(2, "get")+"\n", 1000))
	cut := writeFile(t, "cut.gz", broken[:len(broken)/2])
	missing := filepath.Join(dir, "missing.jsonl")
	good := writeFile(t, "good.jsonl", eventOf(7, "delete")+"\n")

	var out bytes.Buffer
	summary, err := replay.Run(t.Context(), options(t, &out, missing, cut, dir, good))
	require.Error(t, err)
	var told []string
	for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
		var ie *replay.InputError
		require.ErrorAs(t, err, &ie)
		told = append(told, ie.Input)
		assert.Equal(t, 1, strings.Count(err.Error(), ie.Input), "names the input once: %s", err)
	}
	assert.Equal(t, []string{missing, cut, dir}, told)
	assert.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Contains(t, err.Error(), "open "+missing+": no such file or directory\n")
	assert.Contains(t, err.Error(), "read "+dir+": is a directory")
	assert.Contains(t, out.String(), " id=1 ", "what came before the cut is judged")
	assert.Contains(t, out.String(), " deletes\n", "the last input is read")
	assert.Equal(t, summary.Alerts, int64(strings.Count(out.String(), "\n")))
}

// TestRejected: items that are refused are told in their order and counted by
// reason, and have no number.
func TestRejected(t *testing.T) {
	lines := []string{
		eventOf(1, "get"), `{"kind":"Pod"}`, `{"kind":"Event","auditID":"x"}`, `{broken`, eventOf(2, "get"),
		`{"kind":"EventList","items":[` + eventOf(3, "get") + `,{"auditID":"y","stageTimestamp":"never"},7]}`, "nonsense", eventOf(4, "get"),
	}
	var out bytes.Buffer
	var told []string
	opt := options(t, &out, "-")
	opt.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	opt.Rejected = func(r *audit.Rejection) { told = append(told, fmt.Sprintf("%d %s", r.Line, r.Reason)) }
	summary, err := replay.Run(t.Context(), opt)
	require.NoError(t, err)
	assert.Equal(t, []string{"2 kind", "3 time", "4 syntax", "6 time", "6 type", "7 syntax"}, told)
	assert.Equal(t, map[audit.Reason]int64{"kind": 1, "time": 2, "syntax": 2, "type": 1}, summary.Rejected)
	assert.Equal(t, int64(6), summary.Refused())
	assert.Equal(t, int64(4), summary.Events)
	assert.Equal(t, []string{"1 id=1", "2 id=2", "3 id=3", "4 id=4"}, firstWords(out.String()))
}

// firstWords gives the first two words of each line.
func firstWords(text string) (words []string) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		words = append(words, strings.Join(f[:2], " "))
	}
	return words
}

// TestStrict: of two equal keys Falco's parser finds the first, in the
// envelope of the event too.
func TestStrict(t *testing.T) {
	const twice = `{"kind":"Event","auditID":"first","auditID":"last","stageTimestamp":"2026-11-21T01:00:00Z","stageTimestamp":"2026-11-21T02:00:00+01:00","stage":"A","stage":"B"}
{"kind":"Event","auditID":"1","auditID":2,"stageTimestamp":"nonsense","stageTimestamp":"2026-11-21T03:00:00Z"}`
	for _, tt := range []struct {
		strict bool
		want   string
	}{
		{false, "1 id=last at=01:00:00.000000000 +0 last B\n2 id=2 at=03:00:00.000000000 +7200  \n"},
		{true, "1 id=first at=01:00:00.000000000 +0 first A\n2 id=1 at=03:00:00.000000000 +7200 1 \n"},
	} {
		var out bytes.Buffer
		opt := options(t, &out, "-")
		opt.Matcher = matcherOf(t, someRules, tt.strict)
		opt.Strict = tt.strict
		opt.Stdin = strings.NewReader(twice)
		opt.Line = func(dst []byte, a *alert.Alert) []byte {
			return fmt.Appendf(dst, "%s %s %s", a.Detection.Output, a.Event.AuditID, a.Event.Stage)
		}
		_, err := replay.Run(t.Context(), opt)
		require.NoError(t, err)
		assert.Equal(t, tt.want, out.String())
	}
}

// failingWriter takes so many writes.
type failingWriter struct {
	left int
	err  error
}

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

// TestWriteError: an alert that can not be written ends the replay.
func TestWriteError(t *testing.T) {
	full := errors.New("no space left")
	input := writeFile(t, "a", strings.Repeat(eventOf(1, "get")+"\n", 50_000))
	summary, err := replay.Run(t.Context(), options(t, &failingWriter{left: 1, err: full}, input, input))
	require.ErrorIs(t, err, full)
	assert.EqualError(t, err, "replay: writing alerts: no space left")
	assert.Less(t, summary.Events, int64(100_000))
}

// onWrite calls f once, at the first write.
type onWrite struct {
	f    func()
	data bytes.Buffer
}

func (w *onWrite) Write(p []byte) (int, error) {
	if w.data.Len() == 0 {
		w.f()
	}
	return w.data.Write(p)
}

// TestCancel: an input that gives nothing does not keep a replay from being
// ended, and what was judged before is in the summary.
func TestCancel(t *testing.T) {
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	r, w := io.Pipe()
	defer w.Close()
	go io.WriteString(w, eventOf(1, "get")+"\n")
	opt := options(t, &onWrite{f: func() { cancel(stop) }}, "-", "missing")
	opt.Stdin = r
	summary, err := replay.Run(ctx, opt)
	require.ErrorIs(t, err, stop)
	assert.Equal(t, int64(1), summary.Events)
	assert.Equal(t, int64(1), summary.Alerts)
}

// TestCancelAtTheEnd: a replay that was ended early says so, however little
// was left to read.
func TestCancelAtTheEnd(t *testing.T) {
	stop := errors.New("stop")
	input := writeFile(t, "a", eventOf(1, "get")+"\n")
	for range 50 {
		ctx, cancel := context.WithCancelCause(t.Context())
		r, w := io.Pipe()
		go io.WriteString(w, eventOf(1, "get")+"\n")
		opt := options(t, &onWrite{f: func() {
			cancel(stop)
			w.Close()
			for range 1000 { // let the reader go on, and find the replay ended
				runtime.Gosched()
			}
		}}, "-", input, input)
		opt.Stdin = r
		_, err := replay.Run(ctx, opt)
		require.ErrorIs(t, err, stop)
	}
}

// TestCancelledBefore: nothing is read.
func TestCancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	summary, err := replay.Run(ctx, options(t, &out, writeFile(t, "a", eventOf(1, "get"))))
	require.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, summary.Events)
	assert.Empty(t, out.String())
}

// TestPausingInput: alerts on what a pipe has given come at once, whatever the
// size of the events; the writer may be waiting for them.
func TestPausingInput(t *testing.T) {
	for _, size := range []int{0, 3000, 4096, 5000, 70_000, 300_000} {
		event := strings.Replace(eventOf(1, "get"), `"stage"`, `"pad":"`+strings.Repeat("x", size)+`","stage"`, 1)
		r, w := io.Pipe()
		seen := make(chan struct{})
		opt := options(t, &onWrite{f: func() { close(seen) }}, "-")
		opt.Stdin = r
		go func() {
			io.WriteString(w, event+"\n")
			<-seen // the input goes on only when the alert is there
			w.Close()
		}()
		summary, err := replay.Run(t.Context(), opt)
		require.NoError(t, err)
		assert.Equal(t, int64(1), summary.Events)
	}
}

// TestEvents: the events come one by one, until something ends it.
func TestEvents(t *testing.T) {
	input := writeFile(t, "a", eventOf(1, "get")+"\nnonsense\n"+eventOf(2, "get"))
	var seen, rejected []string
	src := replay.Source{Inputs: []string{input, input}, Cluster: "prod", Hostname: "host"}
	src.Rejected = func(r *audit.Rejection) { rejected = append(rejected, string(r.Reason)) }
	err := replay.Events(t.Context(), src, func(c *field.Context) error {
		seen = append(seen, fmt.Sprintf("%d %s %s %s %d", c.Num, c.Event.AuditID, c.Event.Cluster, c.Hostname, c.First.Second()))
		return nil
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"1 1 prod host 1", "2 2 prod host 1", "3 1 prod host 1", "4 2 prod host 1"}, seen)
	assert.Equal(t, []string{"syntax", "syntax"}, rejected)

	enough := errors.New("enough")
	assert.ErrorIs(t, replay.Events(t.Context(), src, func(*field.Context) error { return enough }), enough)

	src.Inputs = []string{input, "missing", input}
	seen = nil
	err = replay.Events(t.Context(), src, func(c *field.Context) error {
		seen = append(seen, c.Event.AuditID)
		return nil
	})
	var ie *replay.InputError
	require.ErrorAs(t, err, &ie)
	assert.Equal(t, "missing", ie.Input)
	assert.Len(t, seen, 2)
}

// reading calls f at its second read, and gives nothing more.
type reading struct {
	first string
	f     func()
	more  chan struct{}
}

func (r *reading) Read(p []byte) (int, error) {
	if n := copy(p, r.first); n > 0 {
		r.first = r.first[n:]
		return n, nil
	}
	r.f()
	<-r.more
	return 0, io.EOF
}

// TestEventsCancel: an input that gives nothing keeps nobody from leaving.
func TestEventsCancel(t *testing.T) {
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	in := &reading{first: eventOf(1, "get") + "\n", f: func() { cancel(stop) }, more: make(chan struct{})}
	defer close(in.more)
	err := replay.Events(ctx, replay.Source{Inputs: []string{"-"}, Stdin: in}, func(*field.Context) error { return nil })
	assert.ErrorIs(t, err, stop)
}
