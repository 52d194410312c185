package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func parse(t testing.TB, text string) Value {
	t.Helper()
	v, err := ParseValue([]byte(text))
	require.NoError(t, err)
	return v
}

func TestValueKinds(t *testing.T) {
	for _, c := range []struct {
		in   string
		kind Kind
		name string
		text string
		len  int
	}{
		{"null", Null, "null", "null", 0},
		{"true", Bool, "bool", "true", 0},
		{"false", Bool, "bool", "false", 0},
		{"-1.50e+1", Number, "number", "-1.50e+1", 0},
		{`"a\u0041\n\"\\\/é😀\ud83d\ude00"`, String, "string", "aA\n\"\\/é😀😀", 0},
		{`""`, String, "string", "", 0},
		{`"a\u0000b"`, String, "string", "a\x00b", 0},
		{"[]", Array, "array", "[]", 0},
		{"[ 1 , [ ] , \" \\\" , \" ]", Array, "array", `[1,[]," \" , "]`, 3},
		{"{}", Object, "object", "{}", 0},
		{"{ \"b\\u003c\" : 1 ,\r\n\t\"a\" : { } , \"a\" : 1.0 }", Object, "object", `{"b\u003c":1,"a":{},"a":1.0}`, 3},
	} {
		for _, around := range []string{"", " \r\n\t"} {
			v := parse(t, around+c.in+around)
			assert.Equal(t, c.kind, v.Kind(), c.in)
			assert.Equal(t, c.name, v.Kind().String())
			assert.True(t, v.Exists())
			assert.Equal(t, c.text, v.Text(), c.in)
			assert.Equal(t, c.len, v.Len(), c.in)
			assert.Equal(t, c.in, string(v.Raw()))
			b, ok := v.Bool()
			assert.Equal(t, c.kind == Bool, ok)
			assert.Equal(t, c.in == "true", b)
		}
	}
	assert.Equal(t, "absent", Absent.String())
	assert.Equal(t, "unknown", Kind(200).String())
}

// Nothing may be asked of a value that makes it panic.
func TestValueOfAnyKind(t *testing.T) {
	for _, text := range []string{"", "null", "true", "1", `"x"`, "[]", "[1]", "{}", `{"a":1}`} {
		v := Value{}
		if text != "" {
			v = parse(t, text)
		}
		assert.False(t, v.Get("zz").Exists())
		assert.False(t, v.FirstKeys().Path("zz", "y").Exists())
		assert.Equal(t, v.Raw(), v.Path().Raw())
		assert.False(t, v.Index(-1).Exists())
		assert.False(t, v.Index(1).Exists())

		for range v.Elems() {
			assert.Equal(t, Array, v.Kind())
		}
		for range v.Members() {
			assert.Equal(t, Object, v.Kind())
		}
		v.Bool()
		v.Compact()
	}
	assert.Nil(t, Value{}.Raw())
	assert.Nil(t, Value{}.Compact())
}

func TestValueGet(t *testing.T) {
	v := parse(t, ` {"a":1, "b":{"c":[true,null,"x\u0041"],"c\/":{"":3}}, "\u0061":{"x":1,"x":2}, "q\"":4} `)
	assert.Equal(t, Object, v.Get("a").Kind(), "the last of equal keys")
	assert.Equal(t, "2", v.Path("a", "x").Text())
	assert.Equal(t, "1", v.FirstKeys().Get("a").Text())
	assert.Equal(t, "1", v.Get("a").FirstKeys().Get("x").Text())
	assert.Equal(t, "xA", v.Path("b", "c").Index(2).Text())
	assert.Equal(t, "3", v.Path("b", "c/", "").Text())
	assert.Equal(t, "4", v.Get(`q"`).Text())
	assert.False(t, v.Get(`q\"`).Exists())
	assert.False(t, v.Get("A").Exists(), "keys are case-sensitive")
	assert.False(t, v.Path("b", "c", "x").Exists())
}

func TestValueFirstKeysIsInherited(t *testing.T) {
	v := parse(t, `{"a":[{"x":1,"x":2}],"b":{"c":{"x":1,"x":2}}}`).FirstKeys()
	assert.Equal(t, "1", v.Get("a").Index(0).Get("x").Text())
	assert.Equal(t, "1", v.Path("b", "c", "x").Text())
	for e := range v.Get("a").Elems() {
		assert.Equal(t, "1", e.Get("x").Text())
	}
	for _, m := range v.Get("b").Members() {
		assert.Equal(t, "1", m.Get("x").Text())
	}
}

