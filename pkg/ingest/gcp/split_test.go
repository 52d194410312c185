package gcp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// partOf is a part of an entry that was split. Its request and response are JSON, or empty.
func partOf(uid string, index, total int, request, response string) []byte {
	bodies := ""
	if request != "" {
		bodies += `,"request":` + request
	}
	if response != "" {
		bodies += `,"response":` + response
	}
	return fmt.Appendf(nil, `{"insertId":"%s.%d","timestamp":"2026-11-19T08:00:00Z","logName":"projects/p/logs/cloudaudit.googleapis.com%%2Factivity",`+
		`"split":{"uid":%q,"index":%d,"totalSplits":%d},"protoPayload":{"serviceName":"k8s.io","status":{},`+
		`"methodName":"io.k8s.core.v1.configmaps.create","resourceName":"core/v1/namespaces/shop/configmaps/a"%s}}`, uid, index, uid, index, total, bodies)
}

func TestAssemblerPutsPartsTogether(t *testing.T) {
	const want = `{"@type":"core.k8s.io/v1.ConfigMap","kind":"ConfigMap","data":{"a":"one two three","b":"x"},` +
		`"list":["foo","bar","baz",{"k":"vw","n":1}],"on":true}`
	parts := [][]byte{
		partOf("u", 0, 3, `{"@type":"core.k8s.io/v1.ConfigMap","kind":"ConfigMap","data":{"a":"one t"},"list":["foo","ba"]}`, ""),
		partOf("u", 1, 3, `{"@type":"core.k8s.io/v1.ConfigMap","data":{"a":"wo th"},"list":["","r","baz",{"k":"v"}]}`, `{"kind":"Config"}`),
		partOf("u", 2, 3, `{"data":{"a":"ree","b":"x"},"list":["","","",{"k":"w","n":1}],"on":true}`, `{"kind":"Map","n":2}`),
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 1, 2, 0}} {
		var a Assembler
		var got []Result
		for _, i := range order {
			require.Empty(t, got, "before all parts are there")
			rs, err := a.Add(parts[i])
			require.NoError(t, err)
			got = append(got, rs...)
		}
		require.Len(t, got, 1)
		assert.False(t, got[0].Truncated)
		e := read(t, got[0].Raw)
		assert.JSONEq(t, strings.Replace(want, `"@type":"core.k8s.io/v1.ConfigMap",`, "", 1), string(e.Root().Get("requestObject").Raw()))
		assert.JSONEq(t, `{"kind":"ConfigMap","n":2}`, string(e.Root().Get("responseObject").Raw()))
		assert.Equal(t, "RequestResponse", e.Root().Get("level").Text())
		assert.False(t, e.Root().Path("annotations", truncated).Exists())
		assert.Equal(t, "u", e.Root().Path("annotations", ours+"insert-id").Text())
		assert.Zero(t, a.Pending())
		assert.Zero(t, a.bytes)
	}
}

// TestPartsHaveOneIdentity holds that an entry is one event, whether it was put together or not.
func TestPartsHaveOneIdentity(t *testing.T) {
	first, err := Converter{}.Convert(partOf("u", 0, 2, `{"a":1}`, ""))
	require.NoError(t, err)
	second, err := Converter{}.Convert(partOf("u", 1, 2, `{"b":1}`, ""))
	require.NoError(t, err)
	other, err := Converter{}.Convert(partOf("v", 1, 2, `{"b":1}`, ""))
	require.NoError(t, err)
	assert.True(t, first.Truncated)
	assert.Equal(t, first.Identity, second.Identity)
	assert.NotEqual(t, first.Identity, other.Identity)
}

