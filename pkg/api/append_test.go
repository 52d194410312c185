package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// raw is an event as nobody would write it: white space, equal keys, escapes, numbers
// that no float holds.
const raw = "{ \"a\" :\t1.00,\r\n \"a\":12345678901234567890, \"u\":\"\\u003cb\\u003e <i>\" }"

func TestRawEventKeepsItsBytes(t *testing.T) {
	e := Event{ID: "1", Time: time.Unix(1, 2).UTC(), Sentence: "<b> & \"c\"", Detections: []Detection{}, Event: json.RawMessage(raw)}
	hit := HuntHit{Event: e, Found: []Detection{{Rule: "r", Tags: []string{}}}}

	text, err := AppendEvent(nil, &e, false)
	require.NoError(t, err)
	assert.Contains(t, string(text), raw)
	var back Event
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, e, back)

	text, err = AppendEvent([]byte("x"), &e, true)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(text), "x{"))
	assert.NotContains(t, string(text), "\n")
	require.NoError(t, json.Unmarshal(text[1:], &back))
	assert.Equal(t, len(raw), len(back.Event))

	text, err = AppendHuntHit(nil, &hit, false)
	require.NoError(t, err)
	var backHit HuntHit
	require.NoError(t, json.Unmarshal(text, &backHit))
	assert.Equal(t, hit.Found[0].Rule, backHit.Found[0].Rule)
	assert.Equal(t, raw, string(backHit.Event.Event))

	list := EventList{Events: []Event{e, e}, Summary: Summary{Hits: 2, Next: "n"}}
	text, err = AppendEventList(nil, &list)
	require.NoError(t, err)
	var backList EventList
	require.NoError(t, json.Unmarshal(text, &backList))
	assert.Equal(t, list, backList)
}

func TestHistoryKeepsItsBytes(t *testing.T) {
	e := Event{ID: "1", Time: time.Unix(1, 2).UTC(), Detections: []Detection{}, Event: json.RawMessage(raw)}
	h := History{
		Object: Object{Cluster: "c", Resource: "pods", Name: "p"}, Folded: 1, Reads: 2, Summary: Summary{Hits: 2},
		Entries: []HistoryEntry{
			{Event: e, Effect: Effect{Changes: []Change{}, Created: true}},
			{Event: e, Effect: Effect{UID: "u", Changes: []Change{{Pointer: "/a", Op: ChangeChanged, Old: json.RawMessage("1"), New: json.RawMessage("2")}}}},
		},
	}
	text, err := AppendHistory(nil, &h)
	require.NoError(t, err)
	var back History
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, h, back)
	text, err = AppendHistory(nil, &History{Entries: []HistoryEntry{}})
	require.NoError(t, err)
	assert.True(t, json.Valid(text))
}

func TestEntityKeepsItsBytes(t *testing.T) {
	e := Event{ID: "1", Time: time.Unix(1, 2).UTC(), Detections: []Detection{}, Event: json.RawMessage(raw)}
	x := Entity{
		Kind: EntityUser, Value: "jane", Events: 3, Facets: []Facet{}, Activity: []Bucket{}, Recent: []Event{e, e}, Detected: []Event{}, Changes: []Event{e},
		Summary: Summary{Scanned: 7},
	}
	text, err := AppendEntity(nil, &x)
	require.NoError(t, err)
	var back Entity
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, x, back)
}

func TestEventWithoutRaw(t *testing.T) {
	text, err := AppendEvent(nil, &Event{}, true)
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(string(text), `"event":null}`))
}

func TestProblemSaysWhere(t *testing.T) {
	p := &Problem{Title: "bad condition", Detail: "unexpected token", At: &Position{Line: 1, Column: 5}}
	assert.EqualError(t, p, "1:5: unexpected token")
	assert.EqualError(t, &Problem{Title: "not found"}, "not found")
}
