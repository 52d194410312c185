package condition

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type fields map[string]FieldInfo

func (f fields) Field(name string) (FieldInfo, bool) {
	info, ok := f[name]
	info.Name = name
	return info, ok
}

var testFields = fields{
	"ka.s":     {},
	"ka.t":     {},
	"ka.l":     {List: true},
	"ka.key":   {ArgRequired: true, ArgAllowed: true},
	"ka.idx":   {List: true, ArgAllowed: true, ArgIndex: true},
	"kw.n":     {Type: TypeUint64},
	"kw.b":     {Type: TypeBool},
	"kw.ip":    {Type: TypeIPNet},
	"kw.ips":   {Type: TypeIPNet, List: true},
	"evt.time": {Type: TypeAbsTime},
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct{ src, err string }{
		{`ka.s = x and ka.l in (x) and ka.l intersects (x) and ka.l exists`, ""},
		{`ka.s >= 5 and ka.s glob "*" and ka.s = anyof (a, b)`, ""},
		{`ka.nope = x`, "filter_check called with nonexistent field ka.nope"},
		{`ka.nope[0] = x`, "filter_check called with nonexistent field ka.nope[0]"},
		{`ka.l = x`, "filter error: '=' operator not supported list filters"},
		{`ka.l == x`, "filter error: '=' operator not supported list filters"},
		{`ka.l = anyof (x)`, "filter error: '=' operator not supported list filters"},
		{`ka.idx[0] = x`, "filter error: '=' operator not supported list filters"},
		{`ka.s bcontains 6372`, "filter error: 'bcontains' operator not supported for string filters"},
		{`ka.s[0] = x`, "filter 'ka.s[0]': ka.s does not allow nor require an argument but one is provided: 0"},
		{`ka.key = x`, "filter 'ka.key': ka.key requires an argument but none provided"},
		{`ka.key[a] = x`, ""},
		{`ka.idx[0] exists`, ""},
		{`ka.idx["0"] exists`, ""},
		{`ka.idx[00] exists`, "filter ka.idx[00] ka.idx has an invalid index argument starting with 0: 00"},
		{`ka.idx[-1] exists`, "filter ka.idx[-1] ka.idx has an invalid index argument not composed only by digits: -1"},
		{`ka.idx[18446744073709551615] exists`, ""},
		{`ka.idx[18446744073709551616] exists`, "filter ka.idx[18446744073709551616] ka.idx has an invalid index argument not representable on 64 bit: 18446744073709551616"},
		{`kw.n >= 5 and kw.n in (1, 2) and kw.n = oneof (1, 2)`, ""},
		{`kw.n = -1`, ""},
		{`kw.n = abc`, "abc is not a valid number"},
		{`kw.n = 0x1`, "0x1 is not a valid number"},
		{`kw.n < 1.5`, "1.5 is not a valid number"},
		{`kw.n contains 1`, "filter error: 'contains' operator not supported for numeric filters"},
		{`kw.b = true`, ""},
		{`kw.b = yes`, "filter error: unrecognized boolean value yes"},
		{`kw.b < 1`, "filter error: '<' operator not supported for boolean filters"},
		{`kw.ip in (10.0.0.0/8, ::1) and kw.ips intersects ("fe80::/10")`, ""},
		{`kw.ip = 10.0.0`, "filter error: unrecognized IP address 10.0.0"},
		{`kw.ip startswith 10`, "filter error: 'startswith' operator not supported for IP net filters"},
		{`ka.s regex "cre("`, "invalid regex pattern: missing ): cre("},
		{`ka.s = val(ka.t) and ka.l in val(ka.l)`, ""},
		{`ka.s in val(ka.l)`, "field 'ka.s' has type 'CHARBUF' while the right-hand side field 'ka.l' has incompatible type 'CHARBUF (list)'"},
		{`ka.s regex val(ka.t)`, "operator 'REGEX' doesn't support right-hand side fields"},
		{`ka.s pmatch val(ka.t)`, "operator 'PMATCH' doesn't support right-hand side fields"},
		{`len(ka.s) = len(ka.l)`, ""},
		{`len(ka.s) = abc`, "abc is not a valid number"},
		{`len(ka.s) contains 1`, "filter error: 'contains' operator not supported for numeric filters"},
		{`tolower(ka.l) intersects (x) and len(tolower(ka.l)) = 2`, ""},
		{`tolower(kw.n) = x`, "can't add field transformer: type 'UINT64' is not supported by 'tolower' transformer applied on field 'kw.n'"},
		{`len(kw.n) = 1`, "can't add field transformer: type 'UINT64' is not supported by 'len' transformer applied on field 'kw.n'"},
		{`tolower("x") = x`, "filter error: found null child node on 'tolower' transformer"},
		{`tolower(ka.s, ka.t) = x`, "unknown field transfomer 'tolower'"},
		{`tolower(ka.nope) = x`, "filter_check called with nonexistent field ka.nope"},
		{`join(",", ka.l) = x and join(",", (ka.s, "b")) = x`, ""},
		{`join(ka.l) = x`, "join() requires exactly 2 arguments: separator and list"},
		{`join(ka.l, ka.l) = x`, "join() first argument (separator) must be a single value, not a list"},
		{`join(",", ka.s) = x`, "join() second argument must be a list"},
		{`concat(ka.s, "x") = x`, ""},
		{`concat(ka.s) = x`, "unknown field transfomer 'concat'"},
		{`concat(ka.s, ka.l) = x`, "concat() arguments must be strings"},
		{`concat(ka.s, kw.n) = x`, "concat() arguments must be strings"},
		{`getopt(ka.l, "a") exists and getopt(ka.l, "a:")[a] = x`, ""},
		{`getopt(ka.s, "a") exists`, "getopt() first argument must be a list"},
		{`tolower(ka.s)[a] = x`, "filter error: transformer 'tolower' does not support field arguments"},
		{`ka.s exists and m`, "filter error: unexpected identifier 'm'"},
	} {
		e, err := Parse(tt.src)
		require.NoError(t, err, tt.src)
		_, err = Validate(e, testFields)
		if tt.err == "" {
			assert.NoError(t, err, tt.src)
			continue
		}
		var ce *CompileError
		require.ErrorAs(t, err, &ce, tt.src)
		assert.Equal(t, tt.err, ce.Msg, tt.src)
	}
}

