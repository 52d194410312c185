package correlate

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// load compiles rules.
func load(t testing.TB, text string) *Rules {
	t.Helper()
	rs, results := rules.Load([]rules.File{{Name: "rules.yaml", Content: []byte(text)}}, rules.Options{Catalogue: field.Default()})
	require.NotNil(t, rs, "%s", results[0].Text())
	require.Empty(t, results[0].Warnings, "%s", results[0].Text())
	r, err := New(rs, field.Default(), match.Options{})
	require.NoError(t, err)
	return r
}

// ruleText is a rule with a stateful key.
func ruleText(name, cond, key string) string {
	return fmt.Sprintf("- rule: %s\n  desc: d\n  source: k8s_audit\n  condition: %s\n  %s\n  output: \"%%ka.user.name %%kw.correlate.count %%kw.correlate.values\"\n  priority: WARNING\n  skip-if-unknown-filter: true\n", name, cond, key)
}

var begin = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// made is an event of a test, with what an oracle needs to know of it.
type made struct {
	*audit.Event
	user, verb, name string
	at               int64
}

// event makes an event; stage "" is ResponseComplete.
func event(t testing.TB, cluster, id, user, verb, name, stage string, at time.Time) made {
	t.Helper()
	raw := fmt.Sprintf(`{"kind":"Event","auditID":%q,"stage":%q,"verb":%q,"requestURI":"/api/v1/%s","user":{"username":%q},`+
		`"objectRef":{"resource":"secrets","namespace":"n","name":%q},"requestReceivedTimestamp":"x","stageTimestamp":%q}`,
		id, cmp.Or(stage, "ResponseComplete"), verb, id, user, name, at.Format(time.RFC3339Nano))
	e, err := audit.NewReader(strings.NewReader(raw), "test", audit.Limits{}).Next()
	require.NoError(t, err)
	e.Cluster = cluster
	return made{e, user, verb, name, at.UnixNano()}
}

// run gives the findings of a stream of events, and fails where one is told twice.
func run(t testing.TB, r *Rules, events []made) (ids []string, found map[string]Found) {
	t.Helper()
	s := NewStream(r, Options{})
	found = map[string]Found{}
	add := func(some []Found) {
		for _, f := range some {
			id := string(f.ID[:])
			require.NotContains(t, found, id, "told twice: %s", f.Detection.Output)
			found[id] = f
			ids = append(ids, id)
		}
	}
	for i := range events {
		c := &field.Context{Event: events[i].Event, Num: uint64(i + 1)}
		add(s.Observe(c, r.Look(c, audit.Identity{})))
	}
	add(s.End())
	require.Zero(t, s.Counters().Late)
	require.Zero(t, s.Counters().Evicted)
	require.Zero(t, s.Counters().Faults)
	slices.Sort(ids)
	return ids, found
}

// restarted is run with a stream that is written down and read again now and then, and
// is then given some events once more.
func restarted(t testing.TB, g *rand.Rand, r *Rules, events []made) (ids []string) {
	t.Helper()
	s := NewStream(r, Options{})
	found := map[string]bool{}
	add := func(some []Found) {
		for _, f := range some {
			found[string(f.ID[:])] = true
		}
	}
	observe := func(e made) {
		c := &field.Context{Event: e.Event}
		add(s.Observe(c, r.Look(c, audit.Identity{})))
	}
	for i := range events {
		observe(events[i])
		if g.IntN(25) > 0 {
			continue
		}
		var b bytes.Buffer
		require.NoError(t, s.Save(&b, []byte("mine")))
		s = NewStream(r, Options{})
		extra, anew, err := s.Restore(b.Bytes())
		require.NoError(t, err)
		require.Equal(t, "mine", string(extra))
		require.Empty(t, anew)
		var again bytes.Buffer
		require.NoError(t, s.Save(&again, []byte("mine")))
		require.Equal(t, b.Bytes(), again.Bytes(), "what was read is what was written")
		for _, e := range events[max(0, i-g.IntN(20)) : i+1] {
			observe(e)
		}
	}
	add(s.End())
	return slices.Sorted(maps.Keys(found))
}

