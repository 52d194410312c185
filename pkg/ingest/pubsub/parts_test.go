package pubsub

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPartsHangOnTheEvent: in any order, with others between them and some of them twice.
func TestPartsHangOnTheEvent(t *testing.T) {
	w := newWorld(t, nil)
	ids := w.publish(part("p", "prod", 2, 3), part("p", "prod", 0, 3), part("p", "prod", 2, 3), part("q", "prod", 1, 2))
	others := w.publish(entry("a", "prod"), entry("b", "prod"))
	w.eventually("the others are acknowledged", func() bool { return w.acked(others...) && w.sub.Status().Parts == 4 })
	assert.Zero(t, w.acks(ids...))
	whole := w.publish(part("p", "prod", 1, 3))
	w.eventually("the entry is whole", func() bool { return w.acked(append(whole, ids[:3]...)...) })
	assert.Zero(t, w.acks(ids[3]), "the other one still waits")
	w.requireStored("a", "b", "p")
	for _, e := range w.log.events(t) {
		if e.Event.AuditID != "p" {
			continue
		}
		assert.NotContains(t, string(e.Event.Raw), "truncated")
		for i := range 3 {
			assert.Contains(t, string(e.Event.Raw), fmt.Sprintf(`"part-%d":"here"`, i))
		}
	}
	assert.Zero(t, w.sub.Status().Truncated)
}

func TestPartsThatDoNotComeAreGivenUp(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.PartWait = 50 * time.Millisecond })
	ids := w.publish(part("p", "prod", 0, 3), part("p", "prod", 2, 3))
	w.eventually("they are acknowledged", func() bool { return w.acked(ids...) })
	events := w.log.events(t)
	require.NotEmpty(t, events)
	assert.Equal(t, "p", events[0].Event.AuditID)
	assert.Contains(t, string(events[0].Event.Raw), `"audit.k8s.io/truncated":"true"`)
	assert.Positive(t, w.sub.Status().Truncated)

	late := w.publish(part("p", "prod", 1, 3))
	w.eventually("what comes later is, too", func() bool { return w.acked(late...) })
	w.requireStored("p")
}

// TestPartsWaitForTheLog: a truncated event that is not stored acknowledges nothing, and the parts come again.
func TestPartsWaitForTheLog(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.PartWait, c.Hold = 20*time.Millisecond, time.Millisecond })
	w.log.set(refusing(errFull))
	ids := w.publish(part("p", "prod", 0, 2))
	w.eventually("it came again", func() bool { return w.sub.Status().Redelivered > 1 })
	assert.Zero(t, w.acks(ids...))
	w.log.set(refusing(nil))
	w.eventually("it is acknowledged", func() bool { return w.acked(ids...) })
	w.requireStored("p")
}

func TestPartKey(t *testing.T) {
	for text, want := range map[string]string{
		part("p", "c", 0, 3):                            "p+2026/3",
		entry("e", "c"):                                 "",
		`{"split":{"uid":"u","totalSplits":"2"}}`:       "u/2",
		`{"split":{"uid":"u","totalSplits":1}}`:         "",
		`{"split":{"uid":"u","totalSplits":-2}}`:        "",
		`{"split":{"uid":7,"totalSplits":2}}`:           "",
		`{"split":null}`:                                "",
		`{"split":[]}`:                                  "",
		`{"request":{"split":{"uid":"u"},"x":"split"}}`: "",
		`{"split":{"uid":"u","totalSplits":2}`:          "",
	} {
		assert.Equal(t, want, partKey([]byte(text)), text)
	}
}

// TestPartsAreBounded: what there is no room to wait for is given up, the oldest first; a bad part is nobody's.
func TestPartsAreBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	ps := newParts(3, 1<<20)
	add := func(text string) (whole *split, over []*split, err error) {
		m := &message{data: []byte(text)}
		_, whole, over, err = ps.add(partKey(m.data), m, now)
		now = now.Add(time.Second)
		return whole, over, err
	}
	for i, id := range []string{"a", "b", "c"} {
		whole, over, err := add(part(id, "prod", 0, 3))
		require.NoError(t, err)
		require.Nil(t, whole)
		require.Empty(t, over)
		require.Equal(t, i+1, ps.waiting())
	}
	_, _, err := add(part("x", "prod", 7, 3))
	require.Error(t, err)
	require.Equal(t, 3, ps.waiting())
	_, over, err := add(part("c", "prod", 1, 3))
	require.NoError(t, err)
	require.Len(t, over, 1)
	assert.Equal(t, "a+2026/3", over[0].key)
	assert.Len(t, over[0].parts.Flush(), 1)

	assert.Empty(t, ps.expired(time.Unix(1_800_000_001, 0)))
	assert.Len(t, ps.expired(time.Unix(1_800_000_002, 0)), 1, "b")
	whole, _, err := add(part("c", "prod", 2, 3))
	require.NoError(t, err)
	require.NotNil(t, whole)
	assert.Len(t, whole.messages, 3)
	assert.Zero(t, ps.waiting())
	assert.Zero(t, ps.size)

	_, _, err = add(part("d", "prod", 2, 3))
	require.NoError(t, err)
	assert.Len(t, ps.close(), 1)
	_, _, err = add(part("d", "prod", 1, 3))
	assert.ErrorIs(t, err, errClosed)
}