func TestUnknownFieldIsMarked(t *testing.T) {
	e, err := Parse("ka.s = x and tolower(ka.nope) = y")
	require.NoError(t, err)
	_, err = Validate(e, testFields)
	var ce *CompileError
	require.ErrorAs(t, err, &ce)
	assert.True(t, ce.UnknownField)
	assert.Equal(t, 21, ce.Pos.Offset)
}

func TestWarnings(t *testing.T) {
	const regex = "' may be optimized with simpler operators such as '=', 'contains', 'startswith', 'endswith'"
	const na = "comparing a field value with <NA> is unsafe and can lead to unpredictable behavior of the rule condition. " +
		"If you need to check for the existence of a field, consider using the 'exists' operator instead."
	for _, tt := range []struct {
		src  string
		want []Warning
	}{
		{`ka.s = x`, nil},
		{`ka.s regex "al.*"`, []Warning{{Code: WarnCondition, Msg: "regex check with 'al.*" + regex}}},
		{`ka.s regex "^cre"`, []Warning{{Code: WarnCondition, Msg: "regex check with '^cre" + regex}}},
		{`ka.s regex "l1.l2"`, nil},
		{`ka.s regex "[[:alpha:]]+"`, nil},
		{`ka.s regex ""`, []Warning{{Code: WarnCondition, Msg: "regex check with '" + regex}}},
		{`ka.s = ka.t`, []Warning{{Code: WarnCondition, Msg: "'ka.t' may be a valid field misused as a const string value"}}},
		{`ka.s in (x, " ka.t ")`, []Warning{{Code: WarnCondition, Msg: "' ka.t ' may be a valid field misused as a const string value"}}},
		{`ka.s = ka.nope`, nil},
		{`ka.s = ka.key`, nil},
		{`ka.s = "tolower(ka.t)"`, []Warning{{Code: WarnCondition, Msg: "'tolower(ka.t)' may be a valid field transformer misused as a const string value"}}},
		{`ka.s != <NA>`, []Warning{{Code: WarnUnsafeNA, Msg: na}}},
		{`ka.s in (a, <NA>)`, []Warning{{Code: WarnUnsafeNA, Msg: na}}},
		{`ka.s contains <NA>`, nil},
	} {
		e, err := Parse(tt.src)
		require.NoError(t, err, tt.src)
		got, err := Validate(e, testFields)
		require.NoError(t, err, tt.src)
		for i := range got {
			got[i].Pos = Pos{}
		}
		assert.Equal(t, tt.want, got, tt.src)
	}
}
