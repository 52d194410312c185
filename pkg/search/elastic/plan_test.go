package elastic

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/search"
	"github.com/kubewitness/kubewitness/pkg/store"
)

var update = flag.Bool("update", false, "write the golden files anew")

// planned are filters whose queries are written down.
var planned = []struct {
	name   string
	filter store.Filter
}{
	{"all", nil},
	{"none", store.Or{}},
	{"there", store.Exists{Column: "ka.user.name"}},
	{"one of", store.Equal{Column: "ka.verb", Values: []string{"get", "list", ""}}},
	{"the empty text", store.Equal{Column: "ka.verb", Values: []string{row.Empty}}},
	{"no UTF-8", store.Equal{Column: "ka.verb", Values: []string{"a\xff", "b"}}},
	{"begins", store.Prefix{Column: "ka.uri", Text: "/api"}},
	{"ends", store.Suffix{Column: "ka.uri", Text: `*?\`}},
	{"contains", store.Contains{Column: "ka.uri", Text: `"}}],"x":{`}},
	{"contains a long text", store.Contains{Column: "ka.uri", Text: strings.Repeat("ab", 60)}},
	{"ends with a long text", store.Suffix{Column: "ka.uri", Text: strings.Repeat("ab", 60)}},
	{"pattern", store.Regexp{Column: "ka.uri", Pattern: `\A/api/v1/.*\.[a-z]+\z`}},
	{"pattern that matches nothing", store.Regexp{Column: "ka.uri", Pattern: `^$`}},
	{"pattern of a boundary", store.Regexp{Column: "ka.uri", Pattern: `\bsecrets\b`}},
	{"pattern too long", store.Regexp{Column: "ka.uri", Pattern: `x(?:[a-c]{9}|[d-f]{9}){40}secret`}},
	{"number", store.Range{Column: "kw.response.code", Least: 400, Most: 599}},
	{"one number", store.Range{Column: "kw.response.code", Least: 404, Most: 404}},
	{"all numbers", store.Range{Column: "kw.response.code", Least: 0, Most: 1<<64 - 1}},
	{"not", store.Not{Filter: store.Contains{Column: "ka.uri", Text: "x"}}},
	{"not what is unknown", store.Not{Filter: store.Raw{Text: "x"}}},
	{"and", store.And{store.Equal{Column: "ka.verb", Values: []string{"get"}}, store.Raw{Text: "x"}}},
	{"reasons once", store.Or{store.Prefix{Column: "ka.uri", Text: "a"}, store.Prefix{Column: "ka.uri", Text: "b"}, store.Prefix{Column: "ka.useragent", Text: "c"}}},
	{"element", store.Or{store.Prefix{Column: "rules", Text: `["Exec"`}, store.Contains{Column: "rules", Text: `,"Exec"`},
		store.Prefix{Column: "rules", Text: `["a,b"`}, store.Contains{Column: "rules", Text: `,"a,b"`}}},
	{"element that is a comma", store.Or{store.Prefix{Column: "rules", Text: `[","`}, store.Contains{Column: "rules", Text: `,","`}}},
	{"first element", store.Prefix{Column: "ka.user.groups", Text: `["a"`}},
	{"redacted", store.Or{store.Contains{Column: "redacted", Text: `"/spec/x`}, store.Contains{Column: "redacted", Text: `"/spec"`}}},
	{"all elements", store.Regexp{Column: "ka.user.groups", Pattern: `\A\[(?:"a"|"b\.\*"|"")(?:,(?:"a"|"b\.\*"|""))*\]\z`}},
	{"element in a network", store.Or{store.Regexp{Column: "kw.source.ips", Pattern: `(?:\A\[|,)"10\.[0-9]+\.[0-9]+\.[0-9]+"`}, store.Regexp{Column: "kw.source.ips", Pattern: `[fF]{4}:`}}},
	{"text in a list", store.Contains{Column: "kw.source.ips", Text: ":"}},
	{"structure of a list", store.Contains{Column: "kw.source.ips", Text: `","`}},
	{"list as a whole", store.Equal{Column: "ka.user.groups", Values: []string{`["a","b"]`}}},
	{"id", store.Equal{Column: "id", Values: []string{"ab"}}},
	{"no id", store.Equal{Column: "id", Values: []string{"\xff"}}},
	{"cluster", store.Equal{Column: "cluster", Values: []string{"prod"}}},
	{"no column", store.Exists{Column: "no.such"}},
	{"cut", store.Or{store.Cut{Column: "ka.uri"}, store.Beside{}}},
}

// TestPlan shows what is asked of a server for filters.
func TestPlan(t *testing.T) {
	var out strings.Builder
	for _, c := range planned {
		p := planner{kinds: search.ColumnKind}
		b := p.plan(c.filter)
		fmt.Fprintf(&out, "# %s\n%s\n", c.name, search.FilterText(c.filter))
		upper, lower := string(encode(b.upper)), string(encode(b.lower))
		if upper == lower {
			fmt.Fprintf(&out, "exactly %s\n\n", upper)
			continue
		}
		fmt.Fprintf(&out, "upper %s\nlower %s\n\n", upper, lower)
	}
	const path = "testdata/plan.golden"
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(out.String()), 0o666))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), out.String(), "run the test with -update if that is meant")
}

// With less effort a plan asks for less, and never for something else.
func TestPlanOfLessEffort(t *testing.T) {
	for _, c := range planned {
		p := planner{kinds: search.ColumnKind, effort: noPatterns}
		b := p.plan(c.filter)
		assert.False(t, hasPattern(b.upper) || hasPattern(b.lower), c.name)
		p.effort = noFilter
		assert.Equal(t, unknown(), p.plan(c.filter), c.name)
	}
}

// FuzzTexts: whatever text stands in a filter, a query has the form that it has for a
// plain text, and the text as one string.
func FuzzTexts(f *testing.F) {
	for _, text := range []string{"a", `"`, `\`, `*`, `?`, "]}", "\n", "\x00", "é\u2028", "\xff", `"},"match_all":{}`, `~(.*)`, `<1-2>`, "@", "#"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := planner{kinds: search.ColumnKind}
		plain := plainText(text) && text != ""
		for _, column := range []string{"ka.uri", "ka.user.groups"} {
			for _, filter := range []store.Filter{
				store.Equal{Column: column, Values: []string{text}}, store.Prefix{Column: column, Text: text}, store.Suffix{Column: column, Text: text},
				store.Contains{Column: column, Text: text}, store.Prefix{Column: column, Text: "[" + string(row.AppendText(nil, text))},
			} {
				b := p.plan(filter)
				for _, q := range []query{b.upper, b.lower} {
					keysOnly(t, encode(q))
				}
			}
		}
		if !plain {
			return
		}
		assert.Equal(t, text, unescape(quoteWildcard(text)))
		assert.Equal(t, among{"f", []string{text}}, (&column{name: "x", field: "f"}).equal([]string{text}).lower)
	})
}

// keysOnly holds that all keys of a query are those of the query language, or fields.
func keysOnly(t *testing.T, text []byte) {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(text, &v))
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				switch key {
				case "bool", "filter", "should", "must_not", "minimum_should_match", "match_all", "match_none", "exists", "field", "term", "terms", "prefix",
					"wildcard", "regexp", "value", "flags", "_ignored", "kubewitness.fields.ka_uri", "kubewitness.fields.ka_user_groups":
				default:
					t.Fatalf("key %q in %s", key, text)
				}
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(v)
}

// unescape reads a pattern of wildcards that has none.
func unescape(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] == '\\' {
			i++
		}
		b.WriteByte(pattern[i])
	}
	return b.String()
}
