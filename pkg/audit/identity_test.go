package audit

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// one reads the only event of text.
func one(t testing.TB, text string) *Event {
	t.Helper()
	r := NewReader(strings.NewReader(text), "test", Limits{})
	e, err := r.Next()
	require.NoError(t, err, text)
	_, err = r.Next()
	require.Equal(t, io.EOF, err)
	return e
}

func TestIdentity(t *testing.T) {
	body := `"auditID":"a","stage":"Panic","stageTimestamp":"2026-01-02T03:04:05Z","x":{"kind":"Pod","b":[1,"\u003c"],"c":null}}`
	same := []string{
		`{"kind":"Event","apiVersion":"audit.k8s.io/v1",` + body,
		`{"kind":"Event",` + body,
		`{"apiVersion":"audit.k8s.io/v1beta1","kind":"Event",` + body,
		strings.TrimSuffix(`{`+body, "}") + `,"kind":"Event","apiVersion":7,"\u006bind":"Event"}`,
		`{"kind":"EventList","items":[{` + body + `]}`,
		`[{"kind":"Event",` + strings.NewReplacer(",", " ,\r\n", ":{", " : {", "[", "[\t", "}", "\n}").Replace(body) + `]`,
	}
	id := one(t, same[0]).Identity()
	for _, text := range same[1:] {
		assert.Equal(t, id, one(t, text).Identity(), text)
	}
	for _, change := range [][2]string{
		{`"a"`, `"b"`}, {`"a"`, `"\u0061"`}, {"Panic", "panic"}, {"05Z", "05.0Z"}, {`"Pod"`, `"Pods"`}, {`1,`, ``}, {`1,`, `1.0,`},
		{`\u003c`, `<`}, {`\u003c`, `\u003C`}, {`,"c":null`, ``}, {`"c":null`, `"c":""`}, {`"x":`, `"y":`}, {`"kind":"Pod",`, ``},
		{`"a",`, `"a","a":1,`}, {`"a","stage":"Panic",`, `"aPanic",`},
	} {
		assert.NotEqual(t, id, one(t, strings.Replace(same[1], change[0], change[1], 1)).Identity(), change)
	}
	e := one(t, same[0])
	e.Cluster = "c"
	assert.NotEqual(t, id, e.Identity())
	assert.NotEqual(t, (&Event{Cluster: "ab", AuditID: "c"}).Identity(), (&Event{Cluster: "a", AuditID: "bc"}).Identity())
	assert.NotEqual(t, (&Event{Raw: []byte("[1]")}).Identity(), (&Event{Raw: []byte("[2]")}).Identity())
}

// Real events: as lines of a log file, indented, and as items of a list they are the same; no two lines are.
func TestIdentityOfSample(t *testing.T) {
	data, lines := sample(t)
	seen := map[Identity]bool{}
	for line := range bytes.Lines(data) {
		e := one(t, string(line))
		id := e.Identity()
		seen[id] = true
		var indented bytes.Buffer
		require.NoError(t, json.Indent(&indented, e.Raw, "", "    "))
		assert.Equal(t, id, one(t, indented.String()).Identity())
		item := bytes.Replace(e.Raw, []byte(`"kind":"Event","apiVersion":"audit.k8s.io/v1",`), nil, 1)
		assert.Equal(t, id, one(t, eventList(string(item))).Identity())
	}
	assert.Len(t, seen, lines)
}

// Any changed byte outside of white space and of the top-level kind and apiVersion changes the identity.
func FuzzIdentity(f *testing.F) {
	f.Add(`{"a":"b"}`, uint64(1))
	f.Add(`[1, 2.0 ,"x\n"]`, uint64(2))
	f.Fuzz(func(t *testing.T, value string, seed uint64) {
		v, err := ParseValue([]byte(value))
		if err != nil {
			return
		}
		wrap := func(value string) *Event {
			return one(t, `{"kind":"Event","stageTimestamp":"2026-01-02T03:04:05Z","v":`+value+`}`)
		}
		id := wrap(value).Identity()
		require.Equal(t, id, wrap(string(v.Compact())).Identity())

		changed := v.Compact()
		changed = append([]byte(nil), changed...)
		at := rand.New(rand.NewPCG(seed, 0)).IntN(len(changed))
		changed[at] ^= 1
		if c, err := ParseValue(changed); err == nil && !bytes.Equal(c.Compact(), v.Compact()) {
			require.NotEqual(t, id, wrap(string(changed)).Identity())
		}
	})
}