func TestValueSequences(t *testing.T) {
	v := parse(t, `{"a":[1,[2,{"z":3}],{"y":[]},"s"],"\u0062":{},"a":null}`)
	var keys, values []string
	for k, m := range v.Members() {
		keys, values = append(keys, k), append(values, m.Text())
	}
	assert.Equal(t, []string{"a", "b", "a"}, keys)
	assert.Equal(t, []string{`[1,[2,{"z":3}],{"y":[]},"s"]`, "{}", "null"}, values)
	var elems []string
	for e := range v.FirstKeys().Get("a").Elems() {
		elems = append(elems, e.Text())
	}
	assert.Equal(t, []string{"1", `[2,{"z":3}]`, `{"y":[]}`, "s"}, elems)
	for range v.Members() {
		break
	}
	for range v.FirstKeys().Get("a").Elems() {
		break
	}
	assert.Equal(t, "s", v.FirstKeys().Get("a").Index(3).Text())
}

func TestValueCompactKeepsSource(t *testing.T) {
	in := `{"a":"\u003c/é","n":1.50}`
	v := parse(t, in)
	assert.Equal(t, in, string(v.Compact()))
	spaced := parse(t, " { \"a\" :\t\"\\u003c/é\"\n, \"n\" : 1.50 } ")
	assert.Equal(t, in, string(spaced.Compact()))
	assert.Equal(t, "{ \"a\" :\t\"\\u003c/é\"\n, \"n\" : 1.50 }", string(spaced.Raw()), "the source is not written")
}

func TestParseValueRefuses(t *testing.T) {
	for _, in := range []string{
		"", " ", "{", "[1", "[1,]", "{,}", `{"a"}`, `{"a":}`, `{1:2}`, "nul", "01", "1.", "+1", "NaN", "'a'", "1 2", "{}}", "[]x", "\ufeff1",
		`"`, `"\q"`, "\"\n\"", "\"\x00\"", "\"\xff\"", "{\"\xff\":1}", "\x00", "// x\n1",
		`{"a":1,"a":}`, "{\"a\":1,\"a\":\"\xff\"}",
	} {
		v, err := ParseValue([]byte(in))
		assert.Error(t, err, "%q", in)
		assert.False(t, v.Exists())
	}
}

// The API server takes and logs halves of surrogate pairs in a patch: what it obeys must not be hidden from rules.
func TestHalfSurrogatePairs(t *testing.T) {
	for in, want := range map[string]string{
		`"\ud800"`: "\ufffd", `"\udc00"`: "\ufffd", `"\ud800\u0041"`: "\ufffdA", `"\ud83d\ude00"`: "😀",
	} {
		assert.Equal(t, want, parse(t, in).Text(), in)
	}
	assert.True(t, parse(t, `{"a":"\ud800","a":1}`).tree.duplicates)
	assert.False(t, parse(t, `{"a":"\ud800","b":1}`).tree.duplicates)
}

// Equal keys are found at any depth, however they are spelled, among any number of keys.
func TestDuplicateKeys(t *testing.T) {
	var many strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&many, `"\u006bey%d":%d,`, i, i)
	}
	for in, want := range map[string]bool{
		`{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}`:                     false,
		`{"a":1,"A":1,"":2}`:                                            false,
		`{"a":1,"a":1}`:                                                 true,
		`{"":1,"":1}`:                                                   true,
		`{"a":1,"\u0061":1}`:                                            true,
		`{"é":1,"\u00e9":1}`:                                            true,
		`{"😀":1,"\ud83d\ude00":1}`:                                      true,
		`{"x":{"y":[[{"a":{},"b":[],"a":{}}]]}}`:                        true,
		`[{"a":1},{"b":1,"b":2}]`:                                       true,
		`{` + many.String() + `"last":1}`:                               false,
		`{` + many.String() + `"key99999":1,"last":1}`:                  true,
		`{"x":[` + strings.Repeat(`{"a":1},`, 1000) + `{"a":1,"a":2}]}`: true,
	} {
		v := parse(t, in)
		assert.Equal(t, want, v.tree.duplicates, "%.80s", in)
		event := one(t, `{"kind":"Event","stageTimestamp":"2026-01-02T03:04:05Z","v":`+in+`}`)
		assert.Equal(t, want, event.DuplicateKeys, "%.80s", in)
	}
}

func TestEventRoot(t *testing.T) {
	e := &Event{Raw: []byte(`{"a":{"b":1}}`)}
	assert.Equal(t, "1", e.Root().Path("a", "b").Text())
	assert.Equal(t, "1", e.Root().Path("a", "b").Text())
	assert.False(t, (&Event{Raw: []byte(`{"a"`)}).Root().Exists())
	assert.False(t, new(Event).Root().Exists())

	var texts []string
	data, lines := sample(t)
	for line := range strings.Lines(string(data)) {
		texts = append(texts, (&Event{Raw: []byte(line)}).Root().Text())
	}
	assert.Len(t, slices.Compact(texts), lines)
}
