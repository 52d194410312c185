package record

import (
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
)

var update = flag.Bool("update", false, "write the golden files anew")

const raw = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a-1","stage":"ResponseComplete","verb":"get",` +
	`"requestURI":"/api","stageTimestamp":"2026-11-21T10:00:00.5Z"}`

func detections() []match.Detection {
	return []match.Detection{
		{
			Rule:   &rules.Rule{Name: `Exec "into" pod`, Priority: rules.Warning, Source: "k8s_audit", Tags: []string{"T1609", "k8s"}},
			Output: "jane <b> ran\nsh & \u2028", Fields: []match.OutputField{
				{Key: "ka.user.name", Value: "jane"}, {Key: "evt.num", Value: uint64(1<<64 - 1)}, {Key: "b", Value: true},
				{Key: "absent", Value: nil}, {Key: "list", Value: []string{"a", ""}}, {Key: "none", Value: []string{}}, {Key: "no", Value: false},
			},
		},
		{Rule: &rules.Rule{Name: "second", Priority: rules.Emergency}, Fields: []match.OutputField{}},
	}
}

func item(id audit.Identity) Item {
	return Item{
		Flags: Expired, Raw: []byte(raw), Detections: EncodeDetections(detections()),
		Notes: EncodeNotes(Notes{ID: id, Redacted: []string{"/requestObject/data"}, Faults: []string{"bad: it failed"}}),
	}
}

func TestDecodeGivesWhatWasEncoded(t *testing.T) {
	id := audit.Identity{1, 2, 31: 9}
	received := time.Date(2026, 11, 21, 11, 0, 0, 5, time.UTC)
	events, errs := Decode(Stored{
		Source: "webhook", Cluster: "prod", Received: received, Ruleset: []byte{0xab, 1},
		Extra: EncodeExtra(map[string]string{"Region": "eu"}), Items: []Item{item(id), {Raw: []byte(raw), Notes: EncodeNotes(Notes{ID: id})}},
	})
	require.Empty(t, errs)
	require.Len(t, events, 2)
	e := events[0]
	assert.Equal(t, detections(), e.Detections)
	assert.Equal(t, id, e.ID)
	assert.Equal(t, []string{"/requestObject/data"}, e.Redacted)
	assert.Equal(t, []string{"bad: it failed"}, e.Faults)
	assert.Equal(t, map[string]string{"Region": "eu"}, e.Labels)
	assert.Equal(t, "ab01", e.Ruleset)
	assert.Equal(t, "webhook", e.Source)
	assert.Equal(t, "prod", e.Event.Cluster)
	assert.Equal(t, "a-1", e.Event.AuditID)
	assert.Equal(t, raw, string(e.Event.Raw))
	assert.Equal(t, received, e.Filed(), "an event that is late is filed when it was received")

	assert.Nil(t, events[1].Detections)
	assert.Equal(t, time.Date(2026, 11, 21, 10, 0, 0, 5e8, time.UTC), events[1].Filed())
}

// TestItemOfAListHasNoKind reads what API servers send: the items of their lists
// have neither kind nor apiVersion, and are stored so.
func TestItemOfAListHasNoKind(t *testing.T) {
	it := item(audit.Identity{1})
	it.Raw = []byte(strings.Replace(raw, `"kind":"Event","apiVersion":"audit.k8s.io/v1",`, "", 1))
	require.NotEqual(t, raw, string(it.Raw))
	events, errs := Decode(Stored{Source: "webhook", Items: []Item{it}})
	require.Empty(t, errs)
	require.Len(t, events, 1)
	e := events[0].Event
	assert.Equal(t, string(it.Raw), string(e.Raw))
	assert.Equal(t, "a-1", e.AuditID)
	assert.Equal(t, "webhook", e.Input)
	assert.Zero(t, e.Offset)
	assert.EqualValues(t, 1, e.Line)
}

