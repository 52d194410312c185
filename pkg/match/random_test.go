package match_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/format"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// TestRandomRules judges random rules on random events.
func TestRandomRules(t *testing.T) {
	hits := 0
	for seed := range uint64(150) {
		hits += randomRun(t, seed)
	}
	assert.Greater(t, hits, 150, "random conditions must match now and then, or nothing is tested")
}

// FuzzRules: no rule panics on any event, both evaluators agree, a rule and
// its negation never do, and what explain says is the verdict.
func FuzzRules(f *testing.F) {
	f.Add(uint64(0))
	f.Fuzz(func(t *testing.T, seed uint64) { randomRun(t, seed) })
}

// randomRun makes a few rules and events of a seed and gives the number of
// detections.
func randomRun(t *testing.T, seed uint64) (hits int) {
	t.Helper()
	g := &generator{rand.New(rand.NewPCG(seed, 3))}
	strict := g.IntN(2) == 0
	rs := g.rules(t)
	planned, err := match.New(rs, field.Default(), match.Options{Strict: strict, AppendFields: []string{"ka.user.groups"}})
	require.NoError(t, err, "seed %d", seed)
	plain, err := match.NewPlain(rs, field.Default(), match.Options{Strict: strict, AppendFields: []string{"ka.user.groups"}})
	require.NoError(t, err, "seed %d", seed)
	for range 4 {
		event := g.event(t, rs)
		want := plain.Match(contextOf(t, event))
		require.Empty(t, want.Faults, "seed %d: %s", seed, event)
		require.Equal(t, want, planned.Match(contextOf(t, event)), "seed %d: %s", seed, event)
		hits += len(want.Detections)
		names := ruleNames(want)
		for i, r := range rs.Rules {
			x, err := match.Explain(r, field.Default(), strict, contextOf(t, event))
			require.NoError(t, err)
			require.Equal(t, slices.Contains(names, r.Name), x.Verdict, "seed %d: explain %s on %s", seed, r.ConditionText, event)
			require.NoError(t, x.Write(new(strings.Builder)))
			if i%2 == 1 {
				require.NotEqual(t, slices.Contains(names, r.Name), slices.Contains(names, rs.Rules[i-1].Name), "seed %d: %s and its negation on %s", seed, r.ConditionText, event)
			}
		}
	}
	return hits
}

// generator makes rules and events that have to do with each other: texts come
// from one small stock.
type generator struct{ *rand.Rand }

var stock = []string{
	"", "a", "ab", "abc", "b", "A", "Ab", "a,b", "a/b", "/a/b", "//a", "a*", "?", "[a-c]", "[", "\\", "-a", "-ab", "--", "0", "1", "10", "5", "true", "false", "null",
	"10.0.0.1", "10.0.0.0/8", "::1", "::ffff:10.0.0.1", "fe80::/10", "create", "get", "pods", "exec", "aGk=", "aGk", "é", "a\nb", "a\x00b", "system:masters", "/api?a=b&a=%zz", "reg:5000/x@sha256:1",
}

func (g *generator) pick(from ...string) string { return from[g.IntN(len(from))] }

// rules gives pairs of a random rule and its negation. Conditions that do not
// compile are passed over.
func (g *generator) rules(t *testing.T) *rules.Ruleset {
	rs := &rules.Ruleset{}
	for tries := 0; len(rs.Rules) < 6 && tries < 200; tries++ {
		cond := g.cond(3)
		out, err := format.Parse("x "+g.output(), field.Default())
		if err != nil {
			continue
		}
		pair := [2]condition.Expr{}
		for i, text := range []string{cond, "not (" + cond + ")"} {
			if pair[i], err = condition.Parse(text); err == nil {
				_, err = condition.Validate(pair[i], field.Default())
			}
			if err != nil {
				break
			}
		}
		if err != nil {
			continue
		}
		for _, c := range pair {
			again, err := condition.Parse(c.String())
			require.NoError(t, err, "what is printed is read: %s", c)
			require.Equal(t, c.String(), again.String())
			rs.Rules = append(rs.Rules, &rules.Rule{
				Name: fmt.Sprint("r", len(rs.Rules)), Source: "k8s_audit", Enabled: true, Condition: c, ConditionText: c.String(), Format: out,
			})
		}
	}
	return rs
}

func (g *generator) output() string {
	switch g.IntN(4) {
	case 0:
		return ""
	case 1:
		return "%" + strconv.Itoa(1+g.IntN(9)) + g.field()
	}
	return "%" + g.operand(2)
}

func (g *generator) cond(depth int) string {
	if depth == 0 {
		return g.check()
	}
	switch g.IntN(6) {
	case 0:
		return "not " + g.cond(depth-1)
	case 1, 2:
		return "(" + g.cond(depth-1) + " and " + g.cond(depth-1) + ")"
	case 3, 4:
		return "(" + g.cond(depth-1) + " or " + g.cond(depth-1) + ")"
	}
	return g.check()
}

