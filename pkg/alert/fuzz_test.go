package alert_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// nasty are texts that break careless writers; the seeds of the fuzz targets.
var nasty = []string{
	"", "plain", `"\/<>&'`, "\x00\x01\b\t\n\v\f\r\x1b\x1f\x7f", "line 1\nline 2\r\nline 3", "\x1b[2J\x1b]0;title\a",
	"caf\u00e9 \u20ac \U0001f600", "\u0085\u00a0\u00ad\u2028\u2029\u202e\u2066\ufeff\ufffd\ufffe", "\xff", "\xc3", "\xe2\x82x", "\xed\xa0\x80", "\xf4\x90\x80\x80",
	`{"a":1}`, strings.Repeat("\\", 7),
}

// FuzzAppendFalcoJSON: whatever the texts are, a line is one line of UTF-8,
// its keys stand in order, and encoding/json reads back what went in, with
// each byte that is no UTF-8 replaced by U+FFFD.
func FuzzAppendFalcoJSON(f *testing.F) {
	for i, s := range nasty {
		f.Add(s, nasty[(i+1)%len(nasty)], nasty[(i+2)%len(nasty)], uint64(i)<<60, int64(i)<<55, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, s, key, name string, n uint64, nanos int64, iso bool) {
		at := time.Unix(0, nanos).UTC()
		a := &alert.Alert{
			Event: &audit.Event{Time: at},
			Detection: match.Detection{
				Rule:   &rules.Rule{Name: name, Priority: rules.Priority(n % 8), Source: key, Tags: []string{s, name}},
				Output: s,
				Fields: []match.OutputField{
					{Key: "ka.uri.param[" + key + "]", Value: s}, {Key: "list", Value: []string{s, key, ""}}, {Key: "none", Value: []string{}},
					{Key: "absent"}, {Key: "number", Value: n}, {Key: "truth", Value: iso},
				},
			},
		}
		line := alert.AppendFalcoJSON(nil, a, alert.Options{Hostname: name, ISO8601: iso})
		require.True(t, utf8.Valid(line), "%q", line)
		require.NotContains(t, string(line), "\n")
		require.Equal(t, -1, bytes.IndexFunc(line, func(r rune) bool { return r < ' ' }), "%q", line)

		clock, text := "evt.time", at.Format("15:04:05.000000000")
		if iso {
			clock, text = "evt.time.iso8601", at.Format("2006-01-02T15:04:05.000000000-0700")
		}
		want := map[string]any{
			"hostname": name, "output": text + ": " + rules.Priority(n%8).String() + " " + s,
			"output_fields": map[string]any{
				"ka.uri.param[" + key + "]": s, "list": []any{s, key, ""}, "none": []any{}, "absent": nil, "number": n, "truth": iso, clock: uint64(nanos),
			},
			"priority": rules.Priority(n % 8).String(), "rule": name, "source": key, "tags": []any{s, name}, "time": at.Format("2006-01-02T15:04:05.000000000Z"),
		}
		assert.Equal(t, reference(t, want), decoded(t, line))
		top := keys(t, line)
		assert.Equal(t, []string{"hostname", "output", "output_fields", "priority", "rule", "source", "tags", "time"}, top)
		assert.True(t, slices.IsSorted(keys(t, decodedFields(t, line))), "%s", line)
	})
}

// reference is what encoding/json makes of a value on the way out and in.
func reference(t *testing.T, v any) any {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return decoded(t, b)
}

func decoded(t *testing.T, b []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	require.NoError(t, d.Decode(&v), "%q", b)
	require.False(t, d.More(), "%q", b)
	return v
}

func decodedFields(t *testing.T, line []byte) []byte {
	t.Helper()
	var v struct {
		Fields json.RawMessage `json:"output_fields"`
	}
	require.NoError(t, json.Unmarshal(line, &v))
	return v.Fields
}

// keys gives the keys of an object as they stand.
func keys(t *testing.T, object []byte) (keys []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(object))
	_, err := d.Token()
	require.NoError(t, err)
	for d.More() {
		key, err := d.Token()
		require.NoError(t, err)
		keys = append(keys, key.(string))
		var skip json.RawMessage
		require.NoError(t, d.Decode(&skip))
	}
	return keys
}

// sgr are the colours that the answer line may hold.
var sgr = regexp.MustCompile(`\x1b\[[0-9]{1,2}m`)

// FuzzLines: whatever rules and events hold, the lines for people are one line
// and nothing in them but colours of our own moves a cursor or reorders text.
func FuzzLines(f *testing.F) {
	for i, s := range nasty {
		f.Add(s, nasty[(i+1)%len(nasty)], nasty[(i+2)%len(nasty)])
	}
	f.Fuzz(func(t *testing.T, s, cluster, name string) {
		a := &alert.Alert{
			Event:     hostileEvent(t, s, cluster),
			Detection: match.Detection{Rule: &rules.Rule{Name: name}, Output: s},
		}
		requirePrintable(t, alert.AppendText(nil, a, alert.Options{}))
		requirePrintable(t, alert.AppendAnswer(nil, a, alert.Options{}))
		colored := alert.AppendAnswer(nil, a, alert.Options{Color: true})
		requirePrintable(t, sgr.ReplaceAll(colored, nil))
		assert.Equal(t, string(alert.AppendAnswer(nil, a, alert.Options{})), string(sgr.ReplaceAll(colored, nil)), "colours change nothing else")
	})
}

// hostileEvent has s in every text that a client decides on.
func hostileEvent(t *testing.T, s, cluster string) *audit.Event {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"kind": "Event", "stageTimestamp": "2026-11-21T19:17:56Z", "stage": s, "auditID": s, "verb": s, "requestURI": s, "userAgent": s,
		"user": map[string]any{"username": s, "groups": []string{s}}, "impersonatedUser": map[string]any{"username": s}, "sourceIPs": []string{s},
		"objectRef":      map[string]any{"resource": s, "namespace": s, "name": s, "subresource": s, "apiGroup": s},
		"responseStatus": map[string]any{"code": 403, "reason": s, "message": s},
		"annotations":    map[string]any{"authorization.k8s.io/reason": s},
	})
	require.NoError(t, err)
	e := eventsOf(t, string(raw))[0]
	e.Cluster = cluster
	return e
}

func requirePrintable(t *testing.T, line []byte) {
	t.Helper()
	require.True(t, utf8.Valid(line), "%q", line)
	require.Equal(t, -1, bytes.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", line)
}
