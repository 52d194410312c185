package service

import (
	"bufio"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// linesIn reads Falco's JSON lines of files, each written by one process, and counts
// each detection. Only the last line of a file may break off; those are counted.
func linesIn(t testing.TB, paths ...string) (got map[string]int, torn int) {
	t.Helper()
	got = map[string]int{}
	for _, path := range paths {
		some, broken, last := readLines(t, path)
		require.True(t, broken == 0 || broken == 1 && last, "%d lines are broken within %s", broken, path)
		torn += broken
		for name, n := range some {
			got[name] += n
		}
	}
	return got, torn
}

// readLines reads Falco's JSON lines of a file, counts those that cannot be read, and
// tells whether the last one is one of them.
func readLines(t testing.TB, path string) (got map[string]int, broken int, last bool) {
	t.Helper()
	got = map[string]int{}
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var line struct {
			Rule   string
			Fields struct {
				AuditID string `json:"ka.auditid"`
			} `json:"output_fields"`
		}
		last = json.Unmarshal(lines.Bytes(), &line) != nil
		if last {
			broken++
			continue
		}
		got[lineOf(line.Fields.AuditID, line.Rule)]++
	}
	require.NoError(t, lines.Err())
	return got, broken, last
}

// requireDelivered holds that all acknowledged detections came, and none that was
// never sent. name is what names a detection at this output. It returns how many
// came more than once.
func requireDelivered(t testing.TB, output string, acked, sent []string, got map[string]int) (repeats int) {
	t.Helper()
	var lost, unknown []string
	for _, name := range acked {
		if got[name] == 0 {
			lost = append(lost, name)
		}
	}
	known := map[string]bool{}
	for _, name := range sent {
		known[name] = true
	}
	for name, n := range got {
		if !known[name] {
			unknown = append(unknown, name)
		}
		repeats += n - 1
	}
	slices.Sort(lost)
	assert.Empty(t, lost[:min(len(lost), 10)], "%s: %d of %d detections of acknowledged events are lost", output, len(lost), len(acked))
	assert.Empty(t, unknown[:min(len(unknown), 10)], "%s: %d detections that nobody sent", output, len(unknown))
	return repeats
}

// names gives what the acknowledged and the sent detections are called: by the HTTP
// output, and in lines.
func (s *senders) names() (ackedIDs, sentIDs, ackedLines, sentLines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, a := range s.acked {
		ackedIDs, ackedLines = append(ackedIDs, id), append(ackedLines, a.line)
	}
	for id, line := range s.sent {
		sentIDs, sentLines = append(sentIDs, id), append(sentLines, line)
	}
	return ackedIDs, sentIDs, ackedLines, sentLines
}

// requireAll holds that all that was acknowledged has come over HTTP.
func requireAll(t *testing.T, s *senders, r *receiver) {
	t.Helper()
	require.Empty(t, s.wrong)
	acked, sent, _, _ := s.names()
	require.NotEmpty(t, acked)
	repeats := requireDelivered(t, "http", acked, sent, r.counts())
	t.Logf("%d of %d detections acknowledged, %d repeats; %d bodies acknowledged", len(acked), len(sent), repeats, s.counts(http.StatusOK))
}
