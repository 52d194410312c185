package bench

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

func events(tb testing.TB, corpus string) []byte {
	tb.Helper()
	data, err := Events(corpus)
	require.NoError(tb, err)
	return data
}

func load(tb testing.TB, set RuleSet) *ruleset.Set {
	tb.Helper()
	loaded, err := ruleset.Compile(set.Files, ruleset.Options{MinPriority: rules.Debug})
	require.NoError(tb, err)
	return loaded
}

func matcher(tb testing.TB, set RuleSet) *match.Matcher {
	tb.Helper()
	m, err := load(tb, set).Matcher(false, nil)
	require.NoError(tb, err)
	return m
}

// forEach runs a benchmark for every corpus; an operation is one event.
func forEach(b *testing.B, run func(b *testing.B, data []byte, n int)) {
	for _, corpus := range Corpora {
		data := events(b, corpus)
		n := bytes.Count(data, []byte{'\n'})
		b.Run("events="+corpus, func(b *testing.B) {
			b.SetBytes(int64(len(data) / n))
			b.ReportAllocs()
			run(b, data, n)
		})
	}
}

func forEachSet(b *testing.B, run func(b *testing.B, m *match.Matcher)) {
	sets, err := RuleSets()
	require.NoError(b, err)
	for _, set := range sets {
		b.Run("rules="+set.Name, func(b *testing.B) { run(b, matcher(b, set)) })
	}
}

// decode decodes all events of data into batch.
func decode(batch *audit.Batch, data []byte) []*audit.Event {
	batch.Decode(data, audit.Position{Input: "bench", Line: 1}, audit.Limits{})
	return batch.Events
}

func matchAll(m *match.Matcher, events []*audit.Event) (detections int) {
	var c field.Context
	for i, e := range events {
		c = field.Context{Event: e, Num: uint64(i + 1), First: events[0].Time, Hostname: "bench"}
		detections += len(m.Match(&c).Detections)
	}
	return detections
}

// BenchmarkDecode reads and checks events, and finds their envelopes.
func BenchmarkDecode(b *testing.B) {
	forEach(b, func(b *testing.B, data []byte, n int) {
		var batch audit.Batch
		for i := 0; i < b.N; i += n {
			require.Len(b, decode(&batch, data), n)
		}
	})
}

// extracted are the fields that most rules ask for.
var extracted = []string{
	"ka.stage", "ka.verb", "ka.user.name", "ka.user.groups", "ka.target.resource", "ka.target.subresource", "ka.target.namespace",
	"ka.target.name", "ka.response.code", "ka.uri", "ka.useragent", "ka.auth.decision",
}

// BenchmarkExtract asks a decoded event for the twelve fields that most rules
// ask for; an operation is one event.
func BenchmarkExtract(b *testing.B) {
	forEach(b, func(b *testing.B, data []byte, _ int) {
		var fields []*field.Field
		for _, name := range extracted {
			f, ok := field.Default().Lookup(name)
			require.True(b, ok, name)
			fields = append(fields, f)
		}
		list := some(b, data)
		items := make([]field.Item, 0, 100)
		b.ResetTimer()
		for i := 0; i < b.N; i++ {
			c := field.Context{Event: list[i%len(list)]}
			for _, f := range fields {
				items = f.Append(items[:0], &c, field.Arg{})
			}
		}
	})
}

// some gives every tenth event, decoded: as many as stay in the nearer caches,
// as an event does that has just been decoded.
func some(tb testing.TB, data []byte) []*audit.Event {
	tb.Helper()
	var list []*audit.Event
	r := audit.NewReader(bytes.NewReader(data), "bench", audit.Limits{})
	for i := 0; ; i++ {
		e, err := r.Next()
		if err == io.EOF {
			return list
		}
		require.NoError(tb, err)
		if i%10 == 0 {
			e.Root()
			list = append(list, e)
		}
	}
}

// BenchmarkMatch judges events that are decoded already, bodies included.
func BenchmarkMatch(b *testing.B) {
	forEachSet(b, func(b *testing.B, m *match.Matcher) {
		forEach(b, func(b *testing.B, data []byte, _ int) {
			list := some(b, data)
			matchAll(m, list)
			b.ResetTimer()
			for i := 0; i < b.N; i += len(list) {
				matchAll(m, list)
			}
		})
	})
}

// BenchmarkDecodeMatch is the whole way of an event but for reading files and
// printing alerts.
func BenchmarkDecodeMatch(b *testing.B) {
	forEachSet(b, func(b *testing.B, m *match.Matcher) {
		forEach(b, func(b *testing.B, data []byte, n int) {
			var batch audit.Batch
			for i := 0; i < b.N; i += n {
				matchAll(m, decode(&batch, data))
			}
		})
	})
}

// BenchmarkLoad reads and compiles a rules file. live-MB is what the rules and
// their matcher keep.
func BenchmarkLoad(b *testing.B) {
	for _, set := range []RuleSet{Generated("template", 10000), Generated("mixed", 10000)} {
		b.Run("rules="+set.Name, func(b *testing.B) {
			b.ReportAllocs()
			before := live()
			var m *match.Matcher
			for b.Loop() {
				m = matcher(b, set)
			}
			b.StopTimer()
			b.ReportMetric(float64(live()-before)/(1<<20), "live-MB")
			runtime.KeepAlive(m)
		})
	}
}

// BenchmarkNew is the part of loading that makes a matcher of rules that are
// read: what a change of the rules costs besides reading them.
func BenchmarkNew(b *testing.B) {
	sets, err := RuleSets()
	require.NoError(b, err)
	for _, set := range sets {
		loaded := load(b, set)
		b.Run("rules="+set.Name, func(b *testing.B) {
			b.ReportAllocs()
			before := live()
			var m *match.Matcher
			for b.Loop() {
				m, err = loaded.Matcher(false, nil)
				require.NoError(b, err)
			}
			b.StopTimer()
			b.ReportMetric(float64(live()-before)/(1<<20), "live-MB")
			runtime.KeepAlive(m)
		})
	}
}

func live() int64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
