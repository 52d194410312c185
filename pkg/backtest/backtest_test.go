package backtest_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/backtest"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

const someRules = `
- rule: Read
  desc: d
  source: k8s_audit
  priority: NOTICE
  condition: ka.verb = get
  output: "%ka.user.name read %ka.target.name"
  exceptions:
    - name: known_users
      fields: ka.user.name
    - name: known_places
      fields: [ka.target.namespace, ka.target.resource]
    - name: starts
      fields: [ka.user.name]
      comps: [startswith]
- rule: Written
  desc: d
  source: k8s_audit
  priority: WARNING
  condition: ka.verb in (create, delete)
  output: "%ka.user.name wrote"
- rule: Never
  desc: d
  source: k8s_audit
  priority: ERROR
  condition: ka.verb = never
  output: x
`

func load(t *testing.T, texts ...string) *ruleset.Set {
	t.Helper()
	var files []rules.File
	for i, text := range texts {
		files = append(files, rules.File{Name: fmt.Sprint("rules", i), Content: []byte(text)})
	}
	set, err := ruleset.Compile(files, ruleset.Options{MinPriority: rules.Debug})
	if err != nil {
		for _, r := range set.Results {
			t.Log(r.Text())
		}
	}
	require.NoError(t, err)
	return set
}

// someEvents are events of few users, namespaces and days.
func someEvents(t *testing.T, n int, seed uint64) []*audit.Event {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 1))
	one := func(from ...string) string { return from[rnd.IntN(len(from))] }
	var text bytes.Buffer
	for i := range n {
		at := time.Date(2026, 1, 1+rnd.IntN(5), rnd.IntN(24), 0, i%60, i, time.UTC)
		fmt.Fprintf(&text, `{"kind":"Event","auditID":"id%d","stage":"ResponseComplete","verb":%q,"user":{"username":%q},"objectRef":{"resource":%q,"namespace":%q,"name":%q},"stageTimestamp":%q}`+"\n",
			i, one("get", "get", "list", "create", "delete"), one("ann", "bob", "system:serviceaccount:ci:build", "odd, name"), one("pods", "secrets"),
			one("shop", "web", "ci"), one("a", "b"), at.Format(time.RFC3339Nano))
	}
	var b audit.Batch
	b.Decode(text.Bytes(), audit.Position{Input: "made", Line: 1}, audit.Limits{})
	require.Empty(t, b.Rejections)
	require.Len(t, b.Events, n)
	return b.Events
}

// judge counts what rules find.
func judge(t *testing.T, set *ruleset.Set, events []*audit.Event, opt backtest.Options) (*backtest.Tally, []match.Detection) {
	t.Helper()
	m, err := set.Matcher(false, nil)
	require.NoError(t, err)
	opt.Catalogue = set.Catalogue
	tally := backtest.New(set.Rules, opt)
	var all []match.Detection
	for _, e := range events {
		res := m.Match(&field.Context{Event: e, Num: 1, First: e.Time})
		require.Empty(t, res.Faults)
		for _, d := range res.Detections {
			tally.Add(e.AuditID, e, d)
			all = append(all, d)
		}
	}
	return tally, all
}

func ruleOf(t *testing.T, r *backtest.Report, name string) backtest.RuleReport {
	t.Helper()
	for _, x := range r.Rules {
		if x.Rule == name {
			return x
		}
	}
	require.Fail(t, "no rule "+name)
	return backtest.RuleReport{}
}

// TestCounts holds the counts against plain ones.
func TestCounts(t *testing.T) {
	events := someEvents(t, 500, 1)
	tally, all := judge(t, load(t, someRules), events, backtest.Options{})
	r := tally.Report(100)
	assert.EqualValues(t, len(all), r.Alerts)
	assert.Equal(t, []string{"Never"}, r.Never)
	require.Len(t, r.Rules, 2)
	assert.Equal(t, "Written", r.Rules[0].Rule, "the more urgent one first")
	read := ruleOf(t, r, "Read")
	days, users, namespaces := map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
	for _, e := range events {
		root := e.Root()
		if root.Get("verb").Text() == "get" {
			days[e.Time.Format(time.DateOnly)]++
			users[root.Path("user", "username").Text()]++
			namespaces[root.Path("objectRef", "namespace").Text()]++
		}
	}
	got := map[string]uint64{}
	for _, d := range read.Days {
		got[d.Day] = d.Alerts
	}
	assert.Equal(t, days, got)
	for _, tt := range []struct {
		want map[string]uint64
		got  []backtest.Value
	}{{users, read.Users}, {namespaces, read.Namespaces}} {
		got := map[string]uint64{}
		for _, v := range tt.got {
			got[v.Value] = v.Alerts
		}
		assert.Equal(t, tt.want, got)
	}
	few := ruleOf(t, tally.Report(1), "Read")
	require.Len(t, few.Users, 1)
	assert.Equal(t, read.Alerts, few.Users[0].Alerts+few.OtherUsers)
}

