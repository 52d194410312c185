package match_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// outputOf gives what a rule's output prints for an event.
func outputOf(t *testing.T, output, event string, strict bool) match.Detection {
	t.Helper()
	var all []match.Detection
	for name, m := range matchers(t, oneRule("rule", "evt.num exists", output), match.Options{Strict: strict}) {
		res := m.Match(contextOf(t, event))
		require.Len(t, res.Detections, 1, name)
		res.Detections[0].Rule = nil
		all = append(all, res.Detections[0])
	}
	require.Equal(t, all[0], all[1], "both evaluators")
	return all[0]
}

func TestOutputs(t *testing.T) {
	for _, tt := range []struct{ output, want string }{
		{"no field", "no field"},
		{"%ka.user.name", "Alice"},
		{"user=%ka.user.name, verb=%ka.verb.", "user=Alice, verb=create."},
		{"%ka.user.namex", "Alicex"},
		{"%ka.user.groups[0]", "(dev,ops)[0]"},
		{"%ka.req.pod.containers.image %jevt.value[/none] %kw.dryrun", "<NA> <NA> false"},
		{"%ka.uri.param[command]/%ka.uri.param[empty]/%ka.uri.param[x]", "id//<NA>"},
		{"%toupper(ka.user.name) %tolower(ka.user.groups) %len(ka.user.groups) %concat(ka.verb, ka.verb)", "ALICE (dev,ops) 2 createcreate"},
		{"[%10ka.user.name] [%3ka.user.name] [%6ka.req.pod.containers.image] [%2ka.req.pod.containers.image] [%4ka.user.groups]", "[Alice     ] [Ali] [<NA>  ] [<N] [(dev]"},
		{"%jevt.value[/odd/nul]|%jevt.value[/odd/null]|%jevt.value[/odd/object]", `a|null|{"k":"v"}`},
		{"%evt.num %evt.time %evt.time.iso8601 %evt.source %evt.hostname %evt.is_async", "1 19:17:56.428497000 2026-11-21T19:17:56.428497000+0000 k8s_audit host false"},
		{"%kw.source.ip of %kw.source.ips", "10.1.2.3 of (203.0.113.7,10.1.2.3)"},
	} {
		assert.Equal(t, tt.want, outputOf(t, tt.output, exec, false).Output, tt.output)
	}
}

// TestOutputFields: one for each field of the output, with its bare value:
// neither transformed nor padded.
func TestOutputFields(t *testing.T) {
	d := outputOf(t, "%toupper(ka.user.name) %20ka.verb %ka.verb %ka.user.groups %jevt.value[/none] %evt.num %evt.time %len(ka.uri) %kw.dryrun %kw.source.ip %jevt.value[/odd/nul]", exec, false)
	assert.Equal(t, []match.OutputField{
		{Key: "ka.user.name", Value: "Alice"}, {Key: "ka.verb", Value: "create"}, {Key: "ka.user.groups", Value: []string{"dev", "ops"}}, {Key: "jevt.value[/none]"},
		{Key: "evt.num", Value: uint64(1)}, {Key: "evt.time", Value: uint64(1795288676428497000)}, {Key: "ka.uri", Value: "/api/v1/namespaces/shop/pods/web-0/exec?command=id&empty="},
		{Key: "kw.dryrun", Value: false}, {Key: "kw.source.ip", Value: "10.1.2.3"}, {Key: "jevt.value[/odd/nul]", Value: "a"},
	}, d.Fields)
}

// withGroups is an event of a user in these groups.
func withGroups(groups ...string) string {
	return fmt.Sprintf(`{"kind":"Event","auditID":"1","stageTimestamp":"2026-11-21T19:17:56Z","user":{"groups":["%s"]}}`, strings.Join(groups, `","`))
}

// TestListTexts: in Falco empty elements at the begin leave no trace, and the
// text of a list is cut at 1023 bytes.
func TestListTexts(t *testing.T) {
	long := strings.Repeat("x", 510)
	whole := "(" + long + "," + long + "," + long + ")"
	for _, tt := range []struct {
		groups        []string
		want, inFalco string
	}{
		{[]string{"a", "b"}, "(a,b)", "(a,b)"},
		{[]string{"", "a"}, "(,a)", "(a)"},
		{[]string{"", "", "a", "", "b", ""}, "(,,a,,b,)", "(a,,b,)"},
		{[]string{""}, "()", "()"},
		{[]string{"", ""}, "(,)", "()"},
		{[]string{long, long, long}, whole, whole[:1023]},
		{[]string{strings.Repeat("x", 1021)}, "(" + strings.Repeat("x", 1021) + ")", "(" + strings.Repeat("x", 1021) + ")"},
		{[]string{strings.Repeat("x", 1022)}, "(" + strings.Repeat("x", 1022) + ")", "(" + strings.Repeat("x", 1022)},
	} {
		event := withGroups(tt.groups...)
		assert.Equal(t, tt.want, outputOf(t, "%ka.user.groups", event, false).Output)
		falco := outputOf(t, "%ka.user.groups", event, true)
		assert.Equal(t, tt.inFalco, falco.Output)
		assert.Equal(t, []match.OutputField{{Key: "ka.user.groups", Value: tt.groups}}, falco.Fields, "the field is whole")
	}
	assert.Equal(t, long+long+long, outputOf(t, `%join("", ka.user.groups)`, withGroups(long, long, long), true).Output, "only the text of a list is cut")
}

// TestEveryFieldPrints: each field of the catalogue can stand in an output, on
// an event that has it or not.
func TestEveryFieldPrints(t *testing.T) {
	var fields []string
	for _, f := range field.Default().All() {
		switch {
		case f.State != condition.OfEvent: // of rules that are judged elsewhere
		case f.ArgIndex:
			fields = append(fields, "%"+f.Name, "%"+f.Name+"[0]")
		case f.ArgRequired:
			fields = append(fields, "%"+f.Name+"[key]")
		default:
			fields = append(fields, "%"+f.Name)
		}
	}
	for _, event := range []string{exec, bare, noID, argv, `{"kind":"Event","stageTimestamp":"2026-11-21T19:17:56Z"}`} {
		for _, strict := range []bool{false, true} {
			d := outputOf(t, strings.Join(fields, "|"), event, strict)
			assert.Len(t, d.Fields, len(fields))
		}
	}
}
