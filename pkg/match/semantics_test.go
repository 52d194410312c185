package match_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// The events that the tables judge.
const (
	// exec has a little of everything.
	exec = `{"kind":"Event","auditID":"1","stage":"ResponseComplete","verb":"create",
		"requestURI":"/api/v1/namespaces/shop/pods/web-0/exec?command=id&empty=",
		"user":{"username":"Alice","groups":["dev","ops"]},"sourceIPs":["203.0.113.7","10.1.2.3"],"userAgent":"kubectl/v1.35.0",
		"objectRef":{"resource":"pods","subresource":"exec","namespace":"shop","name":"web-0"},
		"responseStatus":{"code":201},"stageTimestamp":"2026-11-21T19:17:56.428497Z",
		"annotations":{"a":"b"},
		"odd":{"null":null,"true":true,"n":1.50,"list":["x",1,null],"object":{ "k" : "v" },"nul":"a\u0000b","nul2":"a\u0000c","":"",
			"path":"/bin/bash","b64":"aGVsbG8=","b64bare":"aGVsbG8","b64url":"_-8=","utf8":"Ärger","lines":"l1\nl2"}}`
	// bare lacks what an event can lack.
	bare = `{"kind":"Event","auditID":"2","stageTimestamp":"2026-11-21T19:17:56Z","user":{"groups":[]}}`
	// noID has no audit ID, so that no ka.* field is there.
	noID = `{"kind":"Event","verb":"get","user":{"username":"eve"},"stageTimestamp":"2026-11-21T19:17:56Z"}`
	// argv has a command line for getopt, as groups.
	argv = `{"kind":"Event","auditID":"3","stageTimestamp":"2026-11-21T19:17:56Z",
		"user":{"groups":["-a","-c","first","plain","-bc","second","-cjoined","--","-a"]}}`
)

// row is a condition with its verdict: in both modes, unless strict is set.
type row struct {
	cond   string
	want   bool
	strict *bool // in strict mode, where Falco differs
}

func yes(cond string) row { return row{cond: cond, want: true} }
func no(cond string) row  { return row{cond: cond} }

// mended is a condition that holds, and does not in strict mode.
func mended(cond string) row {
	falco := false
	return row{cond: cond, want: true, strict: &falco}
}

// judged runs a table on one event, in both modes and by both evaluators.
func judged(t *testing.T, event string, table []row) {
	t.Helper()
	for _, r := range table {
		for _, strict := range []bool{false, true} {
			want := r.want
			if strict && r.strict != nil {
				want = *r.strict
			}
			for name, m := range matchers(t, ruleOf(r.cond), match.Options{Strict: strict}) {
				res := m.Match(contextOf(t, event))
				require.Empty(t, res.Faults)
				assert.Equal(t, want, len(res.Detections) == 1, "%s, %s, strict %v", r.cond, name, strict)
			}
		}
	}
}

// matcher is either of the two evaluators.
type matcher interface {
	Match(*field.Context) match.Result
}

// matchers compiles rules for both evaluators.
func matchers(t *testing.T, text string, opt match.Options) map[string]matcher {
	t.Helper()
	rs := load(t, text, opt.Strict)
	planned, err := match.New(rs, field.Default(), opt)
	require.NoError(t, err)
	plain, err := match.NewPlain(rs, field.Default(), opt)
	require.NoError(t, err)
	return map[string]matcher{"planned": planned, "plain": plain}
}

func load(t testing.TB, text string, strict bool) *rules.Ruleset {
	t.Helper()
	rs, results := rules.Load([]rules.File{{Name: "rules.yaml", Content: []byte(text)}}, rules.Options{Catalogue: field.Default(), Strict: strict})
	require.NotNil(t, rs, "%s", results[0].Text())
	return rs
}

// ruleOf is a rules file with one rule.
func ruleOf(cond string) string { return oneRule("rule", cond, "output") }

