package match

import "github.com/kubewitness/kubewitness/pkg/falco/condition"

// What is guessed here decides about the order of terms, never about an answer.

// Guessed shares of events for which checks hold.
const (
	chanceOfPod  = 0.05 // few requests write a pod
	chanceExists = 0.6
	chanceArg    = 0.15 // one annotation, parameter or path is there
	chanceText   = 0.2
	chanceShort  = 0.5  // a text that begins with one letter or digit
	chanceMost   = 0.95 // of a long list of values
)

// chance guesses the share of events for which a check holds.
func (c *compiler) chance(p *pred) float64 {
	s := &c.slots[p.left]
	if s.ofPod {
		return chanceOfPod
	}
	values := float64(len(p.check.Values))
	switch p.kind {
	case predExists:
		if s.arg.Present {
			return chanceArg
		}
		return chanceExists
	case predEqual, predIn, predSome, predEvery:
		return min(s.prior*values, chanceMost)
	case predDiffer:
		return 1 - s.prior
	case predStarts:
		if len(p.check.Values[0].Text) == 1 {
			return chanceShort
		}
	}
	if p.check.Op == condition.Ne {
		return 1 - chanceText
	}
	return chanceText
}

// inBody is 1 for a check that asks for what is in a body. Whether there is a pod is known
// without.
func (c *compiler) inBody(p *pred) float64 {
	in := func(s *slot) bool { return s.cost >= costBody && !s.ofPod }
	if in(&c.slots[p.left]) || p.right >= 0 && in(&c.slots[p.right]) {
		return 1
	}
	return 0
}

// certain keeps a guess from being taken for certain.
const certain = 0.02

// rank orders the terms of an "and" by what it costs to end it by them, and likewise those of
// an "or".
func (n *graphNode) rank(op nodeOp) float64 {
	ends := 1 - n.chance
	if op == opOr {
		ends = n.chance
	}
	return float64(n.cost) / (ends + certain)
}

// guess sets the cost and the chance of an "and" or an "or" of terms in order.
func (c *compiler) guess(n *graphNode) {
	cost, goesOn := 0.0, 1.0
	for _, id := range n.terms {
		t := &c.nodes[id]
		n.body += goesOn * t.body
		cost += goesOn * float64(t.cost)
		if n.op == opAnd {
			goesOn *= t.chance
		} else {
			goesOn *= 1 - t.chance
		}
	}
	n.cost, n.chance = int32(min(cost, 1<<20)), goesOn
	if n.op == opOr {
		n.chance = 1 - goesOn
	}
}
