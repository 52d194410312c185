package output_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink/output"
)

// answers writes one delivery as answers and gives the lines.
func answers(t *testing.T, events ...*record.Event) []string {
	t.Helper()
	var got calls
	s := output.NewStream(output.StreamConfig{Writer: &got, Format: output.Answer})
	require.NoError(t, s.Write(t.Context(), events))
	require.Len(t, got, 1)
	lines := strings.Split(strings.TrimSuffix(got[0], "\n"), "\n")
	c := s.Counters()
	assert.EqualValues(t, len(ids(events)), c.Detections)
	assert.EqualValues(t, len(ids(events))-len(lines), c.Folded)
	return lines
}

// TestFold holds what shares a line.
func TestFold(t *testing.T) {
	read := seen{user: "jane", verb: "get", namespace: "shop", name: "a", code: 200}
	with := func(change func(*seen)) seen {
		s := read
		change(&s)
		return s
	}
	late := func(d time.Duration) seen { return with(func(s *seen) { s.after = d }) }
	for name, c := range map[string]struct {
		events []seen
		ends   []string // of the lines; "": no count
	}{
		"one":                     {[]seen{read}, []string{""}},
		"the same twice":          {[]seen{read, read}, []string{"  \u00d72"}},
		"over time":               {[]seen{read, late(time.Second), late(2100 * time.Millisecond)}, []string{"  \u00d73 in 2.1s"}},
		"other names":             {[]seen{read, with(func(s *seen) { s.name = "b" }), late(time.Second)}, []string{"  \u00d73 in 1s, 2 names"}},
		"at the window's end":     {[]seen{read, late(output.FoldWindow)}, []string{"  \u00d72 in 10s"}},
		"behind the window":       {[]seen{read, late(output.FoldWindow + 1)}, []string{"", ""}},
		"out of order":            {[]seen{late(8 * time.Second), read, late(-3 * time.Second)}, []string{"  \u00d72 in 8s", ""}},
		"other user":              {[]seen{read, with(func(s *seen) { s.user = "joe" })}, []string{"", ""}},
		"other verb":              {[]seen{read, with(func(s *seen) { s.verb = "delete" })}, []string{"", ""}},
		"other namespace":         {[]seen{read, with(func(s *seen) { s.namespace = "bank" })}, []string{"", ""}},
		"other outcome":           {[]seen{read, with(func(s *seen) { s.code = 404 })}, []string{"", ""}},
		"two between one another": {[]seen{read, with(func(s *seen) { s.user = "joe" }), read}, []string{"  \u00d72", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			var events []*record.Event
			for i, s := range c.events {
				events = append(events, s.event(t, i, "Secret read"))
			}
			lines := answers(t, events...)
			require.Len(t, lines, len(c.ends), "%q", lines)
			for i, end := range c.ends {
				if end == "" {
					assert.NotContains(t, lines[i], "\u00d7")
				}
				assert.True(t, strings.HasSuffix(lines[i], "[prod/"+place(lines[i])+"]"+end), "%q", lines[i])
			}
		})
	}
}

// place reads the namespace off a line.
func place(line string) string {
	_, rest, _ := strings.Cut(line, "[prod/")
	ns, _, _ := strings.Cut(rest, "]")
	return ns
}

// TestFoldOtherRules: two rules on one event are two lines.
func TestFoldOtherRules(t *testing.T) {
	read := seen{user: "jane", verb: "get", namespace: "shop", name: "a", code: 200}
	lines := answers(t, read.event(t, 1, "Secret read", "Secret read at night"), read.event(t, 2, "Secret read", "Secret read at night"))
	require.Len(t, lines, 2)
	assert.Contains(t, lines[0], "Secret read  ")
	assert.Contains(t, lines[1], "Secret read at night")
	for _, l := range lines {
		assert.True(t, strings.HasSuffix(l, "  \u00d72"), l)
	}
}

// TestFoldKeepsCommandsApart: what was run is no detail that a count may hide.
func TestFoldKeepsCommandsApart(t *testing.T) {
	exec := func(n int, uri string) *record.Event {
		return seen{user: "jane", verb: "create", namespace: "shop", name: "a", code: 101, uri: "/api/v1/namespaces/shop/" + uri}.event(t, n, "Exec")
	}
	require.Len(t, answers(t, exec(1, "secrets/a?dryRun=All"), exec(2, "secrets/a")), 2)
}

var count = regexp.MustCompile("  \u00d7([0-9]+)(?: in [0-9.ms]+)?(?:, [0-9]+ names)?$")

// TestFoldCountsAddUp: over random deliveries, cut anywhere, the lines' counts are
// the detections, and the same input gives the same lines.
func TestFoldCountsAddUp(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 0))
		var events []*record.Event
		var got [2]calls
		for n := range 200 {
			s := seen{user: fmt.Sprint("u", r.IntN(3)), verb: []string{"get", "delete"}[r.IntN(2)], namespace: fmt.Sprint("ns", r.IntN(2)),
				name: fmt.Sprint("n", r.IntN(4)), code: []int{200, 403}[r.IntN(2)], after: time.Duration(r.IntN(60)) * time.Second}
			events = append(events, s.event(t, n, []string{"a", "b", "c"}[:r.IntN(4)]...))
		}
		for i := range got {
			r := rand.New(rand.NewPCG(seed, 1))
			s := output.NewStream(output.StreamConfig{Writer: &got[i], Format: output.Answer})
			for rest := events; len(rest) > 0; {
				n := min(1+r.IntN(80), len(rest))
				require.NoError(t, s.Write(t.Context(), rest[:n]))
				rest = rest[n:]
			}
		}
		require.Equal(t, got[0], got[1])
		sum := 0
		for _, line := range strings.Split(strings.TrimSuffix(strings.Join(got[0], ""), "\n"), "\n") {
			n := 1
			if m := count.FindStringSubmatch(line); m != nil {
				n, _ = strconv.Atoi(m[1])
				require.Greater(t, n, 1)
			}
			sum += n
		}
		require.Equal(t, len(ids(events)), sum, "seed %d", seed)
	}
}

// TestOnlyAnswersFold: programs get every detection.
func TestOnlyAnswersFold(t *testing.T) {
	read := seen{user: "jane", verb: "get", namespace: "shop", name: "a", code: 200}
	events := []*record.Event{read.event(t, 1, "a"), read.event(t, 2, "a"), read.event(t, 3, "a")}
	for _, format := range []output.Format{output.FalcoJSON, output.Text} {
		var got calls
		require.NoError(t, output.NewStream(output.StreamConfig{Writer: &got, Format: format}).Write(t.Context(), events))
		assert.Equal(t, 3, strings.Count(got[0], "\n"), format)
	}
}