func oneRule(name, cond, output string) string {
	return fmt.Sprintf("- rule: %s\n  desc: d\n  source: k8s_audit\n  priority: WARNING\n  condition: %s\n  output: %s\n", name, block(cond), block(output))
}

// block writes a text as YAML that needs no escapes.
func block(s string) string { return "|\n    " + strings.ReplaceAll(s, "\n", "\n    ") }

func contextOf(t testing.TB, event string) *field.Context {
	t.Helper()
	r := audit.NewReader(strings.NewReader(event), "event", audit.Limits{})
	e, err := r.Next()
	require.NoError(t, err)
	_, err = r.Next()
	require.Equal(t, io.EOF, err)
	return &field.Context{Event: e, Num: 1, First: e.Time, Hostname: "host"}
}

func TestAbsent(t *testing.T) {
	const absent = "ka.user.name"
	var table []row
	for _, check := range []string{
		"exists", `= ""`, `!= ""`, "= alice", "!= alice", `= "<NA>"`, "in (alice)", "in ()", `in ("")`, "intersects (alice)", "intersects ()", "pmatch (/)",
		`glob "*"`, `iglob "*"`, `regex ".*"`, `contains ""`, `icontains ""`, `startswith ""`, `endswith ""`, "< 5", "<= 5", "> 5", ">= 5",
		"= val(ka.user.name)", "= val(ka.auditid)", "!= val(ka.auditid)", "= anyof (a)", "!= allof (a)",
	} {
		table = append(table, no(absent+" "+check), yes("not "+absent+" "+check))
	}
	table = append(table,
		no("ka.auditid = val(ka.user.name)"), no("ka.auditid != val(ka.user.name)"), yes("not ka.auditid != val(ka.user.name)"), no("ka.auditid in val(ka.user.name)"),
		no("len(ka.user.name) = 0"), no("len(ka.user.name) >= 0"), no("concat(ka.auditid, ka.user.name) exists"), no("toupper(ka.user.name) exists"),
		no("tolower(ka.auditid) = toupper(ka.user.name)"),
		// An empty list is absent, and so is a list where a text is.
		no("ka.user.groups exists"), no("len(ka.user.groups) = 0"), no(`join(",", ka.user.groups) exists`), no("ka.user.groups in ()"), no("ka.sourceips exists"),
		// Numbers, addresses and booleans too.
		no("kw.response.code != 0"), no("kw.source.ip != 10.0.0.1"), no("kw.dryrun = false"), no("kw.source.ips intersects (0.0.0.0/0)"),
	)
	judged(t, bare, table)
	judged(t, noID, []row{no("ka.verb exists"), no("ka.user.name = eve"), no("ka.auditid exists"), yes("jevt.value[/user/username] = eve"), yes("evt.num = 1")})
}

func TestPresent(t *testing.T) {
	judged(t, exec, []row{
		yes("ka.user.name exists"), yes("jevt.value[/odd/] exists"), yes(`jevt.value[/odd/] = ""`), yes("ka.uri.param[empty] exists"),
		yes("jevt.value[/odd/null] exists"), yes("jevt.value[/odd/null] = null"), yes("jevt.value[/odd/true] = true"), yes("jevt.value[/odd/n] = 1.50"),
		no("jevt.value[/odd/n] = 1.5"), yes(`jevt.value[/odd/list] = '["x",1,null]'`), yes(`jevt.value[/odd/object] = '{"k":"v"}'`), yes("ka.response.code = 201"),
		no("jevt.value[/odd/none] exists"), no("jevt.value[/] exists"),
	})
}