func TestAssemblerGivesUp(t *testing.T) {
	t.Run("at the end", func(t *testing.T) {
		var a Assembler
		for _, i := range []int{2, 0} {
			rs, err := a.Add(partOf("u", i, 3, `{"data":{"a":"`+strings.Repeat("x", i+1)+`"}}`, ""))
			require.NoError(t, err)
			require.Empty(t, rs)
		}
		var err error
		rs := a.Flush()
		require.Len(t, rs, 1)
		assert.True(t, rs[0].Truncated)
		e := read(t, rs[0].Raw)
		assert.Equal(t, "2 of 3", e.Root().Path("annotations", ours+"split").Text())
		assert.Equal(t, "true", e.Root().Path("annotations", truncated).Text())
		assert.Equal(t, "xxxx", e.Root().Path("requestObject", "data", "a").Text())
		assert.Empty(t, a.Flush())
		for i := range 3 { // the next input has all of it
			rs, err = a.Add(partOf("u", i, 3, `{}`, ""))
			require.NoError(t, err)
		}
		require.Len(t, rs, 1)
		assert.False(t, rs[0].Truncated)
		assert.Zero(t, a.Pending())
	})
	t.Run("when there are too many", func(t *testing.T) {
		var a Assembler
		var got []Result
		for i := range maxPending + 3 {
			rs, err := a.Add(partOf(fmt.Sprint("u", i, "x"), 0, 2, `{}`, ""))
			require.NoError(t, err)
			got = append(got, rs...)
		}
		require.Len(t, got, 3)
		assert.Equal(t, maxPending, a.Pending())
		assert.Equal(t, "u0x", read(t, got[0].Raw).Root().Path("annotations", ours+"insert-id").Text(), "the oldest first")
	})
	t.Run("when they are too large", func(t *testing.T) {
		var a Assembler
		var got []Result
		large := `{"a":"` + strings.Repeat("x", maxPendingBytes/8) + `"}`
		for i := range 9 {
			rs, err := a.Add(partOf(fmt.Sprint("u", i), 0, 2, large, ""))
			require.NoError(t, err)
			got = append(got, rs...)
		}
		assert.Len(t, got, 2)
		assert.LessOrEqual(t, a.bytes, maxPendingBytes)
	})
	t.Run("when they are too old", func(t *testing.T) {
		var a Assembler
		_, err := a.Add(partOf("u", 0, 2, `{}`, ""))
		require.NoError(t, err)
		other := []byte(`{"logName":"projects/p/logs/stdout","textPayload":"x"}`)
		var got []Result
		for range maxPendingAge {
			rs, err := a.Add(other)
			require.ErrorAs(t, err, new(*NotKubernetes))
			got = append(got, rs...)
		}
		require.Len(t, got, 1)
		assert.True(t, got[0].Truncated)
		late, err := a.Add(partOf("u", 1, 2, `{}`, ""))
		require.NoError(t, err)
		assert.Empty(t, late, "it was told already")
		assert.Zero(t, a.Pending())
	})
}

func TestMergedKeepsWhatItCannotJoin(t *testing.T) {
	for name, c := range map[string]struct {
		pieces []string
		want   string
	}{
		"nothing":                  {nil, ""},
		"one":                      {[]string{`{"b" : 1}`}, `{"b" : 1}`},
		"null gives way":           {[]string{`{"a":null}`, `{"a":7}`}, `{"a":7}`},
		"a number stays":           {[]string{`[12]`, `[null,3]`}, `[12,3]`},
		"kinds that do not fit":    {[]string{`{"a":"x"}`, `{"a":[1,2,3]}`}, `{"a":[1,2,3]}`},
		"the last of equal keys":   {[]string{`{"a":"x","a":"y"}`, `{"a":"z"}`}, `{"a":"yz"}`},
		"escapes":                  {[]string{`["\u00e4\n"]`, `["\"<"]`}, `["ä\u000a\"<"]`},
		"empty containers":         {[]string{`{"a":{},"b":[]}`, `{"a":{},"b":[]}`}, `{"a":{},"b":[]}`},
		"keys that only one knows": {[]string{`{"b":1}`, `{"a":2}`}, `{"b":1,"a":2}`},
	} {
		t.Run(name, func(t *testing.T) {
			var pieces []audit.Value
			for _, p := range c.pieces {
				v, err := audit.ParseValue([]byte(p))
				require.NoError(t, err)
				pieces = append(pieces, v)
			}
			assert.Equal(t, c.want, string(merged(pieces).Raw()))
		})
	}
}
