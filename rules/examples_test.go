package rules_test

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/rules"
)

// example is one section of testdata/*.txtar: events, and whether a rule tells
// of them.
type example struct {
	file, rule, note string
	fires            bool
	events           []byte
}

func (e example) name() string {
	return fmt.Sprintf("%s/fires=%v/%s", e.rule, e.fires, e.note)
}

// examples reads testdata: one archive for each rules file, sections named
// RULE/fires/NOTE or RULE/quiet/NOTE.
func examples(t *testing.T) []example {
	t.Helper()
	var all []example
	for _, f := range rules.Files() {
		archive, err := txtar.ParseFile(filepath.Join("testdata", strings.TrimSuffix(f.Name, ".yaml")+".txtar"))
		require.NoError(t, err, "a rules file needs examples")
		for _, section := range archive.Files {
			parts := strings.SplitN(section.Name, "/", 3)
			require.Len(t, parts, 3, section.Name)
			require.Contains(t, []string{"fires", "quiet"}, parts[1], section.Name)
			all = append(all, example{file: f.Name, rule: parts[0], note: parts[2], fires: parts[1] == "fires", events: section.Data})
		}
	}
	return all
}

// count tells how often a rule fires on events.
func count(t *testing.T, m *match.Matcher, events []byte, rule string) int {
	t.Helper()
	n, read := 0, 0
	for r := audit.NewReader(bytes.NewReader(events), "example", audit.Limits{}); ; read++ {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		res := m.Match(&field.Context{Event: e, Num: 1, First: e.Time})
		require.Empty(t, res.Faults)
		for _, d := range res.Detections {
			if d.Rule.Name == rule {
				n++
			}
		}
	}
	require.Positive(t, read, "no event")
	return n
}

func TestExamples(t *testing.T) {
	ourMatcher := compile(t, ours(), false)
	asFalco := compile(t, ours(), true)
	inFalco, _ := load(t, ours(), field.Falco(), true)
	for _, e := range examples(t) {
		t.Run(e.name(), func(t *testing.T) {
			want := 0
			if e.fires {
				want = 1
			}
			assert.Equal(t, want, count(t, ourMatcher, e.events, e.rule))
			if inFalco.Rule(e.rule) != nil {
				assert.Equal(t, want, count(t, asFalco, e.events, e.rule), "in Falco")
			}
		})
	}
}

// TestOnceForEachRequest shows each rule its events at every stage that a
// request may have: it tells of one of them.
func TestOnceForEachRequest(t *testing.T) {
	m := compile(t, ours(), false)
	stages := []string{"RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"}
	for _, e := range examples(t) {
		if !e.fires || bytes.Count(e.events, []byte(`"stage":`)) > 1 {
			continue
		}
		t.Run(e.name(), func(t *testing.T) {
			n := 0
			for _, is := range stages {
				for _, stage := range stages {
					was := fmt.Appendf(nil, `"stage":%q`, is)
					if bytes.Contains(e.events, was) {
						n += count(t, m, bytes.Replace(e.events, was, fmt.Appendf(nil, `"stage":%q`, stage), 1), e.rule)
					}
				}
			}
			assert.Equal(t, 1, n)
		})
	}
}

// TestEveryRuleHasExamples wants an event that a rule tells of and one that it
// passes over, and no example of a rule that does not exist.
func TestEveryRuleHasExamples(t *testing.T) {
	rs, _ := load(t, ours(), field.Default(), false)
	fires, quiet := map[string]int{}, map[string]int{}
	for _, e := range examples(t) {
		r := rs.Rule(e.rule)
		if assert.NotNil(t, r, "%s: no rule of this name", e.name()) {
			assert.Equal(t, r.File, e.file, "%s: the example stands in another file", e.name())
		}
		if e.fires {
			fires[e.rule]++
		} else {
			quiet[e.rule]++
		}
	}
	for _, r := range rs.Rules {
		assert.Positive(t, fires[r.Name], "%s: no event that fires it", r.Name)
		assert.Positive(t, quiet[r.Name], "%s: no event that does not", r.Name)
	}
}