func TestTexts(t *testing.T) {
	judged(t, exec, []row{
		yes("ka.user.name = Alice"), no("ka.user.name = alice"), no("ka.user.name = Alic"), yes("ka.user.name == Alice"), yes("ka.user.name != alice"), no("ka.user.name != Alice"),
		yes("ka.user.name contains lic"), yes(`ka.user.name contains ""`), no("ka.user.name contains LIC"), yes("ka.user.name icontains LIC"), no("ka.user.name icontains x"),
		yes("ka.user.name startswith Al"), yes(`ka.user.name startswith ""`), no("ka.user.name startswith al"), yes("ka.user.name endswith ice"), no("ka.user.name endswith Ice"),
		yes("ka.user.name in (bob, Alice)"), no("ka.user.name in (bob)"), yes("ka.user.name intersects (bob, Alice)"), no("ka.user.name in ()"),
		yes(`ka.uri glob "/api/*exec?command=id*"`), yes(`ka.user.name glob "[A-B]lice"`), yes(`ka.user.name glob "[!a]lice"`), no(`ka.user.name glob "alice"`), yes(`ka.user.name iglob "aL*E"`),
		yes(`ka.user.name regex "Al.*"`), no(`ka.user.name regex "lic"`), yes(`ka.user.name regex "[A-Z][a-z]{4}"`),
		yes(`jevt.value[/odd/lines] = "l1\nl2"`), no(`jevt.value[/odd/lines] regex "l1.l2"`), yes(`jevt.value[/odd/lines] regex "l1[^x]l2"`),
		yes("ka.uri pmatch (/api/v1)"), no("ka.uri pmatch (/api/v)"), yes("ka.uri pmatch (/)"), yes(`ka.uri pmatch ("")`), yes("ka.uri pmatch (/x, api//v1/)"), yes("ka.uri pmatch (/api/*/namespaces)"), no("ka.uri pmatch ()"),
		// strcmp, although the right-hand side is a number.
		yes("ka.response.code < 5"), yes("ka.response.code > 1000"), no("ka.response.code < 0x3"), yes("ka.response.code > 0xff"), yes("ka.response.code >= 201"), yes("ka.response.code <= 201"), no("ka.response.code > 201"),
		// Texts end at the first NUL.
		yes("jevt.value[/odd/nul] = a"), yes("jevt.value[/odd/nul] endswith a"), no("jevt.value[/odd/nul] contains b"), yes("jevt.value[/odd/nul] = val(jevt.value[/odd/nul2])"),
		yes("jevt.value[/odd/nul] in (a)"), yes("jevt.value[/odd/nul] regex a"), yes("jevt.value[/odd/nul] glob a"), yes("len(jevt.value[/odd/nul]) = 1"), yes("toupper(jevt.value[/odd/nul]) = A"),
	})
}

func TestModifiers(t *testing.T) {
	judged(t, exec, []row{
		yes("ka.user.name = anyof (bob, Alice)"), no("ka.user.name = anyof (bob)"), no("ka.user.name = anyof ()"),
		yes("ka.user.name contains allof (li, ce)"), no("ka.user.name contains allof (li, x)"), no("ka.user.name contains allof ()"),
		yes("ka.user.name startswith oneof (A, B)"), no("ka.user.name startswith oneof (A, Al)"), no("ka.user.name startswith oneof (x)"), no("ka.user.name startswith oneof ()"),
		yes("ka.user.name != allof (bob, eve)"), no("ka.user.name != allof (bob, Alice)"), yes("ka.user.name != anyof (bob, Alice)"), yes("ka.user.name != oneof (Alice, bob)"),
		yes(`ka.user.name regex anyof ("b.*", "A.*")`), yes(`ka.user.name glob allof ("A*", "*e")`), yes("ka.user.name endswith anyof (x, e)"),
		no("ka.user.name = oneof"),
	})
}

func TestLists(t *testing.T) {
	judged(t, exec, []row{
		yes("ka.user.groups exists"), yes("ka.user.groups in (dev, ops)"), yes("ka.user.groups in (ops, x, dev)"), no("ka.user.groups in (dev)"), no("ka.user.groups in ()"),
		yes("ka.user.groups intersects (x, dev)"), no("ka.user.groups intersects (x)"), no("ka.user.groups intersects ()"),
		yes("ka.user.groups in val(ka.user.groups)"), yes("ka.user.groups intersects val(ka.user.groups)"),
		no("ka.user.groups in val(ka.req.pod.containers.image)"), no("ka.user.groups intersects val(ka.sourceips)"),
		yes("len(ka.user.groups) = 2"), yes("len(ka.user.groups) < 3"),
	})
}

