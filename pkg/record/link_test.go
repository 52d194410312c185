package record

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

var link = &Link{Review: "0df28fbd", At: time.Date(2026, 11, 30, 12, 0, 0, 123456000, time.UTC), Audit: "a", Told: []string{"rule", `"<other>"`}}

// TestLinkIsKept in the notes, beside what else stands there, and in a form that later versions read.
func TestLinkIsKept(t *testing.T) {
	notes := WithLink(EncodeNotes(Notes{ID: audit.Identity{1}, Faults: []string{"f"}}), link)
	n, err := DecodeNotes(notes)
	require.NoError(t, err)
	assert.Equal(t, Notes{ID: audit.Identity{1}, Faults: []string{"f"}, Link: link}, n)

	path := filepath.Join("testdata", "golden", "notes-1-link")
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(hex.EncodeToString(notes)+"\n"), 0o644))
	}
	golden, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSpace(string(golden)), hex.EncodeToString(notes))

	it := item(audit.Identity{1})
	it.Notes = notes
	events, errs := Decode(Stored{Cluster: "prod", Items: []Item{it}})
	require.Empty(t, errs)
	assert.Equal(t, link, events[0].Link)
	assert.Equal(t, "0df28fbd", events[0].Event.Review)
	assert.Equal(t, []byte("broken"), WithLink([]byte("broken"), link), "the others are not lost with it")
}

// TestCounts: what was joined counts as its review, but for what ends long after.
func TestCounts(t *testing.T) {
	at := link.At
	joined := func() *Event {
		return &Event{ID: audit.Identity{1}, Event: &audit.Event{Cluster: "prod", Time: at.Add(time.Second)}, Link: &Link{Review: "r", At: at}}
	}
	id, when := joined().Counts()
	assert.Equal(t, ReviewIdentity("prod", "r"), id)
	assert.NotEqual(t, ReviewIdentity("stage", "r"), id)
	assert.Equal(t, at, when)
	for name, change := range map[string]func(*Event){
		"the end of a stream":      func(e *Event) { e.Event.Time = at.Add(joinedFor + 1) },
		"a review that came later": func(e *Event) { e.Event.Time, e.Link.Audit = at, "a" },
		"one that is not joined":   func(e *Event) { e.Link = nil },
	} {
		e := joined()
		change(e)
		id, when = e.Counts()
		assert.Equal(t, e.ID, id, name)
		assert.Equal(t, e.Event.Time, when, name)
	}
}

func TestRuleNames(t *testing.T) {
	it := item(audit.Identity{1})
	names := RuleNames(it.Detections)
	require.NotEmpty(t, names)
	events, errs := Decode(Stored{Items: []Item{it}})
	require.Empty(t, errs)
	for _, d := range events[0].Detections {
		assert.Contains(t, names, d.Rule.Name)
	}
	assert.Empty(t, RuleNames(nil))
	assert.Empty(t, RuleNames([]byte("broken")))
	assert.Equal(t, []string{"a"}, RuleNames([]byte(`[{"rule":"a"},{"rule":"a"}]`)))
}
