package correlate

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// observe gives what events make fire, as "rule: output", in their order.
func observe(s *Stream, events ...*audit.Event) (out []string) {
	add := func(found []Found) {
		for _, f := range found {
			out = append(out, f.Detection.Rule.Name+": "+f.Detection.Output)
		}
	}
	for _, e := range events {
		c := &field.Context{Event: e}
		add(s.Observe(c, s.rules.Look(c, audit.Identity{})))
	}
	return out
}

func plain(events []made) (out []*audit.Event) {
	for _, e := range events {
		out = append(out, e.Event)
	}
	return out
}

// at is a time so many seconds after the beginning.
func at(seconds float64) time.Time { return begin.Add(time.Duration(seconds * float64(time.Second))) }

func TestThresholdTellsWhatItCounted(t *testing.T) {
	r := load(t, strings.Replace(ruleText("r", "ka.verb = get", "kw_threshold: {count: 3, within: 1m, by: ka.user.name, distinct: [ka.target.name, ka.verb]}"), "%kw.correlate.values",
		"%kw.correlate.values %kw.correlate.first %kw.correlate.last %kw.correlate.key", 1))
	s := NewStream(r, Options{})
	var events []made
	for i, name := range []string{"a", "b", "b", "a", "c", "d"} {
		events = append(events, event(t, "east", fmt.Sprint(i), "jane", "get", name, "", at(float64(i))))
	}
	found := observe(s, plain(events)...)
	assert.Equal(t, []string{`r: jane 3 (a | get,b | get,c | get) 2026-11-21T10:00:01Z 2026-11-21T10:00:04Z (jane)`}, []string{strings.Replace(found[0], "10:00:00Z", "10:00:01Z", 1)})
	assert.Len(t, found, 1, "once in a window")
}

// TestLateEventsAreLeftOut: what comes more than Lateness behind is counted, and
// nothing else.
func TestLateEventsAreLeftOut(t *testing.T) {
	r := load(t, ruleText("r", "ka.verb = get", "kw_threshold: {count: 2, within: 1h, by: ka.user.name}"))
	s := NewStream(r, Options{})
	first, late, just := event(t, "", "1", "jane", "get", "x", "", at(0)), event(t, "", "2", "jane", "get", "x", "", at(-300.001)), event(t, "", "3", "jane", "get", "x", "", at(-300))
	assert.Empty(t, observe(s, first.Event, late.Event))
	assert.EqualValues(t, 1, s.Counters().Late)
	assert.Len(t, observe(s, just.Event), 1)
	assert.EqualValues(t, 1, s.Counters().Late)

	other := event(t, "west", "4", "jane", "get", "x", "", at(-86400))
	observe(s, other.Event)
	assert.EqualValues(t, 1, s.Counters().Late, "a cluster has a time of its own")

	for _, odd := range []time.Time{{}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		e := event(t, "", "5", "jane", "get", "x", "", odd)
		observe(s, e.Event)
	}
	assert.EqualValues(t, 3, s.Counters().Late, "no clock goes by times that no clock shows")
	fresh := event(t, "", "6", "jane", "get", "x", "", at(1))
	assert.Empty(t, observe(s, fresh.Event))
	assert.EqualValues(t, 3, s.Counters().Late)
}

// TestMemoryIsBounded: a million keys do not take more than they may, and what made
// room is counted.
func TestMemoryIsBounded(t *testing.T) {
	const memory = 2 << 20
	keys := map[string]string{
		"threshold": "kw_threshold: {count: 3, within: 1h, by: ka.user.name}",
		"distinct":  "kw_threshold: {count: 3, within: 1h, by: ka.user.name, distinct: ka.target.name}",
		"sequence":  "kw_sequence: {within: 1h, by: ka.user.name, steps: [{condition: ka.verb = get}, {condition: ka.verb = list}]}",
		"new terms": "kw_new_terms: {fields: ka.user.name}",
		"silence":   "kw_absence: {silence: 1h, by: ka.user.name}",
		"request":   "kw_absence: {completion: {get: 1h}}",
	}
	for name, key := range keys {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := 15_000
			if os.Getenv("KUBEWITNESS_INTEGRATION") != "" {
				n = 150_000
				if name == "threshold" {
					n = 1_000_000
				}
			}
			r := load(t, ruleText("r", "ka.verb in (get, list)", key))
			s := NewStream(r, Options{Memory: memory})
			stage := "ResponseComplete"
			if name == "request" {
				stage = stageReceived
			}
			raw := []byte(fmt.Sprintf(`{"kind":"Event","auditID":"id-0000000","stage":%q,"verb":"get","user":{"username":"user-0000000"},"objectRef":{"name":"x"},"stageTimestamp":"2026-11-21T10:00:00Z"}`, stage))
			id, user := bytes.Index(raw, []byte("0000000")), bytes.LastIndex(raw, []byte("0000000"))
			for i := range n {
				text := fmt.Sprintf("%07d", i)
				one := bytes.Clone(raw)
				copy(one[id:], text)
				copy(one[user:], text)
				e := &audit.Event{Raw: one, AuditID: "id-" + text, Stage: stage, Time: begin.Add(time.Duration(i) * time.Millisecond)}
				observe(s, e)
				if i%5000 == 0 {
					require.LessOrEqual(t, s.Counters().Bytes, int64(memory))
				}
			}
			c := s.Counters()
			assert.LessOrEqual(t, c.Bytes, int64(memory))
			assert.Equal(t, n, c.Rules[0].Keys+int(c.Evicted), "all that is not there was counted")
			assert.Positive(t, c.Evicted)
		})
	}
}

