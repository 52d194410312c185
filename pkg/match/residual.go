package match

import (
	"cmp"
	"math/bits"
	"slices"
)

// residual are the rules that no look-up finds. They are all candidates but
// for the ones ruled out, many at a time: by a value that they exclude, or by
// a check that several of them demand.
type residual struct {
	rules  []int32 // by bit, in order
	all    []uint64
	kills  []killIndex
	shared []sharedTerm
}

// killIndex rules out the rules that exclude a value of a slot.
type killIndex struct {
	slot   int32
	values map[string]bitset
}

// sharedTerm rules out, when it does not hold, the rules that demand it.
type sharedTerm struct {
	node  nodeID
	rules bitset
}

// sharedBy is how many residual rules must have a term in common for it to be
// judged for all of them at once.
const sharedBy = 4

// bitset is a set of residual rules: a few by number, many as bits.
type bitset struct {
	few  []int32
	many []uint64
}

func newResidual(p *program, rules []int32) residual {
	r := residual{rules: rules, all: make([]uint64, (len(rules)+63)/64)}
	kills := map[int32]map[string][]int32{}
	terms := map[nodeID][]int32{}
	for bit := range rules {
		r.all[bit/64] |= 1 << (bit % 64)
		for _, t := range topTerms(p, p.rules[rules[bit]].root) {
			if !noteKill(p, kills, t, int32(bit)) && t != trueNode {
				terms[t] = append(terms[t], int32(bit))
			}
		}
	}
	for slot, values := range kills {
		k := killIndex{slot: slot, values: make(map[string]bitset, len(values))}
		for v, list := range values {
			k.values[v] = r.bitset(list)
		}
		r.kills = append(r.kills, k)
	}
	for node, list := range terms {
		if len(list) >= sharedBy {
			r.shared = append(r.shared, sharedTerm{node: node, rules: r.bitset(list)})
		}
	}
	slices.SortFunc(r.kills, func(a, b killIndex) int {
		return cmp.Or(cmp.Compare(p.slots[a.slot].cost, p.slots[b.slot].cost), cmp.Compare(a.slot, b.slot))
	})
	slices.SortFunc(r.shared, func(a, b sharedTerm) int {
		return cmp.Or(cmp.Compare(p.nodes[a.node].cost, p.nodes[b.node].cost), cmp.Compare(a.node, b.node))
	})
	return r
}

// topTerms gives the terms that must all hold for a node to hold.
func topTerms(p *program, id nodeID) []nodeID {
	if n := &p.nodes[id]; n.op == opAnd {
		return n.terms
	}
	return []nodeID{id}
}

// noteKill notes the values that a term excludes, where that is all it does:
// "not f = v", "not f in (..)", "not list intersects (..)". Such terms on
// values that are dear to find are left to the judging of the rule.
func noteKill(p *program, kills map[int32]map[string][]int32, id nodeID, bit int32) bool {
	n := &p.nodes[id]
	if n.op != opNotPred {
		return false
	}
	q := &p.preds[n.pred]
	if p.slots[q.left].cost >= costTransform {
		return false
	}
	switch q.kind {
	case predEqual, predIn, predSome:
	default:
		return false
	}
	if kills[q.left] == nil {
		kills[q.left] = map[string][]int32{}
	}
	m := kills[q.left]
	for _, v := range q.check.Values {
		if l := m[v.Text]; len(l) == 0 || l[len(l)-1] != bit {
			m[v.Text] = append(l, bit)
		}
	}
	return true
}

func (r *residual) bitset(list []int32) bitset {
	if len(list) <= len(r.all) {
		return bitset{few: list}
	}
	many := make([]uint64, len(r.all))
	for _, b := range list {
		many[b/64] |= 1 << (b % 64)
	}
	return bitset{many: many}
}

func (s *bitset) removeFrom(alive []uint64) {
	for _, b := range s.few {
		alive[b/64] &^= 1 << (b % 64)
	}
	for i, w := range s.many {
		alive[i] &^= w
	}
}

// overlaps tells whether any of the rules is still alive.
func (s *bitset) overlaps(alive []uint64) bool {
	for _, b := range s.few {
		if alive[b/64]&(1<<(b%64)) != 0 {
			return true
		}
	}
	for i, w := range s.many {
		if alive[i]&w != 0 {
			return true
		}
	}
	return false
}

// candidates appends the residual rules that are not ruled out, in order.
func (r *residual) candidates(st *state) {
	if len(r.rules) == 0 {
		return
	}
	alive := st.alive
	copy(alive, r.all)
	for i := range r.kills {
		k := &r.kills[i]
		val := st.slot(k.slot)
		for j := range val.items {
			if s, ok := k.values[val.items[j].Text]; ok {
				s.removeFrom(alive)
			}
		}
	}
	for i := range r.shared {
		t := &r.shared[i]
		if t.rules.overlaps(alive) && !st.node(t.node) {
			t.rules.removeFrom(alive)
		}
	}
	for i, w := range alive {
		for ; w != 0; w &= w - 1 {
			st.candidates = append(st.candidates, r.rules[i*64+bits.TrailingZeros64(w)])
		}
	}
}
