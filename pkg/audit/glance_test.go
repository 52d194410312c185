package audit

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// glanced reads a text at a glance, and as jsontext and plant do, and requires the same where the glance is sure.
func glanced(t testing.TB, text []byte, lists bool) (sure bool) {
	t.Helper()
	var g glance
	got, sure := g.read(text, lists, true)
	if !sure {
		return false
	}
	require.True(t, got.planted)
	got.planted = false
	want, err := readObject(new(scanner).at(text, strict), lists)
	require.NoError(t, err, "%q", text)
	require.Equal(t, want, got, "%q", text)

	var bodies [2]body
	bodies[0].span, bodies[1].span = got.members.requestObject, got.members.responseObject
	require.Equal(t, plant(nil, text[:got.size], &bodies), g.nodes, "%q", text)

	all := tree{raw: text[:got.size], nodes: plant(nil, text[:got.size], nil)}
	indexed := tree{raw: all.raw, nodes: g.nodes, members: g.members}
	indexed.bodies[0].span, indexed.bodies[1].span = bodies[0].span, bodies[1].span
	for key := range (Value{tree: &all}).Members() {
		for _, k := range []string{key, key + "x"} {
			require.Equal(t, string(Value{tree: &all}.Get(k).Raw()), string(Value{tree: &indexed}.Get(k).Raw()), "%q: %q", text, k)
		}
	}

	bare, sure := g.read(text, lists, false)
	require.True(t, sure)
	require.Equal(t, got, bare)
	return true
}

func TestGlance(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	wide := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(`,"` + strings.Repeat("k", i) + `":0`)
		}
		return "{" + b.String()[1:] + "}"
	}
	body := func(n int) string {
		return `{"requestObject":{"a":["` + strings.Repeat("x", n) + `"]},"responseObject":[{}],"verb":"get"}`
	}
	for _, text := range []string{
		`{}`, `{"a":1} {"b":2}`, "{ \"a\" :\t[ 1 , -0.5e+3 , true ] ,\r\n\"b\":{ } , \"c\":[ ] }", `{"a":"ü\n\u00e9\/\"\\"}`, `{"k:{\"a\":\"b\"}":null,"k:{\"a\":\"c\"}":false}`,
		`{"kind":"Event","stage":"ResponseComplete","auditID":"1","stageTimestamp":"2026-11-21T10:00:00Z","items":{}}`, `{"kind":"\u0045vent","items":[]}`,
		`{"kind":"Event","items":[{"kind":"Event"}]}`, `{"a":{"kind":"EventList"},"kind":"Event"}`, `{"a":{"a":{"a":0},"b":0},"b":{"a":0}}`,
		body(0), body(smallBody - 11), body(smallBody - 10), body(smallBody - 9), body(smallBody), body(1000), `{"requestObject":"` + strings.Repeat("x", 200) + `"}`,
		`{"a":{"requestObject":{"x":"` + strings.Repeat("x", 200) + `"}}}`, `{"requestObject":` + deep(30) + `,"responseObject":` + deep(40) + `,"z":[0]}`, deep(mostOpen), wide(mostKeys),
		`{"12345678":0,"12345679":0,"1234567":0,"02345678":0,"123456789":0,"":0,"\t":0,"a":0,"b":0,"ab":0,"ba":0}`,
	} {
		assert.True(t, glanced(t, []byte(text), false), "%.60s", text)
	}
	for _, text := range []string{
		``, ` {}`, `[]`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":1]`, `{"a":[1}`, `{"a" 1}`, `{a:1}`, `{"a":tru}`, `{"a":nul`,
		`{"a":01}`, `{"a":-}`, `{"a":1.}`, `{"a":1e}`, `{"a":.5}`, `{"a":+1}`, `{"a":"x}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":"\u12"}`, "{\"a\":\"\n\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}",
		`{"a":"\ud800"}`, `{"a":"\uD83D\uDE00"}`, // jsontext knows
		`{"a":1,"a":2}`, `{"abc":1,"x":{"abc":1},"abc":2}`, `{"abc":0, "abc":1}`, `{"":0,"":1}`, `{"1234567":0,"1234567":1}`, `{"12345678":0,"12345678":1}`, `{"x":{"abcdefghij":1,"abcdefghij":2}}`, `{"\u0061":1}`, `{"\/":1}`, "{\"\xff\":1}", deep(mostOpen + 1), wide(mostKeys + 1),
	} {
		assert.False(t, glanced(t, []byte(text), false), "%.60s", text)
	}
	for text, sure := range map[string]bool{
		`{"items":[]}`: false, `{"kind":"EventList","items":[]}`: false, `{"kind":"EventList", "items" : [{}]}`: false, `{"kind":"Event","items":[]}`: true,
		`{"items":{},"kind":"EventList"}`: true, `{"a":{"items":[]}}`: true, `{"items":[`: false,
	} {
		assert.Equal(t, sure, glanced(t, []byte(text), true), text)
	}
}

// TestGlanceIsEnough: of recorded events nearly none needs more.
func TestGlanceIsEnough(t *testing.T) {
	data, _ := sample(t)
	all, sure := 0, 0
	for line := range bytes.Lines(data) {
		if all++; glanced(t, line, true) {
			sure++
		}
	}
	require.Greater(t, all, 10)
	assert.Greater(t, sure, all*95/100, "of %d", all)
}

// FuzzGlance: what a glance is sure of is what jsontext reads, node by node, and a cut or changed text is no exception.
func FuzzGlance(f *testing.F) {
	data, _ := sample(f)
	for i, line := range slices.Collect(bytes.Lines(data))[:40] {
		f.Add(line, uint16(i*37), byte(i))
	}
	f.Add([]byte(`{"requestObject":{"a":[1,-2.5e3,null,true]},"k:{\"x\":\"\u00e9\"}":"\\"}`), uint16(20), byte('"'))
	f.Fuzz(func(t *testing.T, text []byte, at uint16, to byte) {
		for _, lists := range []bool{false, true} {
			glanced(t, text, lists)
			if len(text) > 0 {
				changed := slices.Clone(text)
				changed[int(at)%len(text)] = to
				glanced(t, changed, lists)
				glanced(t, text[:int(at)%len(text)], lists)
			}
		}
	})
}
