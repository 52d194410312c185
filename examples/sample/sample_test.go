// Package sample_test holds the recorded sample to what its README promises:
// small, without secrets, and telling of a story of some length.
package sample_test

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/audit"
	falco "github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/rules"
)

const (
	maxSize  = 300 << 10
	maxSame  = 2  // alerts of one rule
	minAlert = 12 // alerts in all
	maxAlert = 22
)

func TestSample(t *testing.T) {
	log, err := os.ReadFile("audit.jsonl")
	require.NoError(t, err)
	assert.LessOrEqual(t, len(log), maxSize)
	assert.NotContains(t, string(log), "eyJ", "a token")
	assert.NotContains(t, string(log), "PRIVATE KEY")

	m := matcher(t)
	told := map[string]int{}
	alerts := 0
	var last *audit.Event
	for r := audit.NewReader(bytes.NewReader(log), "audit.jsonl", audit.Limits{}); ; {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		if last != nil {
			assert.False(t, e.Time.Before(last.Time), "line %d: not in the order of time", e.Line)
		}
		last = e
		for _, d := range m.Match(&field.Context{Event: e, First: e.Time}).Detections {
			if d.Rule.Priority > falco.Notice {
				continue // make run leaves it out
			}
			told[d.Rule.Name]++
			alerts++
		}
	}
	assert.GreaterOrEqual(t, alerts, minAlert)
	assert.LessOrEqual(t, alerts, maxAlert)
	for rule, n := range told {
		assert.LessOrEqual(t, n, maxSame, rule)
	}
}

// matcher compiles our own rules.
func matcher(t *testing.T) *match.Matcher {
	t.Helper()
	var files []falco.File
	for _, f := range rules.Files() {
		files = append(files, falco.File{Name: f.Name, Content: f.Content})
	}
	rs, results := falco.Load(files, falco.Options{Catalogue: field.Default()})
	for _, r := range results {
		require.NoError(t, r.Err())
	}
	m, err := match.New(rs, field.Default(), match.Options{})
	require.NoError(t, err)
	return m
}