func TestNumbers(t *testing.T) {
	judged(t, exec, []row{
		yes("evt.num = 1"), yes("evt.num != 2"), yes("evt.num < 10"), yes("evt.num <= 1"), no("evt.num > 1"), yes("evt.num >= 1"), yes("evt.num in (5, 1)"), no("evt.num in ()"),
		yes("evt.num = 01"), yes("evt.num < -1"), yes("kw.response.code >= 200 and kw.response.code < 300"), no("kw.response.code < 5"), yes("kw.response.code > 20"),
		yes("len(ka.user.name) = 5"), yes("len(ka.user.name) in (4, 5)"), yes("len(jevt.value[/odd/utf8]) = 6"), yes("len(jevt.value[/odd/]) = 0"), yes("len(ka.user.groups) = val(kw.response.code) or evt.num = val(evt.num)"),
		yes("evt.rawtime = 1795288676428497000"), yes("evt.reltime = 0"), yes("evt.rawtime.ns = 428497000"),
		yes("len(ka.user.name) < len(ka.uri)"), no("len(ka.user.name) > len(ka.uri)"),
	})
}

func TestBooleans(t *testing.T) {
	judged(t, exec, []row{
		yes("evt.is_async = false"), no("evt.is_async = true"), yes("evt.is_async != true"), yes("evt.is_async in (true, false)"), yes("kw.dryrun = false"), yes("evt.is_async = val(kw.dryrun)"),
	})
}

func TestAddresses(t *testing.T) {
	judged(t, exec, []row{
		yes("kw.source.ip = 10.1.2.3"), yes("kw.source.ip = 10.0.0.0/8"), yes("kw.source.ip = 10.255.255.255/8"), no("kw.source.ip = 10.1.2.4"), no("kw.source.ip = 192.168.0.0/16"), yes("kw.source.ip != 192.168.0.0/16"),
		no("kw.source.ip != 10.0.0.0/8"), yes("kw.source.ip in (192.168.0.0/16, 10.0.0.0/8)"), no("kw.source.ip in (::/0)"), yes("kw.source.ip in (0.0.0.0/0)"),
		yes("kw.source.ips intersects (203.0.113.0/24)"), no("kw.source.ips in (203.0.113.0/24)"), yes("kw.source.ips in (203.0.113.0/24, 10.0.0.0/8)"), yes("kw.source.ip in (10.1.2.3)"),
		yes("kw.source.ips in val(kw.source.ips)"), no("kw.source.claimed intersects (10.0.0.0/8)"), yes("kw.source.claimed in (203.0.113.7)"),
	})
}

func TestConnectives(t *testing.T) {
	judged(t, exec, []row{
		yes("ka.verb = create and ka.user.name = Alice"), no("ka.verb = create and ka.user.name = bob"), yes("ka.verb = get or ka.user.name = Alice"), no("not ka.verb = create"), yes("not not ka.verb = create"),
		// "and" binds tighter than "or".
		yes("ka.verb = create or ka.verb = get and ka.user.name = bob"), no("(ka.verb = create or ka.verb = get) and ka.user.name = bob"),
		yes("not(ka.verb = get)and(ka.user.name = Alice)"), yes("ka.verb = create and not ka.user.name in (bob)"),
	})
}

// TestDuplicateKeys: of two equal keys the API server obeys the last, and
// Falco sees the first.
func TestDuplicateKeys(t *testing.T) {
	const twice = `{"kind":"Event","auditID":"1","verb":"get","verb":"delete","stageTimestamp":"2026-11-21T19:17:56Z"}`
	falco, ours := true, false
	judged(t, twice, []row{
		{cond: "ka.verb = get", want: ours, strict: &falco}, mended("ka.verb = delete"), mended("jevt.value[/verb] = delete"),
		yes("kw.duplicate_keys = true"),
	})
}
