package conformance

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sets are the recorded sets of this folder and how many alerts each holds.
var sets = map[string]int{"fuzz-2": 28775, "fuzz-3": 32094, "fuzz-5": 31010}

// recorded and replayed are the same alert, as the recorder and as Falco write it.
const (
	recorded = `{"n":7,"output":"exec by ann (ns=shop)","output_fields":{"ka.user.name":"ann","ka.user.groups":["dev","ops"],"ka.response.code":null},"priority":"Warning","rule":"Exec","tags":["k8s","t1"],"time":"2026-01-02T03:04:05.000001000Z"}`
	replayed = `{"hostname":"h","output":"03:04:05.000001000: Warning exec by ann (ns=shop)","output_fields":{"evt.num":7,"evt.time":1767323045000001000,"ka.response.code":null,"ka.user.groups":["dev","ops"],"ka.user.name":"ann"},"priority":"Warning","rule":"Exec","source":"k8s_audit","tags":["k8s","t1"],"time":"2026-01-02T03:04:05.000001000Z"}`
)

func read(t *testing.T, lines ...string) []Alert {
	t.Helper()
	alerts, err := ReadAlerts(strings.NewReader(strings.Join(lines, "\n")))
	require.NoError(t, err)
	return alerts
}

func TestCompareSame(t *testing.T) {
	r := Compare(read(t, recorded), read(t, "a summary line", "", replayed))
	assert.True(t, r.Same(), r)
	assert.Equal(t, "1 of 1 alerts as Falco, 0 differences\n", r.String())
}

// TestCompareDiffers changes one thing of an alert at a time.
func TestCompareDiffers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, new string
		want     []Difference
	}{
		{"priority", `"priority":"Warning"`, `"priority":"Notice"`,
			[]Difference{{OtherPriority, 7, "Exec", `"Warning"`, `"Notice"`}}},
		{"output", `by ann`, `by bob`,
			[]Difference{{OtherOutput, 7, "Exec", `"exec by ann (ns=shop)"`, `"exec by bob (ns=shop)"`}}},
		{"field's value", `"ka.user.name":"ann"`, `"ka.user.name":"bob"`,
			[]Difference{{OtherFields, 7, "Exec", `{"ka.user.name":"ann"}`, `{"ka.user.name":"bob"}`}}},
		{"order in a list", `["dev","ops"]`, `["ops","dev"]`,
			[]Difference{{OtherFields, 7, "Exec", `{"ka.user.groups":["dev","ops"]}`, `{"ka.user.groups":["ops","dev"]}`}}},
		{"null for absent", `"ka.response.code":null,`, ``,
			[]Difference{{OtherFields, 7, "Exec", `{"ka.response.code":null}`, `{}`}}},
		{"text for null", `"ka.response.code":null`, `"ka.response.code":"<NA>"`,
			[]Difference{{OtherFields, 7, "Exec", `{"ka.response.code":null}`, `{"ka.response.code":"<NA>"}`}}},
		{"field too many", `"ka.user.name":"ann"`, `"ka.user.name":"ann","ka.verb":"get"`,
			[]Difference{{OtherFields, 7, "Exec", `{}`, `{"ka.verb":"get"}`}}},
		{"tags", `["k8s","t1"]`, `["k8s"]`,
			[]Difference{{OtherTags, 7, "Exec", `["k8s","t1"]`, `["k8s"]`}}},
		{"time", `05.000001000Z`, `05.000001Z`,
			[]Difference{{OtherTime, 7, "Exec", `"2026-01-02T03:04:05.000001000Z"`, `"2026-01-02T03:04:05.000001Z"`}}},
		{"event", `"evt.num":7`, `"evt.num":8`, []Difference{
			{Unexpected, 8, "Exec", "", `"exec by ann (ns=shop)"`},
			{Missing, 7, "Exec", `"exec by ann (ns=shop)"`, ""}}},
		{"rule", `"rule":"Exec"`, `"rule":"exec"`, []Difference{
			{Unexpected, 7, "exec", "", `"exec by ann (ns=shop)"`},
			{Missing, 7, "Exec", `"exec by ann (ns=shop)"`, ""}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			changed := strings.Replace(replayed, tt.old, tt.new, 1)
			require.NotEqual(t, replayed, changed)
			r := Compare(read(t, recorded), read(t, changed))
			assert.False(t, r.Same())
			assert.Equal(t, tt.want, r.Differences)
		})
	}
}