func (g *generator) check() string {
	left := g.operand(2)
	switch g.IntN(10) {
	case 0:
		return left + " exists"
	case 1, 2, 3:
		return left + " " + g.pick("in", "intersects", "pmatch", "in", "intersects") + " (" + g.literals() + ")"
	case 4:
		return left + " " + g.op() + " " + g.pick("oneof", "anyof", "allof") + " (" + g.literals() + ")"
	case 5:
		return left + " " + g.pick(g.op(), "in", "intersects") + " " + g.pick("val("+g.field()+")", "val("+g.field()+")", g.transform(1))
	case 6:
		return left + " " + g.pick("<", "<=", ">", ">=") + " " + g.pick("0", "1", "5", "10", "201", "0x10")
	}
	return left + " " + g.op() + " " + g.literal()
}

func (g *generator) op() string {
	return g.pick("=", "=", "!=", "contains", "icontains", "startswith", "endswith", "glob", "iglob", "regex")
}

func (g *generator) literals() string {
	parts := make([]string, g.IntN(4))
	for i := range parts {
		parts[i] = g.literal()
	}
	return strings.Join(parts, ", ")
}

func (g *generator) literal() string { return condition.Quote(g.pick(stock...)) }

func (g *generator) operand(depth int) string {
	if depth > 0 && g.IntN(3) == 0 {
		return g.transform(depth - 1)
	}
	return g.field()
}

func (g *generator) transform(depth int) string {
	switch g.IntN(8) {
	case 0:
		return "join(" + g.literal() + ", " + g.operand(depth) + ")"
	case 1:
		return "concat(" + g.operand(depth) + ", " + g.literal() + ", " + g.operand(depth) + ")"
	case 2:
		return "getopt(" + g.field() + ", \"ab:c\")" + g.pick("", "[a]", "[b]")
	case 3:
		return "join(\"/\", (" + g.field() + ", " + g.field() + "))"
	}
	return g.pick("tolower", "toupper", "basename", "b64", "len") + "(" + g.operand(depth) + ")"
}

func (g *generator) field() string {
	all := field.Default().All()
	f := all[g.IntN(len(all))]
	if g.IntN(3) == 0 { // the ones that most often are there
		f, _ = field.Default().Lookup(g.pick("ka.user.name", "ka.user.groups", "ka.verb", "ka.target.name", "ka.uri", "jevt.value", "kw.source.ips", "evt.num"))
	}
	switch {
	case f.ArgIndex && g.IntN(2) == 0:
		return f.Name + "[" + strconv.Itoa(g.IntN(3)) + "]"
	case f.ArgRequired && f.Name == "jevt.value":
		return f.Name + "[" + g.pick("/user/username", "/odd", "/sourceIPs/0", "/objectRef", "/verb") + "]"
	case f.ArgRequired:
		return f.Name + "[" + g.pick("a", "b", "/a/*", "limit") + "]"
	}
	return f.Name
}

// event makes an event that has, more often than not, something of every kind
// at the places where the fields of the rules look.
func (g *generator) event(t *testing.T, rs *rules.Ruleset) string {
	root := map[string]any{
		"verb": g.pick("create", "get", "patch", "delete"), "requestURI": "/api?" + g.pick("a=b", "a=%61&b=a", "limit=5", "a=%zz"),
		"user": map[string]any{"username": g.pick(stock...), "groups": g.list()}, "sourceIPs": g.list(),
		"objectRef": map[string]any{"resource": g.pick("pods", "rolebindings", "roles", "services", "configmaps", "serviceaccounts"), "name": g.pick(stock...)},
		"odd":       g.value(2),
	}
	for _, r := range rs.Rules {
		condition.WalkFields(r.Condition, func(fl *condition.Field) {
			f, _ := field.Default().Lookup(fl.Name)
			for _, path := range f.Paths {
				if strings.HasPrefix(path, "/") && g.IntN(3) > 0 {
					g.plant(root, strings.Split(path[1:], "/"))
				}
			}
		})
	}
	root["kind"], root["stageTimestamp"] = "Event", "2026-11-21T19:17:56Z"
	if g.IntN(8) > 0 {
		root["auditID"] = "1"
	}
	b, err := json.Marshal(root)
	require.NoError(t, err)
	return string(b)
}

// plant puts a value at a path, through what is there and through new objects
// and arrays where nothing is.
func (g *generator) plant(at map[string]any, path []string) {
	key := path[0]
	if key == "{key}" || key == "" {
		key = g.pick("a", "b", "limit")
	}
	switch {
	case len(path) == 1:
		at[key] = g.value(1)
	case path[1] == "*":
		items := make([]any, g.IntN(3))
		for i := range items {
			if len(path) == 2 {
				items[i] = g.value(1)
				continue
			}
			next := map[string]any{}
			g.plant(next, path[2:])
			items[i] = next
		}
		at[key] = items
	default:
		next, ok := at[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[key] = next
		}
		g.plant(next, path[1:])
	}
}

func (g *generator) list() []string {
	list := make([]string, g.IntN(4))
	for i := range list {
		list[i] = g.pick(stock...)
	}
	return list
}

func (g *generator) value(depth int) any {
	switch n := g.IntN(12); {
	case n == 0:
		return nil
	case n == 1:
		return g.IntN(2) == 0
	case n == 2:
		return g.IntN(300)
	case n == 3 && depth > 0:
		return map[string]any{g.pick("a", "b", "name"): g.value(depth - 1)}
	case n < 6 && depth > 0:
		return g.list()
	}
	return g.pick(stock...)
}
