package condition

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestParse holds the printed tree of each form of the grammar.
func TestParse(t *testing.T) {
	for _, tt := range []struct{ src, want string }{
		{`ka.verb=create`, `ka.verb = create`},
		{`ka.verb == "create"`, `ka.verb = create`},
		{`ka.verb = 'a b'`, `ka.verb = "a b"`},
		{`ka.verb != ""`, `ka.verb != ""`},
		{"ka.verb\n=\tcreate", `ka.verb = create`},
		{`not ka.verb = get`, `not ka.verb = get`},
		{`not(ka.verb = get)`, `not ka.verb = get`},
		{`not not ka.verb = get`, `ka.verb = get`},
		{`not (not ka.verb = get)`, `not (not ka.verb = get)`},
		{`not not not(a)`, `not a`},
		{`a or b and c`, `a or (b and c)`},
		{`a and b or c`, `(a and b) or c`},
		{`(a or b) and c`, `(a or b) and c`},
		{`a or(b)`, `a or b`},
		{`a and(b or c)`, `a and (b or c)`},
		{`a or b or c`, `a or b or c`},
		{`((a))`, `a`},
		{`ka.verb in(create,get)`, `ka.verb in (create, get)`},
		{`ka.verb in ()`, `ka.verb in ()`},
		{`ka.verb in create`, `ka.verb in (create)`},
		{`ka.verb intersects(create)`, `ka.verb intersects (create)`},
		{`ka.uri pmatch (/api, "/a b")`, `ka.uri pmatch (/api, "/a b")`},
		{`ka.verb exists`, `ka.verb exists`},
		{`ka.response.code >= 0xfF`, `ka.response.code >= 0xfF`},
		{`ka.response.code<-1.5e+3`, `ka.response.code < -1.5e+3`},
		{`ka.user.name startswith oneof (a, "b c")`, `ka.user.name startswith oneof (a, "b c")`},
		{`ka.user.name = anyof l`, `ka.user.name = anyof (l)`},
		{`ka.user.name = oneof`, `ka.user.name = "oneof"`},
		{`ka.user.name = oneof and ka.verb exists`, `ka.user.name = "oneof" and ka.verb exists`},
		{`ka.user.name = val( ka.impuser.name )`, `ka.user.name = val(ka.impuser.name)`},
		{`ka.user.groups in val(ka.user.groups)`, `ka.user.groups in val(ka.user.groups)`},
		{`tolower( ka.user.name )=x`, `tolower(ka.user.name) = x`},
		{`len(ka.user.name) > 10`, `len(ka.user.name) > 10`},
		{`join(",", ka.user.groups) = a`, `join(",", ka.user.groups) = a`},
		{`concat(ka.a, "-", 5, tolower(ka.b)) = x`, `concat(ka.a, "-", 5, tolower(ka.b)) = x`},
		{`getopt((ka.a, "-x", 3), "a:")[a] = x`, `getopt((ka.a, "-x", 3), "a:")[a] = x`},
		{`getopt((), "a") exists`, `getopt((), "a") exists`},
		{`ka.uri.param[limit]=500`, `ka.uri.param[limit] = 500`},
		{`ka.uri.param["a b"] = 1`, `ka.uri.param["a b"] = 1`},
		{`jevt.value[""] exists`, `jevt.value[""] exists`},
		{`jevt.value[/a~1b/0] exists`, `jevt.value[/a~1b/0] exists`},
		{`ka.verb = a\b`, `ka.verb = a\b`},
		{`ka.verb = "a\\b\n\t\/"`, `ka.verb = "a\\b\n\t/"`},
		{`ka.verb = "a\ b"`, `ka.verb = a\b`},
		{`ka.verb = $x`, `ka.verb = $x`},
		{`ka.uri startswith /healthz?`, `ka.uri startswith /healthz?`},
		{`ka.verb = [x]`, `ka.verb = [x]`},
		{`ka.verb = <NA>`, `ka.verb = <NA>`},
		{`notable and m_1`, `notable and m_1`},
	} {
		e, err := Parse(tt.src)
		require.NoError(t, err, tt.src)
		require.Equal(t, tt.want, e.String(), tt.src)
		again, err := Parse(e.String())
		require.NoError(t, err, e.String())
		assert.Equal(t, tt.want, again.String(), "the printed form reads back")
	}
}

