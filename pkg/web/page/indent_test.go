package page

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJSONIsLaidOut(t *testing.T) {
	text, more := indented([]byte(`{"a":[1,{"b":"x,{\"y\\"}],"a":1.0E2,"c":{ },"d":[  ],"e":null}`), jsonShown)
	assert.False(t, more)
	assert.Equal(t, `{
  "a": [
    1,
    {
      "b": "x,{\"y\\"
    }
  ],
  "a": 1.0E2,
  "c": {},
  "d": [],
  "e": null
}`, text)
}

func TestLaidOutJSONIsBounded(t *testing.T) {
	deep := strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)
	for _, raw := range []string{deep, `"` + strings.Repeat("x", 1<<20) + `"`, "[" + strings.Repeat("1,", 1<<19) + "1]"} {
		text, more := indented([]byte(raw), 1<<16)
		assert.True(t, more)
		assert.Less(t, len(text), 1<<18)
	}
}

// FuzzIndented: only white space between tokens changes.
func FuzzIndented(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"x,{\"y\\"}],"a":1.0E2,"c":{ },"d":[  ],"e":"\u202e"}`))
	f.Add([]byte(`[[[]]]`))
	f.Add([]byte(`"\\"`))
	f.Add([]byte("\"\\"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		text, more := indented(raw, 1<<20)
		if !json.Valid(raw) || more {
			return
		}
		var want, got bytes.Buffer
		require.NoError(t, json.Compact(&want, raw))
		require.NoError(t, json.Compact(&got, []byte(text)))
		require.Equal(t, want.String(), got.String())
	})
}
