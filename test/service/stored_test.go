package service

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inStore asks the embedded store of a data folder that no process uses for all that
// it has: how often each event is there, and each detection.
func inStore(t testing.TB, data string) (events, detections map[string]int) {
	t.Helper()
	cmd := exec.Command(binary(t, ""), "search", "", "--data", data, "--from", "2000-01-01T00:00:00Z", "--limit", "1000000", "--output", "json")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s", &stderr)
	events, detections = map[string]int{}, map[string]int{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var line struct {
			ID         string
			Detections []struct{ ID string }
		}
		require.NoError(t, json.Unmarshal(lines.Bytes(), &line), "%.200s", lines.Text())
		events[line.ID]++
		for _, d := range line.Detections {
			detections[d.ID]++
		}
	}
	require.NoError(t, lines.Err())
	return events, detections
}

// requireStored holds that the embedded store has each acknowledged event, and each
// detection in it, exactly once, and nothing that nobody sent.
func (k *killing) requireStored(t testing.TB) (kept int) {
	t.Helper()
	events, detections := inStore(t, k.data())
	acked, sent, _, _ := k.senders.names()
	requireOnce(t, "event", events, k.senders.stored)
	expected := map[string]bool{}
	for _, id := range sent {
		expected[id] = false
	}
	for _, id := range acked {
		expected[id] = true
	}
	requireOnce(t, "detection", detections, expected)
	return len(events)
}

// requireOnce holds that of all names that may be there, with whether they must be,
// none is there twice, and no other.
func requireOnce(t testing.TB, what string, got map[string]int, may map[string]bool) {
	t.Helper()
	var lost, twice, unknown []string
	for name, must := range may {
		if must && got[name] == 0 {
			lost = append(lost, name)
		}
	}
	for name, n := range got {
		if n > 1 {
			twice = append(twice, name)
		}
		if _, ok := may[name]; !ok {
			unknown = append(unknown, name)
		}
	}
	assert.Empty(t, lost[:min(len(lost), 10)], "%d acknowledged %ss are not in the store, which has %d", len(lost), what, len(got))
	assert.Empty(t, twice[:min(len(twice), 10)], "%d %ss are in the store more than once", len(twice), what)
	assert.Empty(t, unknown[:min(len(unknown), 10)], "%d %ss are in the store that nobody sent", len(unknown), what)
}
