package bench

import (
	"bytes"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// TestNoMatchNoMemory: an event that no rule matches costs no memory, however
// many rules there are. Events with escapes in the URI are left out: a text with
// escapes (API servers write \u0026 for &) is decoded when a rule asks for it.
func TestNoMatchNoMemory(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector takes memory of its own")
	}
	for _, set := range noMatchSets(t) {
		t.Run(set.Name, func(t *testing.T) {
			m := matcher(t, set)
			for _, corpus := range Corpora {
				list := slices.DeleteFunc(unmatched(m, some(t, events(t, corpus))), func(e *audit.Event) bool {
					return bytes.IndexByte(e.Root().Get("requestURI").Raw(), '\\') >= 0
				})
				require.Greater(t, len(list), 20, corpus)
				defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it would empty the pool of states
				c := new(field.Context)
				assert.Zero(t, testing.AllocsPerRun(20, func() {
					for i, e := range list {
						*c = field.Context{Event: e, Num: uint64(i + 1), First: e.Time, Hostname: "bench"}
						if len(m.Match(c).Detections) > 0 {
							t.Error("a match")
						}
					}
				}), corpus)
			}
		})
	}
}

func noMatchSets(tb testing.TB) []RuleSet {
	all, err := RuleSets()
	require.NoError(tb, err)
	var sets []RuleSet
	for _, set := range all {
		switch set.Name {
		case "stock-like", "template-1000", "mixed-1000":
			sets = append(sets, set)
		}
	}
	require.Len(tb, sets, 3)
	return sets
}

// unmatched gives the events that no rule matches.
func unmatched(m *match.Matcher, events []*audit.Event) (list []*audit.Event) {
	for _, e := range events {
		if res := m.Match(&field.Context{Event: e, Num: 1, First: events[0].Time, Hostname: "bench"}); len(res.Detections) == 0 {
			list = append(list, e)
		}
	}
	return list
}

// BenchmarkNoMatch is BenchmarkMatch over the events that no rule matches: it
// shows 0 allocs/op.
func BenchmarkNoMatch(b *testing.B) {
	for _, set := range noMatchSets(b) {
		b.Run("rules="+set.Name, func(b *testing.B) {
			m := matcher(b, set)
			forEach(b, func(b *testing.B, data []byte, _ int) {
				list := unmatched(m, some(b, data))
				b.ResetTimer()
				for i := 0; i < b.N; i += len(list) {
					matchAll(m, list)
				}
			})
		})
	}
}

// TestReload: while other rules are compiled, events go on being judged by the
// ones in force, up to the moment of the change and not longer.
func TestReload(t *testing.T) {
	data := events(t, "1k")
	list := some(t, data)
	sets, err := RuleSets()
	require.NoError(t, err)
	old := matcher(t, sets[1])
	before := matchAll(old, list)
	require.NotZero(t, before)

	var inForce atomic.Pointer[match.Matcher]
	inForce.Store(old)
	loaded := make(chan error)
	go func() {
		set, err := ruleset.Compile(Generated("mixed", 3000).Files, ruleset.Options{MinPriority: 7})
		if err == nil {
			var m *match.Matcher
			if m, err = set.Matcher(false, nil); err == nil {
				inForce.Store(m)
			}
		}
		loaded <- err
	}()
	rounds := 0
	for inForce.Load() == old {
		require.Equal(t, before, matchAll(old, list), "the rules in force")
		rounds++
		runtime.Gosched() // on one core the compiler gets its turn
	}
	require.NoError(t, <-loaded)
	assert.Greater(t, rounds, 3, "matching went on meanwhile")
	assert.Zero(t, matchAll(inForce.Load(), list), "the new rules")
}
