package match

import "math/bits"

// residual are the rules that no look-up finds. They are all candidates but
// for the ones ruled out, many at a time and step by step: by a value that they
// exclude, by values or texts of which they demand one, or by a check that
// several of them demand. What stands in the bodies comes last, and is looked
// at only where a rule is left that asks for it.
type residual struct {
	rules []int32  // by bit, in order
	all   []uint64 // those that are candidates unless ruled out
	first []int32  // repeated slots whose values rule out many, to be looked at first
	pods  bitset   // those that demand something of a pod that the request writes
	steps []step
	terms map[int32][]nodeID // by rule: the terms that a step looks at

	ruledOut [][]ruledTerm // by number of the repeated slot
}

// step rules out rules, in one of three ways.
type step struct {
	rules  bitset // that it can rule out
	node   nodeID // a term that they demand, where it is none of the others
	kill   *killStep
	demand []lookup // places of which one must have what they demand
	others []nodeID // or one of these must hold
}

// killStep rules out the rules that exclude a value of a slot.
type killStep struct {
	slot   int32
	values map[string]bitset
}

// lookup tells which rules find what they demand in a slot.
type lookup struct {
	slot   int32
	values map[string]bitset
	texts  *automaton // leads to bits
}

// candidates appends the residual rules that are not ruled out, in order.
func (r *residual) candidates(st *state) {
	if len(r.rules) == 0 {
		return
	}
	alive := st.alive
	for _, id := range r.first {
		st.ruleOut(id, alive)
	}
	if r.pods.overlaps(alive) && !st.writesPod() {
		r.pods.removeFrom(alive)
	}
	for i := range r.steps {
		s := &r.steps[i]
		if !s.rules.overlaps(alive) {
			continue
		}
		switch {
		case s.kill != nil:
			s.kill.run(st, alive)
		case s.demand != nil:
			if !st.any(s.others) {
				s.rules.removeBut(st.content(s.demand), alive)
			}
		case !st.node(s.node):
			s.rules.removeFrom(alive)
		}
	}
	for i, w := range alive {
		for ; w != 0; w &= w - 1 {
			st.candidates = append(st.candidates, r.rules[i*64+bits.TrailingZeros64(w)])
		}
	}
}

func (k *killStep) run(st *state, alive []uint64) {
	val := st.slot(k.slot)
	for i := range val.items {
		if s, ok := k.values[val.items[i].Text]; ok {
			s.removeFrom(alive)
		}
	}
}

// content gives the bits of the rules that find what they demand.
func (st *state) content(lookups []lookup) []uint64 {
	clear(st.kept)
	for i := range lookups {
		l := &lookups[i]
		val := st.slot(l.slot)
		if l.texts == nil {
			for j := range val.items {
				if s, ok := l.values[val.items[j].Text]; ok {
					s.addTo(st.kept)
				}
			}
			continue
		}
		if val.present {
			st.found = l.texts.find(val.items[0].Text, st.found[:0])
			for _, b := range st.found {
				st.kept[b/64] |= 1 << (b % 64)
			}
		}
	}
	return st.kept
}

// any tells whether one of the nodes holds.
func (st *state) any(nodes []nodeID) bool {
	for _, id := range nodes {
		if st.node(id) {
			return true
		}
	}
	return false
}
