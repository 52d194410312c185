package record

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// byReflection writes detections by way of encoding/json.
func byReflection(t testing.TB, found []match.Detection) []byte {
	type object struct {
		Rule     string   `json:"rule"`
		Priority string   `json:"priority"`
		Source   string   `json:"source"`
		Tags     []string `json:"tags"`
		Output   string   `json:"output"`
		Fields   [][2]any `json:"fields"`
	}
	all := []object{}
	for _, d := range found {
		o := object{d.Rule.Name, d.Rule.Priority.String(), d.Rule.Source, d.Rule.Tags, d.Output, [][2]any{}}
		for _, f := range d.Fields {
			o.Fields = append(o.Fields, [2]any{f.Key, f.Value})
		}
		all = append(all, o)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(all))
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// FuzzDetections holds the codec against encoding/json in both directions: what it writes of
// any texts, and what it makes of any bytes.
func FuzzDetections(f *testing.F) {
	f.Add("r", "a \"b\" \\ \n\r\t\b\f\x00\x1f\x7f <&> é \u2028\u2029 \U0001f600", "k", "\xff\xc3\x28\xed\xa0\x80", uint64(math.MaxUint64), []byte(`[]`))
	for _, text := range []string{
		`[{"rule":"r","priority":"Error","source":"s","tags":null,"output":"","fields":[]}]`,
		`[{"rule":"\ud83d\ude00\u0041\ud83d","priority":"error","source":"\/","tags":[],"output":"o","fields":[["a",[]],["b",null],["c",18446744073709551615],["d",0]]}]`,
		`[{"rule":"r","priority":"Error","source":"s","tags":["a",],"output":"","fields":[]}]`,
		`[{"rule":"r","priority":"Error","source":"s","tags":[],"output":"","fields":[["a",01]]}]`,
		`[{"rule":"r","priority":"Error","source":"s","tags":[],"output":"","fields":[["a",18446744073709551616]]}]`,
		`[{"rule":"r","priority":"Error","source":"s","tags":[],"output":"\q","fields":[["a",true]["b",false]]}]`,
		`[{"rule":"r","priority":"Error","source":"s","tags":[],"output":"","fields":[]},]`, `[{"rule":"r","priority":"Error"}] `, `[`, `[{"rule":"`, `[{"rule":"\`,
	} {
		f.Add("", "", "", "", uint64(7), []byte(text))
	}
	f.Fuzz(func(t *testing.T, name, output, key, value string, n uint64, raw []byte) {
		found := []match.Detection{
			{Rule: &rules.Rule{Name: name, Priority: rules.Notice, Source: key, Tags: []string{value, key}}, Output: output, Fields: []match.OutputField{
				{Key: key, Value: value}, {Key: value, Value: n}, {Key: output, Value: []string{output, value}}, {Key: "", Value: nil}, {Key: "b", Value: n%2 == 0},
			}},
			{Rule: &rules.Rule{Priority: rules.Debug}},
		}
		text := EncodeDetections(found)
		require.Equal(t, string(byReflection(t, found)), string(text))
		quick, ok := readDetections(text)
		require.True(t, ok, "it reads what it writes")
		long, err := decodeAny(text)
		require.NoError(t, err)
		require.Equal(t, long, quick)

		if quick, ok = readDetections(raw); ok {
			long, err := decodeAny(raw)
			require.NoError(t, err)
			require.Equal(t, long, quick)
		}
	})
}

// TestDetectionsOfAnotherForm: what is written otherwise is read all the same.
func TestDetectionsOfAnotherForm(t *testing.T) {
	text := EncodeDetections(detections())
	var any []map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	require.NoError(t, dec.Decode(&any))
	other, err := json.MarshalIndent(any, "", " ")
	require.NoError(t, err)
	_, ok := readDetections(other)
	require.False(t, ok)
	got, err := decodeDetections(other)
	require.NoError(t, err)
	assert.Equal(t, detections(), got)
}

func BenchmarkDetections(b *testing.B) {
	found := detections()
	text := EncodeDetections(found)
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			EncodeDetections(found)
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decodeDetections(text); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode by reflection", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decodeAny(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