func TestCompareCounts(t *testing.T) {
	other := strings.Replace(replayed, `"rule":"Exec"`, `"rule":"Other"`, 1)

	r := Compare(read(t, recorded), nil)
	assert.Equal(t, "missing alert: 1\n   event 7, rule \"Exec\"\n      want \"exec by ann (ns=shop)\"\n0 of 1 alerts as Falco, 1 differences\n", r.String())

	r = Compare(read(t, recorded), read(t, replayed, replayed, replayed))
	assert.Equal(t, []Difference{
		{Twice, 7, "Exec", "", `"exec by ann (ns=shop)"`},
		{Twice, 7, "Exec", "", `"exec by ann (ns=shop)"`}}, r.Differences)

	// The order of a run's alerts is free.
	want := read(t, replayed, other)
	assert.True(t, Compare(want, read(t, other, replayed)).Same())
}

func TestReportShowsFirstExamples(t *testing.T) {
	var lines []string
	for i := range 20 {
		lines = append(lines, strings.Replace(replayed, `"evt.num":7`, fmt.Sprintf(`"evt.num":%d`, i), 1))
	}
	long := strings.Replace(lines[0], "by ann", strings.Repeat("a", 5000), 1)
	r := Compare(nil, read(t, append(lines[1:], long)...))
	assert.Len(t, r.Differences, 20)
	assert.Equal(t, 5, strings.Count(r.String(), "event "))
	assert.Less(t, len(r.String()), 3000)
	assert.Contains(t, r.String(), "alert Falco does not give: 20\n   event 0,")
}

func TestReadAlertsRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"cut off", recorded[:80], "line 1: not an alert"},
		{"no event number", strings.Replace(replayed, `"evt.num":7,`, ``, 1), "run with evt.num as an appended field"},
		{"null event number", strings.Replace(replayed, `"evt.num":7`, `"evt.num":null`, 1), "run with evt.num as an appended field"},
		{"no rule", strings.Replace(replayed, `"rule"`, `"rul"`, 1), `it has no "rule"`},
		{"no time", strings.Replace(replayed, `"time"`, `"tim"`, 1), `it has no "time"`},
		{"two on a line", recorded + recorded, "text after the object"},
		{"second line", recorded + "\n{}", "line 2: not an alert"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ReadAlerts(strings.NewReader(tt.text))
			assert.ErrorContains(t, err, tt.want)
		})
	}
}

func TestReadExpectedRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "expected.jsonl.gz")

	_, err := ReadExpected(path)
	assert.ErrorIs(t, err, os.ErrNotExist)

	require.NoError(t, os.WriteFile(path, []byte(recorded), 0o600))
	_, err = ReadExpected(path)
	assert.ErrorContains(t, err, "gzip")

	zip := func(text string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		return b.Bytes()
	}
	require.NoError(t, os.WriteFile(path, zip("\n"), 0o600))
	_, err = ReadExpected(path)
	assert.ErrorContains(t, err, "no alert in it")

	whole := zip(recorded)
	require.NoError(t, os.WriteFile(path, whole[:len(whole)-9], 0o600))
	_, err = ReadExpected(path)
	assert.ErrorContains(t, err, "unexpected EOF")
}

// TestRecordedSets holds that the sets are whole, and that the comparison sees a
// single changed alert among tens of thousands.
func TestRecordedSets(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		t.Run(name, func(t *testing.T) {
			assert.FileExists(t, filepath.Join(name, "rules.yaml"))
			assert.FileExists(t, filepath.Join(name, "events.jsonl.gz"))
			want, err := ReadExpected(filepath.Join(name, "expected-all.jsonl.gz"))
			require.NoError(t, err)
			require.Equal(t, sets[name], len(want))

			got := slices.Clone(want)
			assert.True(t, Compare(want, got).Same())
			i := len(got) / 2
			got[i].Output += "."
			assert.Equal(t, []Difference{{OtherOutput, got[i].Event, got[i].Rule, text(want[i].Output), text(got[i].Output)}},
				Compare(want, got).Differences)
			assert.Equal(t, 2, len(Compare(want, got[1:]).Differences))
		})
	}
}