func TestParseErrors(t *testing.T) {
	const number = "expected a number value or a field with a valid transformer: 'val', 'tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt'"
	const text = "expected a string value or a field with a valid transformer: 'val', 'tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt'"
	for _, tt := range []struct {
		src, msg string
		line, c  int
	}{
		{``, "filter input string is empty", 1, 1},
		{`ka.verb = create and`, "expected blank or '(' after 'and'", 1, 21},
		{`ka.verb = create or`, "expected blank or '(' after 'or'", 1, 20},
		{`ka.verb < d`, number, 1, 11},
		{`ka.verb > "a"`, number, 1, 11},
		{`ka.verb = `, text, 1, 11},
		{`ka.verb = "a`, text, 1, 11},
		{`ka.verb = a"b`, "unexpected token after 'a', expecting 'or', 'and'", 1, 12},
		{`ka.verb = a=b`, "unexpected token after 'a', expecting 'or', 'and'", 1, 12},
		{`ka.user.name = Alice Smith`, "unexpected token after 'Alice', expecting 'or', 'and'", 1, 22},
		{`NOT ka.verb = get`, "unexpected token after 'NOT', expecting 'or', 'and'", 1, 5},
		{`ka.verb = "\x"`, `unsupported string escape sequence: \x`, 1, 11},
		{`ka.verb = "\'"`, `invalid \' escape in "-quoted string`, 1, 11},
		{`ka.verb in (,create)`, "expected a ')' token", 1, 13},
		{`ka.verb in (a,)`, "expected a string value", 1, 15},
		{`(ka.verb = create`, "expected a ')' token", 1, 18},
		{"a and\n  (b or\n c", "expected a ')' token", 3, 3},
		{`ka.verb in (val(ka.a))`, "expected a ')' token", 1, 16},
		{`ka.verb = val(x)`, "expected a field within 'val' transformer", 1, 15},
		{`ka.verb = val(ka.a`, "expected a ')' token closing the transformer", 1, 19},
		{`tolower() = a`, "expected field transformer argument: field, transformer, quoted string, number, or transformer list", 1, 9},
		{`tolower(ka.a = a`, "expected a ')' token closing the transformer", 1, 14},
		{`getopt((ka.a,), "x") exists`, "expected transformer list argument: field, transformer, quoted string, or number", 1, 14},
		{`ka.verb[] exists`, "expected a valid field argument: a quoted string or a bare string", 1, 9},
		{`ka.verb[ 0 ] exists`, "expected a valid field argument: a quoted string or a bare string", 1, 9},
		{`ka.verb[0 exists`, "expected a ']' token", 1, 10},
		{`"alice" = ka.user.name`, "expected a '(' token, a field check, or an identifier", 1, 1},
		{`ka.verb in`, "expected a list, an identifier, or a field with a valid transformer: 'val', 'tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt'", 1, 11},
		{`ka.verb is create`, checkOperators, 1, 9},
		{`ka.verb contains"create"`, checkOperators, 1, 9},
		{"ka.verb = a\x00b", "unexpected token after 'a', expecting 'or', 'and'", 1, 12},
	} {
		_, err := Parse(tt.src)
		var se *SyntaxError
		require.ErrorAs(t, err, &se, tt.src)
		assert.Equal(t, tt.msg, se.Msg, tt.src)
		assert.Equal(t, [2]int{tt.line, tt.c}, [2]int{se.Pos.Line, se.Pos.Col}, tt.src)
	}
}

func TestExcerptPointsAtTheError(t *testing.T) {
	_, err := Parse("a and\n\tka.verb is create or b")
	var se *SyntaxError
	require.ErrorAs(t, err, &se)
	assert.Equal(t, " ka.verb is create or b\n         ^", se.Excerpt())

	long := strings.Repeat("a or ", 1000) + "ka.verb is x" + strings.Repeat(" or b", 1000)
	_, err = Parse(long)
	require.ErrorAs(t, err, &se)
	lines := strings.Split(se.Excerpt(), "\n")
	require.Len(t, lines, 2)
	assert.LessOrEqual(t, len(lines[0]), excerptWidth)
	assert.True(t, strings.HasPrefix(lines[0][len(lines[1])-1:], "is x"), "the caret stands under the error")
}

