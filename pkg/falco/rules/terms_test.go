package rules_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// TestTerms: a condition that is no rule's can use what the files define.
func TestTerms(t *testing.T) {
	rs, results := rules.Load([]rules.File{{Name: "f", Content: []byte(`
- list: inner
  items: [get, list]
- list: verbs
  items: [inner, watch]
- macro: reads
  condition: ka.verb in (verbs)
- macro: looks
  condition: reads or ka.verb = head
- macro: broken
  condition: later
- rule: r
  desc: d
  condition: looks
  output: o
  priority: INFO
  source: k8s_audit
`)}, {Name: "g", Content: []byte("- macro: later\n  condition: ka.verb exists\n")}}, rules.Options{Catalogue: field.Default()})
	require.Nil(t, rs, "a macro sees only those before it: %v", results[0].Errors)

	rs, results = rules.Load([]rules.File{{Name: "f", Content: []byte(`
- list: inner
  items: [get, list]
- list: verbs
  items: [inner, watch]
- macro: reads
  condition: ka.verb in (verbs)
- macro: looks
  condition: reads or ka.verb = head
`)}}, rules.Options{Catalogue: field.Default()})
	require.NotNil(t, rs, "%v", results)
	text, err := rs.WithLists("ka.verb in (verbs, post) and x")
	require.NoError(t, err)
	assert.Equal(t, "ka.verb in ( get, list, watch , post) and x", text)
	m, ok := rs.Macro("looks")
	require.True(t, ok)
	assert.Equal(t, "ka.verb in (get, list, watch) or ka.verb = head", m.String())
	_, ok = rs.Macro("nothing")
	assert.False(t, ok)

	made := &rules.Ruleset{}
	text, err = made.WithLists("ka.verb in (verbs)")
	require.NoError(t, err)
	assert.Equal(t, "ka.verb in (verbs)", text)
	_, ok = made.Macro("looks")
	assert.False(t, ok)
}
