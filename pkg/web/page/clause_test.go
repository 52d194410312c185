package page

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/match"
)

func leaf(text string, verdict bool, values ...match.OperandValue) *match.Explanation {
	return &match.Explanation{Text: text, Verdict: verdict, Values: values}
}

func TestOnlyWhatDecidesStandsInFront(t *testing.T) {
	or := &match.Explanation{Text: "or", Verdict: true, Terms: []*match.Explanation{leaf("a", false), leaf("b", true), leaf("c", false)}}
	and := &match.Explanation{Text: "and", Verdict: true, Terms: []*match.Explanation{or, leaf("d", true)}}
	c := clauseOf(and, 0)
	assert.Equal(t, "all of", c.Text)
	assert.Len(t, c.Terms, 2)
	assert.Empty(t, c.Beside)
	assert.Equal(t, "at least one of", c.Terms[0].Text)
	assert.Equal(t, "b", c.Terms[0].Terms[0].Text)
	assert.Equal(t, "2 other terms, which do not hold and do not matter here", c.Terms[0].BesideText())

	and.Verdict, and.Terms[1].Verdict = false, false
	c = clauseOf(and, 0)
	assert.Equal(t, "d", c.Terms[0].Text)
	assert.Equal(t, "one other term, which does hold and does not matter here", c.BesideText())

	not := clauseOf(&match.Explanation{Text: "not", Verdict: true, Terms: []*match.Explanation{leaf("a", false)}}, 0)
	assert.Len(t, not.Terms, 1)
}

func TestDeepAndLongExplanationsAreBounded(t *testing.T) {
	x := leaf("a", true, match.OperandValue{Operand: "f", List: true, Items: make([]string, 1000)})
	for range 10_000 {
		x = &match.Explanation{Text: "not", Verdict: !x.Verdict, Terms: []*match.Explanation{x}}
	}
	depth := 0
	c := clauseOf(x, 0)
	for ; len(c.Terms) > 0; c = c.Terms[0] {
		depth++
	}
	assert.Equal(t, maxDepth, depth)
	assert.True(t, c.Deeper)
	o := operandOf(match.OperandValue{List: true, Items: make([]string, 1000)})
	assert.Len(t, o.Items, itemsShown)
	assert.Equal(t, 1000-itemsShown, o.More)
}

func TestRedactedOperandsAreTold(t *testing.T) {
	assert.True(t, clauseOf(leaf("a", false, match.OperandValue{Operand: "f", Items: []string{"x" + redactedMark}}), 0).Redacted)
}