// shuffled is an order in which events can come, some of them twice.
func shuffled(r *rand.Rand, events []made, within time.Duration) []made {
	type arrival struct {
		e  made
		at int64
	}
	var all []arrival
	for _, e := range events {
		n := 1
		if r.IntN(5) == 0 {
			n = 2
		}
		for range n {
			all = append(all, arrival{e, e.at + r.Int64N(int64(within)+1)})
		}
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	out := make([]made, len(all))
	for i := range all {
		out[i] = all[i].e
	}
	return out
}

// An oracle keeps all events and counts anew: it gives the keys and windows that fire.
type oracle func(events []made) []string

func id(rule string, e made, key string, window int64) string {
	x := findingID(rule, e.Cluster, key, window)
	return string(x[:])
}

func keyOf(texts ...string) string {
	var b []byte
	for _, s := range texts {
		b = appendText(b, s)
	}
	return string(b)
}

func byKey(events []made, key func(made) string) map[string][]made {
	out := map[string][]made{}
	for _, e := range events {
		out[key(e)] = append(out[key(e)], e)
	}
	for _, list := range out {
		slices.SortFunc(list, func(a, b made) int { return cmp.Compare(a.at, b.at) })
	}
	return out
}

func user(e made) string { return keyOf(e.Cluster, e.user) }

func thresholdOracle(within, suppress time.Duration, count int, distinct bool) oracle {
	return func(events []made) (ids []string) {
		for key, list := range byKey(events, user) {
			for _, end := range list {
				values, n := map[string]bool{}, 0
				for _, e := range list {
					if e.at > end.at-int64(within) && e.at <= end.at {
						values[e.name] = true
						n++
					}
				}
				if distinct {
					n = len(values)
				}
				if n >= count {
					ids = append(ids, id("r", end, key, floor(floor(end.at, within), suppress)))
				}
			}
		}
		return ids
	}
}

func sequenceOracle(within time.Duration, verbs []string, differs int) oracle {
	return func(events []made) (ids []string) {
		for key, list := range byKey(events, user) {
			var from func(step int, first, before made) bool
			fires := func(end made) bool {
				from = func(step int, first, before made) bool {
					for _, e := range list {
						if e.verb != verbs[step] || step > 0 && e.at <= before.at || step == differs && e.name == before.name {
							continue
						}
						if step == 0 {
							first = e
						}
						if step == len(verbs)-1 {
							if e == end && e.at-first.at <= int64(within) {
								return true
							}
						} else if from(step+1, first, e) {
							return true
						}
					}
					return false
				}
				return from(0, made{}, made{})
			}
			for _, end := range list {
				if end.verb == verbs[len(verbs)-1] && fires(end) {
					ids = append(ids, id("r", end, key, floor(end.at, within)))
				}
			}
		}
		return ids
	}
}

func termsOracle(within, learning time.Duration) oracle {
	return func(events []made) (ids []string) {
		since := map[string]int64{}
		for _, e := range events {
			if at, ok := since[e.Cluster]; !ok || e.at < at {
				since[e.Cluster] = e.at
			}
		}
		looked := slices.DeleteFunc(slices.Clone(events), func(e made) bool { return e.verb != "a" && e.verb != "b" })
		for key, list := range byKey(looked, func(e made) string { return keyOf(e.Cluster, e.user, e.name) }) {
			there := map[int32]bool{}
			for _, e := range list {
				there[dayOf(e.at)] = true
			}
			for day := range there {
				old := learning > 0 && midnight(day) < since[list[0].Cluster]+int64(learning)
				for d := day - days(within); d < day; d++ {
					old = old || there[d]
				}
				if !old {
					ids = append(ids, id("r", list[0], key, midnight(day)))
				}
			}
		}
		return ids
	}
}

func completionOracle(timers map[string]time.Duration) oracle {
	return func(events []made) (ids []string) {
		newest := map[string]int64{}
		for _, e := range events {
			newest[e.Cluster] = max(newest[e.Cluster], e.at)
		}
		for _, e := range events {
			deadline := e.at + int64(timers[e.verb])
			if e.Stage != stageReceived || timers[e.verb] == 0 || deadline >= newest[e.Cluster] {
				continue
			}
			if !slices.ContainsFunc(events, func(f made) bool {
				return f.Stage != stageReceived && f.AuditID == e.AuditID && f.Cluster == e.Cluster && f.user == e.user && f.verb == e.verb && f.at <= deadline
			}) {
				key := requestKeyOf(e.Event)
				ids = append(ids, id("r", e, string(key[:]), e.at))
			}
		}
		return ids
	}
}

func silenceOracle(within time.Duration) oracle {
	return func(events []made) (ids []string) {
		newest := map[string]int64{}
		for _, e := range events {
			newest[e.Cluster] = max(newest[e.Cluster], e.at)
		}
		for key, list := range byKey(events, user) {
			for _, e := range list {
				if e.at+int64(within) < newest[e.Cluster] && !slices.ContainsFunc(list, func(f made) bool { return f.at > e.at && f.at <= e.at+int64(within) }) {
					ids = append(ids, id("r", e, key, e.at))
				}
			}
		}
		return ids
	}
}

// lot is how many events and names there are.
type lot struct{ events, names int }

var few = lot{160, 5}

var oracleCases = []struct {
	name   string
	rule   string
	oracle oracle
	span   time.Duration // over which the events are spread
	step   time.Duration // of their times
	lot    lot
}{
	{"count", ruleText("r", "ka.verb = a", "kw_threshold: {count: 4, within: 1m, by: ka.user.name}"),
		only("a", thresholdOracle(time.Minute, time.Minute, 4, false)), 20 * time.Minute, time.Second, few},
	{"count, dense", ruleText("r", "ka.verb = a", "kw_threshold: {count: 2, within: 5m, by: ka.user.name, suppress: 7m}"),
		only("a", thresholdOracle(5*time.Minute, 7*time.Minute, 2, false)), 40 * time.Minute, 20 * time.Second, few},
	{"distinct", ruleText("r", "ka.verb in (a, b)", "kw_threshold: {count: 4, within: 90s, by: ka.user.name, distinct: ka.target.name, suppress: 1h}"),
		only("a b", thresholdOracle(90*time.Second, time.Hour, 4, true)), 20 * time.Minute, time.Second, few},
	{"count, far more than needed", ruleText("r", "ka.verb in (a, b, c)", "kw_threshold: {count: 20, within: 4m, by: ka.user.name}"),
		only("a b c", thresholdOracle(4*time.Minute, 4*time.Minute, 20, false)), bursts, time.Second, lot{1500, 5}},
	{"distinct, far more than needed", ruleText("r", "ka.verb in (a, b, c)", "kw_threshold: {count: 60, within: 4m, by: ka.user.name, distinct: ka.target.name}"),
		only("a b c", thresholdOracle(4*time.Minute, 4*time.Minute, 60, true)), bursts, time.Second, lot{2000, 1500}},
	{"distinct, many windows", ruleText("r", "ka.verb in (a, b, c)", "kw_threshold: {count: 3, within: 10s, by: ka.user.name, distinct: ka.target.name}"),
		only("a b c", thresholdOracle(10*time.Second, 10*time.Second, 3, true)), 10 * time.Minute, time.Second, few},
	{"sequence", ruleText("r", "ka.verb exists", "kw_sequence: {within: 2m, by: ka.user.name, steps: [{condition: ka.verb = a}, {condition: ka.verb = b}, {condition: ka.verb = c}]}"),
		sequenceOracle(2*time.Minute, []string{"a", "b", "c"}, -1), 30 * time.Minute, time.Second, few},
	{"sequence that differs", ruleText("r", "ka.verb exists", "kw_sequence: {within: 3m, by: ka.user.name, steps: [{condition: ka.verb = a}, {condition: ka.verb = b, differs: ka.target.name}]}"),
		sequenceOracle(3*time.Minute, []string{"a", "b"}, 1), 40 * time.Minute, time.Second, few},
	{"new terms", ruleText("r", "ka.verb in (a, b)", "kw_new_terms: {fields: ka.target.name, by: ka.user.name, within: 2d, learning: 1d}"),
		termsOracle(48*time.Hour, 24*time.Hour), 30 * 24 * time.Hour, 2 * time.Hour, few},
	{"new terms around midnight", ruleText("r", "ka.verb in (a, b)", "kw_new_terms: {fields: ka.target.name, by: ka.user.name, within: 1d, learning: 0s}"),
		termsOracle(24*time.Hour, 0), 0, time.Second, few},
	{"completion", ruleText("r", "ka.verb in (a, b)", "kw_absence: {completion: {a: 30s, b: 4m}}"),
		completionOracle(map[string]time.Duration{"a": 30 * time.Second, "b": 4 * time.Minute}), time.Hour, time.Second, few},
	{"silence", ruleText("r", "ka.verb in (a, b, c, d)", "kw_absence: {silence: 2m, by: ka.user.name}"),
		silenceOracle(2 * time.Minute), 4 * time.Hour, time.Second, few},
}

// only leaves the events of some verbs to an oracle.
func only(verbs string, o oracle) oracle {
	return func(events []made) []string {
		return o(slices.DeleteFunc(slices.Clone(events), func(e made) bool { return !slices.Contains(strings.Fields(verbs), e.verb) }))
	}
}

// stream makes events of few users, verbs and names.
func (g *generator) stream(t testing.TB, n, names int, span, step time.Duration) (events []made) {
	for i := range n {
		at := begin.Add(time.Duration(g.Int64N(int64(max(span/step, 1)))) * step)
		if span == bursts {
			at = g.burst()
		}
		if span == 0 { // around midnights
			at = begin.Truncate(24 * time.Hour).Add(time.Duration(g.IntN(6)) * 24 * time.Hour).Add(time.Duration(g.IntN(1200)-600) * time.Second)
		}
		stage, received := "", g.IntN(2) == 0
		if received {
			stage = stageReceived
		}
		if !received && span > 0 && g.IntN(2) == 0 && i > 0 { // what another event has received
			e := events[g.IntN(i)]
			at = timeOf(e.at).Add(time.Duration(g.IntN(300)) * time.Second)
			events = append(events, event(t, e.Cluster, e.AuditID, e.user, e.verb, e.name, stage, at))
			continue
		}
		auditID := fmt.Sprint("id-", i)
		events = append(events, event(t, g.pick("east", "east", "west"), auditID, g.pick("u", "u", "v"), g.pick("a", "b", "c", "d"), fmt.Sprint("n", g.IntN(names)), stage, at))
	}
	return events
}

// bursts stands for times most of which lie at the end of one stretch or at the
// beginning of the next but one, with next to nothing in between.
const bursts = time.Nanosecond

func (g *generator) burst() time.Time {
	switch n := g.IntN(100); {
	case n < 48:
		return begin.Add(4*time.Minute - time.Duration(1+g.IntN(20))*time.Second)
	case n < 96:
		return begin.Add(8*time.Minute + time.Duration(g.IntN(20))*time.Second)
	}
	return begin.Add(8*time.Minute - time.Duration(1+g.IntN(9))*time.Second)
}

type generator struct{ *rand.Rand }

func (g *generator) pick(from ...string) string { return from[g.IntN(len(from))] }

// TestEngineAgreesWithAnOracle: whatever the order in which events come within the
// lateness, what fires is what one finds who keeps everything and counts anew.
func TestEngineAgreesWithAnOracle(t *testing.T) {
	for _, tt := range oracleCases {
		t.Run(tt.name, func(t *testing.T) {
			r := load(t, tt.rule)
			fired := 0
			for seed := range uint64(max(3, 1600/tt.lot.events)) {
				g := &generator{rand.New(rand.NewPCG(seed, 7))}
				events := g.stream(t, tt.lot.events/4+g.IntN(tt.lot.events), tt.lot.names, tt.span, tt.step)
				want := tt.oracle(events)
				slices.Sort(want)
				want = slices.Compact(want)
				fired += len(want)
				slices.SortStableFunc(events, func(a, b made) int { return cmp.Compare(a.at, b.at) })
				for order, arrived := range map[string][]made{"in order": events, "shuffled": shuffled(g.Rand, events, Lateness), "a little": shuffled(g.Rand, events, 10*time.Second)} {
					got, _ := run(t, r, arrived)
					require.Equal(t, len(want), len(got), "seed %d, %s", seed, order)
					require.Equal(t, want, got, "seed %d, %s", seed, order)
				}
				require.Equal(t, want, restarted(t, g.Rand, r, shuffled(g.Rand, events, Lateness)), "seed %d, with restarts", seed)
			}
			require.Positive(t, fired, "a test in which nothing fires shows nothing")
		})
	}
}
