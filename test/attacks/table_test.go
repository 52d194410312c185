package attacks

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// table says which tags fit which scenario.
type table map[string][]string

// leftOut stands in a row in place of tags: the scenario does not count.
const leftOut = "-"

var technique = regexp.MustCompile(`^T1\d{3}(\.\d{3})?$`)

// readTable reads fits.txt.
func readTable(t *testing.T) table {
	t.Helper()
	file, err := os.Open("fits.txt")
	require.NoError(t, err)
	defer file.Close()
	rows := table{}
	for lines, n := bufio.NewScanner(file), 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		scenario, tags, found := strings.Cut(line, ": ")
		require.True(t, found, "fits.txt:%d: want SCENARIO: TAG ...", n)
		require.NotContains(t, rows, scenario, "fits.txt:%d: a second row", n)
		rows[scenario] = strings.Fields(tags)
		if rows[scenario][0] == leftOut {
			rows[scenario] = []string{leftOut}
			continue
		}
		for _, tag := range rows[scenario] {
			require.Regexp(t, technique, tag, "fits.txt:%d", n)
		}
	}
	return rows
}

// counts tells whether a scenario is one of those that the rules must find.
func (rows table) counts(scenario string) bool {
	tags := rows[scenario]
	return len(tags) > 0 && tags[0] != leftOut
}

// fits tells whether a detection with these tags says what the scenario is.
func (rows table) fits(scenario string, tags []string) bool {
	return slices.ContainsFunc(rows[scenario], func(tag string) bool { return slices.Contains(tags, tag) })
}

// TestTable holds the table to the recording of this folder: a row for each
// scenario and none besides.
func TestTable(t *testing.T) {
	rows := readTable(t)
	order, _ := readLabels(t, "testdata/labels.jsonl.gz")
	for _, s := range order {
		assert.Contains(t, rows, s)
	}
	assert.Len(t, rows, len(order))
	out := 0
	for s := range rows {
		if !rows.counts(s) {
			out++
		}
	}
	assert.Equal(t, 6, out, fmt.Sprintf("scenarios left out, of %d", len(rows)))
}
