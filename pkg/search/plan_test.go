package search

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
)

var update = flag.Bool("update", false, "write the golden files anew")

// plannedOps are right-hand sides for every operator, by what a value of the type looks
// like.
var plannedOps = []string{
	"exists", "= V", "!= V", "in (V, W)", "intersects (V, W)", "pmatch (V, W)", "contains V", "icontains V", "bcontains V", "startswith V", "bstartswith V", "endswith V",
	"glob V*", "glob V?", "iglob V*", "regex V.*", "< N", "<= N", "> N", ">= N", "= anyof (V, W)", "!= allof (V, W)", "startswith oneof (V, W)", "= val(F)",
}

var plannedValues = map[condition.Type][2]string{
	condition.TypeString: {"v", "w"}, condition.TypeBool: {"true", "false"}, condition.TypeIPNet: {"10.0.0.1", "10.0.0.0/8"},
	condition.TypeUint64: {"1", "2"}, condition.TypeAbsTime: {"1", "2"}, condition.TypeRelTime: {"1", "2"},
}

// TestPushdownOfEveryFieldAndOperator shows what the store finds by itself.
func TestPushdownOfEveryFieldAndOperator(t *testing.T) {
	s := New(Config{})
	var out strings.Builder
	out.WriteString("# What the store does for each field and operator: exact, narrowed (some of what it finds is judged), judged (all is).\n")
	out.WriteString("# Operators that a field does not have are left out.\n")
	for _, f := range field.Default().All() {
		if f.State != condition.OfEvent {
			continue // refused
		}
		names := []string{f.Name}
		switch {
		case f.ArgRequired:
			names = []string{f.Name + "[/verb]"}
		case f.ArgIndex:
			names = append(names, f.Name+"[0]")
		}
		for _, name := range names {
			writePlan(t, s, &out, f, name)
		}
	}
	out.WriteString("\n# Transformers.\n")
	for _, text := range []string{"tolower(ka.user.name) = v", "tolower(ka.user.name) = V", "toupper(ka.verb) in (GET, LIST)", "tolower(ka.uri) contains v", "tolower(ka.uri) glob v*",
		"len(ka.uri) > 100", "len(ka.user.groups) > 3", "basename(ka.uri) = v", "join(\",\", ka.user.groups) contains v", "concat(ka.verb, ka.uri) = v", "b64(ka.uri) = v",
		"ka.user.name = tolower(ka.user.name)", "tolower(ka.user.groups) intersects (v)"} {
		p, err := s.Plan(text)
		require.NoError(t, err, text)
		fmt.Fprintf(&out, "%s: %s\n", text, p.Clauses[0].How)
	}
	golden(t, "testdata/pushdown.golden", out.String())
}

func writePlan(t *testing.T, s *Searcher, out *strings.Builder, f *field.Field, name string) {
	values := plannedValues[f.Type]
	by := map[How][]string{}
	for _, op := range plannedOps {
		text := name + " " + strings.NewReplacer("V", values[0], "W", values[1], "N", "1", "F", name).Replace(op)
		p, err := s.Plan(text)
		if err != nil {
			var bad BadRequest
			require.ErrorAs(t, err, &bad)
			continue
		}
		require.Len(t, p.Clauses, 1)
		by[p.Clauses[0].How] = append(by[p.Clauses[0].How], op)
	}
	fmt.Fprintf(out, "\n%s\n", name)
	for _, how := range []How{Exact, Narrowed, Judged} {
		if len(by[how]) > 0 {
			fmt.Fprintf(out, "  %-9s %s\n", string(how)+":", strings.Join(by[how], "; "))
		}
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with -update")
	assert.Equal(t, string(want), got, "run the test with -update if this is meant")
}

// TestPlanShowsFilters: what is asked of the store can be read.
func TestPlanShowsFilters(t *testing.T) {
	p, err := New(Config{}).Plan("kw.response.code >= 400 and not evt.source = k8s_audit")
	require.NoError(t, err)
	assert.Equal(t, "none", p.Upper)
	p, err = New(Config{}).Plan("ka.verb = delete")
	require.NoError(t, err)
	assert.Equal(t, `(ka.verb in ("delete") or redacted contains "\"/auditID" or redacted contains "\"/verb" or ka.verb is cut)`, p.Upper)
	assert.Equal(t, `(ka.verb in ("delete") and not (redacted contains "\"/auditID" or redacted contains "\"/verb"))`, p.Lower)
	p, err = New(Config{}).Plan("")
	require.NoError(t, err)
	assert.Equal(t, Plan{Upper: "all", Lower: "all"}, p)
}