func TestParsePositions(t *testing.T) {
	e, err := Parse("a and\n not ka.verb in (x, val)")
	require.NoError(t, err)
	and := e.(*And)
	not := and.Terms[1].(*Not)
	assert.Equal(t, Pos{Offset: 7, Line: 2, Col: 2}, not.At)
	check := not.X.(*Check)
	assert.Equal(t, Pos{Offset: 11, Line: 2, Col: 6}, check.At)
	assert.Equal(t, Pos{Offset: 26, Line: 2, Col: 21}, check.Values[1].At)
}

func TestParseDepth(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("(", n) + "a" + strings.Repeat(")", n) }
	_, err := Parse(deep(1100))
	require.NoError(t, err, "Falco takes this too")
	_, err = Parse(deep(1_000_000))
	require.ErrorContains(t, err, "exceeded max depth limit")
	_, err = Parse(strings.Repeat("tolower(", 1_000_000))
	require.ErrorContains(t, err, "exceeded max depth limit")
	e, err := Parse(strings.Repeat("a or ", 5000) + "a")
	require.NoError(t, err)
	assert.Len(t, e.(*Or).Terms, 5001)
}

func TestParseField(t *testing.T) {
	o, err := ParseField("toupper(ka.verb)")
	require.NoError(t, err)
	assert.Equal(t, "toupper(ka.verb)", o.String())
	for _, bad := range []string{"", "ka", "ka.verb ", "ka.verb = x", "val(ka.verb)"} {
		_, err := ParseField(bad)
		assert.Error(t, err, "%q", bad)
	}
	o, n, err := ParseOperandPrefix("ka.uri.param[limit] and more")
	require.NoError(t, err)
	assert.Equal(t, "ka.uri.param[limit]", o.String())
	assert.Equal(t, len("ka.uri.param[limit]"), n)
}

func TestResolve(t *testing.T) {
	macros := map[string]Expr{}
	for name, src := range map[string]string{"m": "ka.a = x or ka.b = y", "n": "ka.c exists"} {
		e, err := Parse(src)
		require.NoError(t, err)
		macros[name] = e
	}
	lookup := func(name string) (Expr, bool) { e, ok := macros[name]; return e, ok }
	e, err := Parse("m and not n or not m")
	require.NoError(t, err)
	r, err := Resolve(e, lookup)
	require.NoError(t, err)
	assert.Equal(t, "((ka.a = x or ka.b = y) and not ka.c exists) or not (ka.a = x or ka.b = y)", r.String())

	e, err = Parse("m and (n or nope)")
	require.NoError(t, err)
	_, err = Resolve(e, lookup)
	var undefined *UndefinedMacro
	require.ErrorAs(t, err, &undefined)
	assert.Equal(t, "nope", undefined.Name)
	assert.EqualError(t, err, "1:13: Undefined macro 'nope' used in filter.")
}

func TestWalkFields(t *testing.T) {
	e, err := Parse(`not (ka.a = val(ka.b) and concat(ka.c, "x", tolower(ka.d)) = y) or getopt((ka.e), "x") exists or m`)
	require.NoError(t, err)
	var names []string
	WalkFields(e, func(f *Field) { names = append(names, f.Name) })
	assert.Equal(t, []string{"ka.a", "ka.b", "ka.c", "ka.d", "ka.e"}, names)
}

// FuzzParse: whatever parses prints to something that parses to the same tree.
func FuzzParse(f *testing.F) {
	for _, src := range []string{
		`ka.verb = create and not (ka.a in (x, "y z") or m)`,
		`ka.user.name startswith oneof (a, 'b') or len(ka.a[0]) >= 5`,
		`ka.a = val(ka.b[c d]) and getopt((ka.e, "x"), "a:b")[a] = "\ "`,
		"ka.a = \"\\b\\f\\n\\r\\t\\\\\\/\\\"\"",
		`ka.a = oneof or ka.b regex "x\\\\"`,
		`not not(a)`,
	} {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		e, err := Parse(src)
		if err != nil {
			var se *SyntaxError
			require.ErrorAs(t, err, &se)
			_ = se.Excerpt()
			return
		}
		printed := e.String()
		again, err := Parse(printed)
		require.NoError(t, err, "%q prints as %q", src, printed)
		require.Equal(t, strip(e), strip(again), "%q prints as %q", src, printed)
	})
}
