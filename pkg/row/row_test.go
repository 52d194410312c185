package row_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/operator"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// requireSame holds all that is known of two events against each other.
func requireSame(t *testing.T, want, got *record.Event) {
	t.Helper()
	require.Equal(t, string(want.Event.Raw), string(got.Event.Raw))
	require.Equal(t, want.Event.AuditID, got.Event.AuditID)
	require.Equal(t, want.Event.Stage, got.Event.Stage)
	require.Equal(t, want.Event.Time, got.Event.Time)
	require.Equal(t, want.Event.DuplicateKeys, got.Event.DuplicateKeys)
	require.Equal(t, want.Event.Cluster, got.Event.Cluster)
	w, g := *want, *got
	w.Event, g.Event = nil, nil
	require.Equal(t, w, g)
}

func TestDecodeGivesWhatWasEncoded(t *testing.T) {
	for _, e := range corpus(t) {
		for _, want := range []*record.Event{recordOf(e), full(e)} {
			got, err := row.Decode(row.Encode(want))
			require.NoError(t, err)
			requireSame(t, want, got)
		}
	}
}

// TestColumnsAreWhatRulesSee finds every field of every event anew and holds it
// against the columns.
func TestColumnsAreWhatRulesSee(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range corpus(t) {
		requireColumns(t, recordOf(e), seen)
	}
	assert.Greater(t, len(seen), 100, "the corpora have most fields")
}

// requireColumns looks for a value of each field in its column, and for a column's
// field that is absent.
func requireColumns(t *testing.T, e *record.Event, seen map[string]bool) {
	t.Helper()
	r := row.Encode(e)
	for _, f := range field.Default().All() {
		info, ok := row.Column(f)
		if !ok {
			continue
		}
		require.Equal(t, valueOf(f, e), r.Value(info.Name), "%s in %s", f.Name, e.Event.Raw)
		seen[f.Name] = seen[f.Name] || r.Value(info.Name) != ""
	}
	names := map[string]bool{}
	for _, c := range r.Columns {
		require.False(t, names[c.Name], "column %s is there twice", c.Name)
		require.NotEmpty(t, c.Value, c.Name)
		names[c.Name] = true
	}
}

// TestColumnsOfEventsWithArraysOnTheWay puts each object of a body into an array, one at
// a time: fields look into arrays on their way.
func TestColumnsOfEventsWithArraysOnTheWay(t *testing.T) {
	tried := 0
	for i, e := range corpus(t) {
		if i%20 != 0 {
			continue
		}
		var event map[string]any
		require.NoError(t, json.Unmarshal(e.Raw, &event))
		event["kind"] = "Event" // items of lists have none
		wrapEach(event, 4, func() {
			raw, err := json.Marshal(event)
			require.NoError(t, err)
			requireColumns(t, recordOf(parseEvent(t, string(raw))), map[string]bool{})
			tried++
		})
	}
	assert.Greater(t, tried, 500)
}

// wrapEach calls try with each object below an object in an array, to a depth.
func wrapEach(object map[string]any, depth int, try func()) {
	for key, v := range object {
		below, ok := v.(map[string]any)
		if !ok || depth == 0 {
			continue
		}
		object[key] = []any{below, map[string]any{}}
		try()
		object[key] = below
		wrapEach(below, depth-1, try)
	}
}

func valueOf(f *field.Field, e *record.Event) string {
	items := f.Extract(&field.Context{Event: e.Event}, field.Arg{})
	switch {
	case items == nil:
		return ""
	case f.List:
		texts := make([]string, len(items))
		for i, item := range items {
			texts[i] = operator.CutNUL(item.Text)
		}
		return string(row.AppendList(nil, texts))
	case operator.CutNUL(items[0].Text) == "":
		return row.Empty
	}
	return operator.CutNUL(items[0].Text)
}

func TestRowOfDetections(t *testing.T) {
	e := full(parseEvent(t, `{"kind":"Event","auditID":"a","verb":"","user":{"username":"ja\u0000ne","groups":["a\"b","c\nd\u0000e"]},"stageTimestamp":"2026-11-21T10:00:00.5Z"}`))
	r := row.Encode(e)
	assert.Equal(t, row.ID(e.ID), r.ID)
	assert.Equal(t, "prod", r.Cluster)
	assert.Equal(t, received, r.Time, "filed when it was received")
	assert.True(t, r.Refiled)
	for name, want := range map[string]string{
		row.Rules:      `["Exec \"into\" pod","second"]`,
		row.Tags:       `["T1609","k8s"]`,
		row.Priority:   "emergency",
		row.Detections: string(record.EncodeDetections(e.Detections)),
		row.Redacted:   `["/requestObject/data/a~1b","/x\"\\\u0001"]`,
		row.Faults:     `["rule: it failed",""]`,
		row.Source:     "webhook",
		row.Received:   "2026-11-21T11:00:00.123456789Z",
		row.Ruleset:    e.Ruleset,
		row.Labels:     `{"Team":"\"\u003ca\u003e\"","region":"eu"}`,
		row.Flags:      "1",
		row.Link:       `{"review":"u-1","at":"2026-11-21T11:00:00.123456789Z","audit":"a-1","told":["Exec \"into\" pod"]}`,

		"kw.admission.uid": "u-1",
		"ka.verb":          row.Empty,
		"ka.user.name":     "ja",
		"ka.user.groups":   `["a\"b","c\u000ad"]`,
		"ka.uri":           "",
	} {
		assert.Equal(t, want, r.Value(name), name)
	}
}

func TestDecodeSaysWhatIsWrong(t *testing.T) {
	good := row.Encode(full(parseEvent(t, `{"kind":"Event","stageTimestamp":"2026-11-21T10:00:00.5Z"}`)))
	with := func(name, value string) func(r *store.Row) {
		return func(r *store.Row) { r.Columns = append(r.Columns, store.Column{Name: name, Value: value}) }
	}
	for want, change := range map[string]func(r *store.Row){
		"an ID of 2 bytes, it has 64": func(r *store.Row) { r.ID = "ab" },
		"column received":             with(row.Received, "yesterday"),
		"column flags":                with(row.Flags, "-1"),
		"column link":                 with(row.Link, "u-1"),
		"column labels":               with(row.Labels, "{"),
		"column redacted":             with(row.Redacted, `["a",]`),
		"column faults":               with(row.Faults, `["a"`),
		"detections":                  with(row.Detections, `[1]`),
		"event":                       func(r *store.Row) { r.Raw = []byte("{}") },
		"kept beside it":              func(r *store.Row) { r.Lost = true },
	} {
		r := good
		r.Columns = slices.Clone(good.Columns)
		change(&r)
		_, err := row.Decode(r)
		require.ErrorContains(t, err, want)
	}
}
