package match_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/test/bench"
	"github.com/kubewitness/kubewitness/test/corpora"
	"github.com/kubewitness/kubewitness/test/rulegen"
)

// pair are both evaluators of the same rules.
type pair struct {
	planned *match.Matcher
	plain   *match.Plain
	opt     match.Options
}

// modes are the options that decide about answers.
var modes = []match.Options{{}, {Strict: true}, {First: true}, {Strict: true, First: true, AppendFields: []string{"evt.num"}}}

// pairs compiles rules in some modes.
func pairs(t testing.TB, rs *rules.Ruleset, modes ...match.Options) []pair {
	t.Helper()
	var all []pair
	for _, opt := range modes {
		planned, err := match.New(rs, field.Default(), opt)
		require.NoError(t, err)
		plain, err := match.NewPlain(rs, field.Default(), opt)
		require.NoError(t, err)
		all = append(all, pair{planned, plain, opt})
	}
	return all
}

// agree judges one event by both and gives the number of detections.
func (p pair) agree(t testing.TB, e *audit.Event, num int) int {
	t.Helper()
	judge := func(m matcher) match.Result {
		return m.Match(&field.Context{Event: e, Num: uint64(num), First: e.Time, Hostname: "host"})
	}
	want, got := judge(p.plain), judge(p.planned)
	require.Equal(t, want, got, "%+v: %s", p.opt, e.Raw)
	require.Empty(t, want.Faults, "%s", e.Raw)
	return len(want.Detections)
}

func realEvents(t testing.TB) []*audit.Event {
	t.Helper()
	var all []*audit.Event
	for _, corpus := range bench.Corpora {
		data, err := bench.Events(corpus)
		require.NoError(t, err)
		all = append(all, eventsIn(t, data)...)
	}
	return all
}

func eventsIn(t testing.TB, data []byte) (all []*audit.Event) {
	t.Helper()
	for r := audit.NewReader(bytes.NewReader(data), "events", audit.Limits{}); ; {
		e, err := r.Next()
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		all = append(all, e)
	}
}

// TestRandomAgree holds the planned evaluation against the plain one: random
// rules in sets of many, over real events and changed ones.
func TestRandomAgree(t *testing.T) {
	events := realEvents(t)
	sets, each := 6, 500
	if os.Getenv(corpora.EnvIntegration) == "1" {
		sets = 20
	}
	for set := range sets {
		r := rulegen.NewRandom(uint64(set), events)
		hits := 0
		for k, p := range pairs(t, r.Rules(each), modes...) {
			for i := k; i < len(events); i += 40 + 20*k {
				hits += p.agree(t, events[i], i+1)
				if e := readMutated(r.Mutate(events[i])); e != nil {
					hits += p.agree(t, e, i+1)
				}
			}
		}
		require.Greater(t, hits, 1000, "set %d: random rules must match now and then", set)
	}
}

// TestGeneratedAgree does so with the rules of the benchmarks.
func TestGeneratedAgree(t *testing.T) {
	events := realEvents(t)
	for _, content := range [][]byte{rulegen.StockLike(), rulegen.Template(300), rulegen.Mixed(1500, 7)} {
		for _, p := range pairs(t, load(t, string(content), false), modes...) {
			for i := 0; i < len(events); i += 7 {
				p.agree(t, events[i], i+1)
			}
		}
	}
}

// corners are conditions on which a plan takes a way of its own.
var corners = []string{
	"jevt.rawtime exists", "not jevt.rawtime exists", "jevt.rawtime = 0", "jevt.rawtime != 0", "not jevt.rawtime = 1795287677924433000",
	"jevt.rawtime in (0, 00, 1795287677924433000)", `jevt.rawtime endswith anyof (433000, "")`, "jevt.rawtime startswith 1795", "jevt.rawtime contains 77924",
	"jevt.rawtime = oneof (0, 1)", "evt.num exists", "evt.hostname exists", "evt.time contains 17", "kw.duplicate_keys exists",
	`ka.auditid regex "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"`, `ka.target.name regex "[^a-z].*"`, "b64(jevt.value[/user/username]) regex \ufffd+", "b64(jevt.value[/user/username]) regex x|\ufffd\ufffd",
	`ka.user.name contains anyof ("", x)`, `ka.user.name icontains anyof (ADMIN, apiserver, KUBELET, :node:, "")`, `ka.user.name startswith anyof (system:, eks:)`,
	`ka.user.name endswith anyof (admin, ".com")`, `ka.uri contains allof (/api, "")`, "ka.user.name = allof (a)", "ka.verb != anyof (get, list)",
	`(ka.user.name = nobody or not ka.useragent exists) and not ka.target.namespace = x`, `(ka.user.name = somebody or not ka.useragent exists) and not ka.target.namespace = y`,
	`(ka.user.name = anybody or not ka.useragent exists) and not ka.target.namespace = z`, `(ka.user.name = kubernetes-admin or not ka.useragent exists) and not ka.target.namespace = w`,
	`jevt.value[/user/groups] contains masters`, `jevt.value[/user/groups/0] = system:masters`, `jevt.value[/user/groups/x] exists`, `jevt.value[user/username] startswith s`,
	`jevt.value[/annotations/authorization.k8s.io~1decision] = allow`, `jevt.value[/] exists`, `jevt.value[//] exists`, `jevt.value[""] contains "kind"`, `jevt.value[/objectRef] contains pods`,
	`ka.response.code in (200, 201)`, `ka.response.code startswith 2`, `ka.user.groups in (system:authenticated, system:nodes)`, `not ka.user.groups intersects (system:masters)`,
}

// TestCornersAgree judges each by itself and all of them together.
func TestCornersAgree(t *testing.T) {
	events := realEvents(t)
	r := rulegen.NewRandom(9, events)
	sets := []string{""}
	for i, cond := range corners {
		text := oneRule(fmt.Sprint("corner ", i), cond, "%ka.verb")
		sets[0] += text
		sets = append(sets, text)
	}
	for i, set := range sets {
		for _, p := range pairs(t, load(t, set, false), modes...) {
			for k := i % 5; k < len(events); k += 50 {
				p.agree(t, events[k], k+1)
				if e := readMutated(r.Mutate(events[k])); e != nil {
					p.agree(t, e, k+1)
				}
			}
		}
	}
}

// readMutated reads an event as the replay does, and where it is refused as it
// stands.
func readMutated(raw []byte) *audit.Event {
	var batch audit.Batch
	batch.Decode(raw, audit.Position{Input: "fuzz", Line: 1}, audit.Limits{})
	if len(batch.Events) == 1 {
		return batch.Events[0]
	}
	if v, err := audit.ParseValue(raw); err != nil || v.Kind() != audit.Object {
		return nil
	}
	return &audit.Event{Raw: raw, AuditID: "1"}
}

// FuzzAgree makes rules of a seed; the event is the fuzzer's where that is an
// object, else a real one, changed.
func FuzzAgree(f *testing.F) {
	events := realEvents(f)
	for i := range uint64(20) {
		f.Add(i, []byte(""))
		f.Add(i, events[7*i].Raw)
	}
	f.Fuzz(func(t *testing.T, seed uint64, raw []byte) {
		r := rulegen.NewRandom(seed, events)
		all := pairs(t, r.Rules(24), modes[seed%4])
		real := events[seed%uint64(len(events))]
		for range 4 {
			if e := readMutated(r.Mutate(real)); e != nil {
				for _, p := range all {
					p.agree(t, e, 1)
				}
			}
		}
		if e := readMutated(raw); e != nil {
			for _, p := range all {
				p.agree(t, e, 1)
			}
		}
	})
}