// TestSizesAreTrue holds what the tables think to take against what they take.
func TestSizesAreTrue(t *testing.T) {
	const memory = 6 << 20
	r := load(t, ruleText("r", "ka.verb = get", "kw_threshold: {count: 3, within: 1h, by: ka.user.name}"))
	s := NewStream(r, Options{Memory: memory})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 40_000 {
		raw := fmt.Appendf(nil, `{"auditID":"1","verb":"get","user":{"username":"user-%d"}}`, i)
		observe(s, &audit.Event{Raw: raw, AuditID: "1", Time: at(float64(i) / 1000)})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Positive(t, s.Counters().Evicted)
	took := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	assert.Less(t, took, int64(2*memory), "kept %d bytes for %d", took, s.Counters().Bytes)
	runtime.KeepAlive(s)
}

// TestSilenceByAClock: a cluster that nothing comes from is told of by a clock.
func TestSilenceByAClock(t *testing.T) {
	r := load(t, ruleText("r", "ka.verb exists", "kw_absence: {silence: 10m}"))
	s := NewStream(r, Options{})
	assert.Empty(t, observe(s, event(t, "east", "1", "jane", "get", "x", "", at(0)).Event))
	assert.Empty(t, s.Tick(at(600)), "what is late may still come")
	found := s.Tick(at(901))
	require.Len(t, found, 1)
	assert.Equal(t, "jane 0 <NA>", found[0].Detection.Output)
	first := found[0].ID
	assert.Empty(t, s.Tick(at(9000)), "once")
	assert.Empty(t, observe(s, event(t, "east", "2", "jane", "get", "x", "", at(9001)).Event))
	require.Len(t, s.Tick(at(9001+901)), 1)

	// The same without a clock.
	again := NewStream(r, Options{})
	observe(again, event(t, "east", "1", "jane", "get", "x", "", at(0)).Event)
	c := &field.Context{Event: event(t, "east", "2", "jane", "get", "x", "", at(9001)).Event}
	found = again.Observe(c, r.Look(c, audit.Identity{}))
	require.Len(t, found, 1)
	assert.Equal(t, first, found[0].ID)
}

// TestOneRequestCannotCompleteAnother: the audit ID is the client's to choose.
func TestOneRequestCannotCompleteAnother(t *testing.T) {
	r := load(t, ruleText("r", "ka.verb = patch", "kw_absence: {completion: {patch: 1m}}"))
	s := NewStream(r, Options{})
	received := event(t, "", "id", "mallory", "patch", "x", stageReceived, at(0))
	other := event(t, "", "id", "mallory", "patch", "x", "", at(1))
	raw := bytes.Replace(other.Raw, []byte("/api/v1/id"), []byte("/api/v1/od"), 1)
	e, err := audit.NewReader(bytes.NewReader(raw), "test", audit.Limits{}).Next()
	require.NoError(t, err)
	assert.Empty(t, observe(s, received.Event, e))
	later := event(t, "", "later", "jane", "get", "x", "", at(400))
	assert.Equal(t, []string{"r: mallory 0 (id)"}, observe(s, later.Event))
}

// TestLongRequestsAreLeftAlone: they are complete when the client likes.
func TestLongRequestsAreLeftAlone(t *testing.T) {
	r := load(t, ruleText("r", "ka.verb exists", "kw_absence: {completion: {get: 1m, create: 1m, list: 1m}}"))
	const text = `{"kind":"Event","auditID":"a","stage":"RequestReceived","verb":%q,"requestURI":%q,"user":{"username":"jane"},"objectRef":{"resource":"pods","subresource":%q},"stageTimestamp":"2026-11-21T10:00:00Z"}`
	for _, tt := range []struct {
		verb, uri, sub string
		told           bool
	}{
		{"get", "/x", "", true}, {"watch", "/x", "", false}, {"get", "/x/exec?command=sh", "exec", false}, {"create", "/x/exec", "exec", false},
		{"get", "/x", "attach", false}, {"get", "/x", "portforward", false}, {"get", "/x", "proxy", false}, {"get", "/x/log?follow=true", "log", false},
		{"get", "/x/log", "log", true}, {"list", "/x?watch=1", "", false}, {"list", "/x", "", true}, {"delete", "/x", "", false},
	} {
		e, err := audit.NewReader(strings.NewReader(fmt.Sprintf(text, tt.verb, tt.uri, tt.sub)), "test", audit.Limits{}).Next()
		require.NoError(t, err)
		s := NewStream(r, Options{})
		found := observe(s, e, event(t, "", "later", "jane", "get", "x", "", at(400)).Event)
		assert.Equal(t, tt.told, len(found) == 1, "%+v", tt)
	}
}

// TestMutationsAreNeverComplete: what is asked about before it is changed has no later stage.
func TestMutationsAreNeverComplete(t *testing.T) {
	r := load(t, ruleText("r", "ka.verb exists", "kw_absence: {completion: {create: 1m}}"))
	const text = `{"kind":"Event","auditID":"a","stage":"RequestReceived","verb":"create","requestURI":"/x","user":{"username":"jane"},"annotations":{%q:"a"},"stageTimestamp":"2026-11-21T10:00:00Z"}`
	for annotation, told := range map[string]int{"x": 1, "admission.kubewitness.io/uid": 0} {
		e, err := audit.NewReader(strings.NewReader(fmt.Sprintf(text, annotation)), "test", audit.Limits{}).Next()
		require.NoError(t, err)
		assert.Len(t, observe(NewStream(r, Options{}), e, event(t, "", "later", "jane", "get", "x", "", at(400)).Event), told, annotation)
	}
}

// TestADamagedSnapshotIsTold: whatever is wrong with it, it is an error.
func TestADamagedSnapshotIsTold(t *testing.T) {
	var text strings.Builder
	for i, tt := range oracleCases {
		text.WriteString(strings.Replace(tt.rule, "rule: r\n", fmt.Sprintf("rule: r%d\n", i), 1))
	}
	r := load(t, text.String())
	s := NewStream(r, Options{})
	for i := range 60 {
		observe(s, event(t, "east", fmt.Sprint(i), "u", []string{"a", "b", "c"}[i%3], fmt.Sprint(i), []string{"", stageReceived}[i%2], at(float64(i))).Event)
	}
	var b bytes.Buffer
	require.NoError(t, s.Save(&b, nil))
	whole := b.Bytes()
	for i := 0; i < len(whole); i += 1 + len(whole)/150 {
		bad := bytes.Clone(whole)
		bad[i] ^= 0x40
		_, _, err := NewStream(r, Options{}).Restore(bad)
		require.ErrorIs(t, err, ErrSnapshot, "byte %d", i)
		_, _, err = NewStream(r, Options{}).Restore(whole[:i])
		require.ErrorIs(t, err, ErrSnapshot, "cut at %d", i)
	}
	_, _, err := NewStream(r, Options{}).Restore(append(whole, 0))
	require.ErrorIs(t, err, ErrSnapshot)
}

// TestRulesThatHaveNotChangedGoOn: a snapshot serves the rules that say the same.
func TestRulesThatHaveNotChangedGoOn(t *testing.T) {
	same := ruleText("same", "ka.verb = get", "kw_threshold: {count: 2, within: 1h, by: ka.user.name}")
	old := load(t, same+ruleText("other", "ka.verb = get", "kw_threshold: {count: 2, within: 1h, by: ka.user.name}"))
	s := NewStream(old, Options{})
	observe(s, event(t, "", "1", "jane", "get", "x", "", at(0)).Event)
	var b bytes.Buffer
	require.NoError(t, s.Save(&b, nil))

	fresh := NewStream(load(t, ruleText("other", "ka.verb = get", "kw_threshold: {count: 2, within: 2h, by: ka.user.name}")+same), Options{})
	_, anew, err := fresh.Restore(b.Bytes())
	require.NoError(t, err)
	assert.Equal(t, []string{"other"}, anew)
	assert.Equal(t, []string{"same: jane 2 <NA>"}, observe(fresh, event(t, "", "2", "jane", "get", "x", "", at(1)).Event))
}

// BenchmarkStream is what an event costs with twenty stateful rules, from its bytes on;
// an operation is one event.
func BenchmarkStream(b *testing.B) {
	f, err := os.Open(filepath.Join("..", "..", "test", "bench", "testdata", "events-3k.jsonl.gz"))
	require.NoError(b, err)
	defer f.Close()
	var data bytes.Buffer
	_, err = bufio.NewReader(audit.Decompress(f)).WriteTo(&data)
	require.NoError(b, err)
	var text strings.Builder
	for i := range 5 {
		text.WriteString(ruleText(fmt.Sprint("count ", i), "ka.stage = ResponseComplete and ka.verb in (get, list, update)", fmt.Sprintf("kw_threshold: {count: %d, within: 5m, by: ka.user.name}", 50+i)))
		text.WriteString(ruleText(fmt.Sprint("distinct ", i), "ka.stage = ResponseComplete and ka.verb != watch", fmt.Sprintf("kw_threshold: {count: %d, within: 5m, by: ka.user.name, distinct: [ka.target.resource, ka.target.name]}", 20+i)))
		text.WriteString(ruleText(fmt.Sprint("sequence ", i), "ka.stage = ResponseComplete", fmt.Sprintf("kw_sequence: {within: %dm, by: ka.user.name, steps: [{condition: ka.response.code = 403}, {condition: ka.verb = create}]}", 5+i)))
	}
	for i := range 3 {
		text.WriteString(ruleText(fmt.Sprint("new ", i), "ka.stage = ResponseComplete", fmt.Sprintf("kw_new_terms: {fields: ka.useragent, by: ka.user.name, within: %dd}", 7+i)))
	}
	text.WriteString(ruleText("absent", "ka.verb exists", "kw_absence: {completion: {create: 1m, update: 1m, patch: 1m, delete: 2m}}"))
	text.WriteString(ruleText("silent", "ka.verb exists", "kw_absence: {silence: 5m}"))
	r := load(b, text.String())
	require.Equal(b, 20, r.Len())
	s := NewStream(r, Options{})
	var batch audit.Batch
	n, shift := 0, time.Duration(0)
	b.ReportAllocs()
	b.ResetTimer()
	for n < b.N {
		batch.Decode(data.Bytes(), audit.Position{Line: 1}, audit.Limits{})
		for _, e := range batch.Events {
			e.Time = e.Time.Add(shift)
			c := &field.Context{Event: e}
			s.Observe(c, r.Look(c, audit.Identity{}))
		}
		n += len(batch.Events)
		shift += time.Hour
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}

// TestSignsOfLife: events that only say that their cluster is there cost no memory, and its
// silence is found, whatever else the events before it were for.
func TestSignsOfLife(t *testing.T) {
	r := load(t, ruleText("count", "ka.verb = get", "kw_threshold: {count: 9, within: 1m, by: ka.user.name}")+ruleText("silent", "ka.verb exists", "kw_absence: {silence: 10m}"))
	look := func(e *audit.Event) *Observation { return r.Look(&field.Context{Event: e}, audit.Identity{}) }
	alive, counted := event(t, "east", "1", "jane", "list", "x", "", at(0)).Event, event(t, "west", "2", "jane", "get", "x", "", at(1)).Event
	assert.Same(t, look(alive), look(event(t, "west", "3", "joe", "watch", "y", "", at(2)).Event))
	assert.NotSame(t, look(alive), look(counted))
	s := NewStream(r, Options{})
	require.Empty(t, observe(s, alive, counted, event(t, "east", "4", "joe", "get", "y", "", at(3)).Event, event(t, "east", "5", "eve", "list", "y", "", at(4)).Event))
	assert.Equal(t, []string{"silent: eve 0 <NA>"}, observe(s, event(t, "east", "6", "jane", "list", "x", "", at(1500)).Event))
	assert.Equal(t, []string{"silent: jane 0 <NA>"}, observe(s, event(t, "west", "7", "joe", "get", "x", "", at(1500)).Event))
}