// TestCompare holds what is new and gone against the difference of two sets.
func TestCompare(t *testing.T) {
	events := someEvents(t, 400, 2)
	old, changed := load(t, someRules), load(t, strings.NewReplacer("ka.verb = get", "ka.verb in (get, list) and ka.user.name != bob", "rule: Written", "rule: Changed").Replace(someRules))
	before, _ := judge(t, old, events, backtest.Options{Remember: true})
	after, _ := judge(t, changed, events, backtest.Options{Before: before})
	r := after.Report(10)
	var added, gone, wrote uint64
	for _, e := range events {
		verb, bob := e.Root().Get("verb").Text(), e.Root().Path("user", "username").Text() == "bob"
		was, is := verb == "get", (verb == "get" || verb == "list") && !bob
		if is && !was {
			added++
		}
		if was && !is {
			gone++
		}
		if verb == "create" || verb == "delete" {
			wrote++
		}
	}
	read := ruleOf(t, r, "Read")
	assert.Equal(t, []uint64{added, gone}, []uint64{read.New, read.Gone})
	assert.Len(t, read.GoneUsers, 1)
	assert.Len(t, read.NewExamples, 5)
	assert.Len(t, read.GoneExamples, 5)
	assert.Contains(t, read.GoneExamples[0], "bob")
	assert.Equal(t, wrote, ruleOf(t, r, "Written").Gone, "a rule that is no more")
	assert.Equal(t, wrote, ruleOf(t, r, "Changed").New)
	same, _ := judge(t, old, events, backtest.Options{Before: before})
	for _, x := range same.Report(1).Rules {
		assert.Zero(t, x.New+x.Gone, x.Rule)
	}
}

func marks(t *testing.T, lines ...string) []backtest.Mark {
	t.Helper()
	all, err := backtest.ReadMarks("marks", strings.NewReader(strings.Join(lines, "\n")))
	require.NoError(t, err)
	return all
}

// TestProposals loads what is proposed: it hides just the alerts that it says it does.
func TestProposals(t *testing.T) {
	for seed := range uint64(30) {
		events := someEvents(t, 200, 100+seed)
		rnd := rand.New(rand.NewPCG(seed, 2))
		var lines []string
		for range 1 + rnd.IntN(6) {
			rule := []string{"Read", "Written"}[rnd.IntN(2)]
			lines = append(lines, fmt.Sprintf(`{"rule":%q,"event":"id%d"}`, rule, rnd.IntN(200)))
		}
		if rnd.IntN(2) == 0 {
			lines = append(lines, `{"rule":"Read","fields":{"ka.user.name":"ann","ka.target.namespace":"shop"}}`)
		}
		tally, all := judge(t, load(t, someRules), events, backtest.Options{Marks: marks(t, lines...)})
		r := tally.Report(5)
		hidden := map[string]uint64{} // at least, and at most: rows of one rule may overlap
		most := map[string]uint64{}
		for _, p := range r.Proposals {
			for _, row := range p.Rows {
				hidden[p.Rule] = max(hidden[p.Rule], row.Marked+row.Others)
				most[p.Rule] += row.Marked + row.Others
			}
		}
		if r.YAML == "" {
			continue
		}
		again, rest := judge(t, load(t, someRules, r.YAML), events, backtest.Options{Marks: marks(t, lines...)})
		left := again.Report(5)
		for _, name := range []string{"Read", "Written"} {
			was, is := uint64(0), uint64(0)
			for _, d := range all {
				if d.Rule.Name == name {
					was++
				}
			}
			for _, d := range rest {
				if d.Rule.Name == name {
					is++
				}
			}
			assert.GreaterOrEqual(t, was-is, hidden[name], "seed %d: %s\n%s", seed, name, r.YAML)
			assert.LessOrEqual(t, was-is, most[name], "seed %d: %s\n%s", seed, name, r.YAML)
			for _, x := range left.Rules {
				if x.Rule == name {
					assert.Equal(t, r.Unhidden[name], x.Marked, "seed %d: what was marked is hidden\n%s", seed, r.YAML)
				}
			}
		}
	}
}