func TestBadItemLeavesTheOthers(t *testing.T) {
	good := item(audit.Identity{7})
	for name, bad := range map[string]func(*Item){
		"no notes":              func(it *Item) { it.Notes = nil },
		"notes of version 2":    func(it *Item) { it.Notes = append([]byte{2}, it.Notes[1:]...) },
		"short identity":        func(it *Item) { it.Notes = it.Notes[:20] },
		"notes that are cut":    func(it *Item) { it.Notes = it.Notes[:len(it.Notes)-1] },
		"detections cut":        func(it *Item) { it.Detections = it.Detections[:30] },
		"unknown priority":      func(it *Item) { it.Detections = []byte(`[{"rule":"r","priority":"high"}]`) },
		"negative number":       func(it *Item) { it.Detections = []byte(`[{"rule":"r","priority":"Error","fields":[["a",-1]]}]`) },
		"field without a value": func(it *Item) { it.Detections = []byte(`[{"rule":"r","priority":"Error","fields":[["a"]]}]`) },
		"field with three":      func(it *Item) { it.Detections = []byte(`[{"rule":"r","priority":"Error","fields":[["a",1,2]]}]`) },
		"field without a name":  func(it *Item) { it.Detections = []byte(`[{"rule":"r","priority":"Error","fields":[[null,1]]}]`) },
		"a fraction":            func(it *Item) { it.Detections = []byte(`[{"rule":"r","priority":"Error","fields":[["a",1.5]]}]`) },
		"an object for a value": func(it *Item) { it.Detections = []byte(`[{"rule":"r","priority":"Error","fields":[["a",{}]]}]`) },
		"numbers in a list":     func(it *Item) { it.Detections = []byte(`[{"rule":"r","priority":"Error","fields":[["a",[1]]]}]`) },
		"two lists":             func(it *Item) { it.Detections = []byte(`[][]`) },
		"no event":              func(it *Item) { it.Raw = nil },
		"two events":            func(it *Item) { it.Raw = []byte(raw + raw) },
		"two in a list":         func(it *Item) { it.Raw = []byte(raw + "," + raw) },
		"the end of a list":     func(it *Item) { it.Raw = []byte(raw + `],"items":[`) },
		"white space around it": func(it *Item) { it.Raw = []byte(raw + "\n") },
		"a list":                func(it *Item) { it.Raw = []byte(`{"kind":"EventList","items":[` + raw + `]}`) },
		"not an event":          func(it *Item) { it.Raw = []byte(`{"kind":"Pod"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			broken := item(audit.Identity{8})
			bad(&broken)
			events, errs := Decode(Stored{Cluster: "prod", Items: []Item{broken, good}})
			require.Len(t, errs, 1)
			assert.Contains(t, errs[0].Error(), "item 1 of 2")
			require.Len(t, events, 1)
			assert.Equal(t, audit.Identity{7}, events[0].ID)
		})
	}
}

func TestUnknownKeysArePassedOver(t *testing.T) {
	it := item(audit.Identity{})
	it.Detections = []byte(`[{"rule":"r","priority":"Error","verdict":"deny","fields":[]}]`)
	it.Notes = append(EncodeNotes(Notes{}), `{"later":1}`...)
	events, errs := Decode(Stored{Extra: []byte(`{"labels":{"a":"b"},"later":[]}`), Items: []Item{it}})
	require.Empty(t, errs)
	assert.Equal(t, "r", events[0].Detections[0].Rule.Name)
	assert.Equal(t, map[string]string{"a": "b"}, events[0].Labels)
}

// TestGolden holds that what was written once is read for ever.
func TestGolden(t *testing.T) {
	it := item(audit.Identity{1, 2, 3})
	for name, b := range map[string][]byte{
		"detections-1": it.Detections, "notes-1": []byte(hex.EncodeToString(it.Notes)), "extra-1": EncodeExtra(map[string]string{"Region": "eu", "a": "b"}),
	} {
		path := filepath.Join("testdata", "golden", name)
		if *update {
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, append(b, '\n'), 0o644))
		}
		golden, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, strings.TrimSuffix(string(golden), "\n"), string(b), path)
	}
}

func TestDetectionID(t *testing.T) {
	a := DetectionID(audit.Identity{1}, "rule")
	assert.Len(t, a, 32)
	assert.Equal(t, a, DetectionID(audit.Identity{1}, "rule"))
	assert.NotEqual(t, a, DetectionID(audit.Identity{2}, "rule"))
	assert.NotEqual(t, a, DetectionID(audit.Identity{1}, "rules"))
}

func TestRecentForgetsTheOldest(t *testing.T) {
	r := NewRecent(2)
	id := func(n byte) audit.Identity { return audit.Identity{n} }
	for n := range byte(4) {
		assert.True(t, r.Add(id(n)))
		assert.False(t, r.Add(id(n)))
	}
	assert.True(t, r.Has(id(3)) && r.Has(id(2)), "the last two are always known")
	r.Add(id(4))
	assert.False(t, r.Has(id(0)))
	assert.True(t, r.Add(id(0)), "forgotten, so new again")
}

// FuzzDecode holds that no bytes make the decoder panic, and that what it reads
// is what it writes.
func FuzzDecode(f *testing.F) {
	it := item(audit.Identity{5})
	f.Add(it.Detections, it.Notes)
	f.Add([]byte(`[{"rule":"r","priority":"Error","fields":[["a",[]],["b",null]]}]`), EncodeNotes(Notes{}))
	f.Fuzz(func(t *testing.T, found, notes []byte) {
		if n, err := DecodeNotes(notes); err == nil {
			again, err := DecodeNotes(EncodeNotes(n))
			require.NoError(t, err)
			assert.Equal(t, len(n.Redacted), len(again.Redacted))
			assert.Equal(t, n.ID, again.ID)
		}
		d, err := decodeDetections(found)
		if err != nil {
			return
		}
		again, err := decodeDetections(EncodeDetections(d))
		require.NoError(t, err)
		require.Len(t, again, len(d))
		for i := range d {
			assert.Equal(t, d[i].Fields, again[i].Fields)
			assert.Equal(t, d[i].Rule.Name, again[i].Rule.Name)
			assert.Equal(t, d[i].Output, again[i].Output)
		}
	})
}
