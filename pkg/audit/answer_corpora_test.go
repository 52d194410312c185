package audit

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/test/corpora"
)

// TestAnswerCorpora answers every recorded event of whole clusters, attacks included.
func TestAnswerCorpora(t *testing.T) {
	for _, file := range []string{"attacks-a.jsonl.gz", "normal.jsonl.gz"} {
		t.Run(file, func(t *testing.T) {
			outcomes := map[Outcome]int{}
			eachLine(t, corpora.Shared(t, "corpora", file), func(line []byte) {
				a := answered(t, line)
				assertSentence(t, a.Sentence())
				outcomes[a.What.Outcome]++
				assertPlausible(t, a, line)
			})
			t.Log(outcomes)
			assert.Zero(t, outcomes[OutcomeUnknown], "every event of an API server shows how it ended")
			assert.Zero(t, outcomes[OutcomeAllowed])
			assert.Zero(t, outcomes[OutcomeForbidden])
		})
	}
}

// assertPlausible holds what is true of every event of an API server.
func assertPlausible(t *testing.T, a Answer, line []byte) {
	t.Helper()
	s := a.Sentence()
	assert.NotEqual(t, ActionOther, a.What.Action, "%s", line)
	assert.NotEmpty(t, a.Who.SourceIP, "%s", line)
	assert.False(t, a.When.Received.IsZero() || a.When.StageTime.IsZero(), "%s", line)
	assert.Equal(t, a.When.Stage == stageReceived, strings.Contains(s, " is asking to "), s)
	assert.Equal(t, a.What.Resource == "", a.What.Action == ActionCall, "%s", line)
	assert.NotContains(t, s, "  ", "%s", line)
	assert.NotContains(t, s, `""`, "%s", line)
	assert.NotContains(t, s, "()", "%s", line)
	if a.What.Outcome == OutcomeSucceeded && a.When.Stage == stageComplete && a.What.Action == ActionCreate && a.What.Resource != "" {
		assert.NotEmpty(t, a.What.Name, "%s", line)
	}
}

func eachLine(t *testing.T, path string, f func(line []byte)) {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	lines := bufio.NewScanner(unzipped)
	lines.Buffer(make([]byte, 1<<20), 64<<20)
	for lines.Scan() {
		f(bytes.Clone(lines.Bytes()))
	}
	require.NoError(t, lines.Err())
}