func TestProposalText(t *testing.T) {
	events := someEvents(t, 300, 3)
	tally, _ := judge(t, load(t, someRules), events, backtest.Options{Marks: marks(t,
		`{"rule":"Read","fields":{"ka.user.name":"bob"}}`,
		`{"rule":"Written","fields":{"ka.user.name":"bob","ka.target.namespace":"ci"}}`,
		`{"rule":"Read","event":"none"}`)})
	r := tally.Report(5)
	bob := uint64(0)
	for _, v := range ruleOf(t, r, "Read").Users {
		if v.Value == "bob" {
			bob = v.Alerts
		}
	}
	require.Len(t, r.Proposals[0].Rows, 1)
	assert.Equal(t, []string{"bob"}, r.Proposals[0].Rows[0].Values)
	assert.Equal(t, bob, r.Proposals[0].Rows[0].Marked)
	require.NotEmpty(t, r.Proposals[1].Rows[0].Alternatives)
	text := regexp.MustCompile(`(?m)^ +# or .*\n`).ReplaceAllString(r.YAML, "")
	assert.Equal(t, fmt.Sprintf(`- rule: "Read"
  exceptions:
    - name: "known_users"
      values:
        # hides %d marked, 0 others
        - "bob"
  override:
    exceptions: append
- rule: "Written"
  exceptions:
    - name: "false_positives_by_user_namespace"
      fields: ["ka.user.name", "ka.target.namespace"]
      values:
        # hides %d marked, 0 others
        - ["bob", "ci"]
  override:
    exceptions: append
`, bob, r.Proposals[1].Rows[0].Marked), text)
	unused := tally.Unused()
	require.Len(t, unused, 1)
	assert.Equal(t, 3, unused[0].Line)
}

// TestNarrowestOfEqual marks what one user did in one place: of exceptions that hide the same now, the one that says where hides
// less tomorrow.
func TestNarrowestOfEqual(t *testing.T) {
	const text = `
- rule: Entered
  desc: d
  source: k8s_audit
  priority: NOTICE
  condition: ka.verb = get
  output: "%ka.user.name"
  exceptions:
    - {name: known_users, fields: ka.user.name}
    - {name: known_users_of_namespaces, fields: [ka.user.name, ka.target.namespace]}
`
	var lines []byte
	for i, of := range []string{"ann shop a", "ann shop b", "bob shop a"} {
		v := strings.Fields(of)
		lines = fmt.Appendf(lines, `{"kind":"Event","auditID":"id%d","stage":"ResponseComplete","verb":"get","user":{"username":%q},"objectRef":{"resource":"pods","namespace":%q,"name":%q},"stageTimestamp":"2026-01-01T10:00:00.000000Z"}`+"\n", i, v[0], v[1], v[2])
	}
	var b audit.Batch
	b.Decode(lines, audit.Position{Input: "made", Line: 1}, audit.Limits{})
	require.Len(t, b.Events, 3)
	tally, _ := judge(t, load(t, text), b.Events, backtest.Options{Marks: marks(t, `{"rule":"Entered","fields":{"ka.user.name":"ann"}}`)})
	r := tally.Report(5)
	require.Len(t, r.Proposals, 1)
	assert.Equal(t, "known_users_of_namespaces", r.Proposals[0].Exception)
	require.Len(t, r.Proposals[0].Rows, 1)
	assert.Equal(t, []string{"ann", "shop"}, r.Proposals[0].Rows[0].Values)
	assert.EqualValues(t, 2, r.Proposals[0].Rows[0].Marked)
}

func TestMarks(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"nonsense", "marks:1: no mark"},
		{`{"rule":"R"}`, "would mean every detection"},
		{`{"event":"x"}`, "a mark has a rule"},
		{"\n# a comment\n" + `{"rule":"R","evnt":"x"}`, `marks:3: no mark: json: unknown field "evnt"`},
		{`{"rule":"R","event":"x"} {"rule":"R","event":"y"}`, "a line holds one mark"},
	} {
		_, err := backtest.ReadMarks("marks", strings.NewReader(tt.in))
		assert.ErrorContains(t, err, tt.want)
	}
	all := marks(t, "", `{"rule":"R","event":"x"}`, "# no", `{"rule":"S","fields":{"a":"b"}}`)
	assert.Len(t, all, 2)
	assert.Equal(t, 4, all[1].Line)
}
