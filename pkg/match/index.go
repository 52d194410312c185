package match

import (
	"cmp"
	"slices"
)

// index leads from what an event has to the rules that it can match. A rule is
// in it by the atoms of an access, or it is residual.
type index struct {
	values   []valueIndex
	insides  []insideIndex
	residual residual
	bits     []int32   // by rule: its bit among the residual rules; -1: none
	access   []*access // by rule; nil: residual, or never matching
}

// valueIndex finds rules by the items of a slot.
type valueIndex struct {
	slot  int32
	rules map[string][]int32
}

// insideIndex finds rules by the texts inside a slot's text.
type insideIndex struct {
	slot  int32
	fold  bool
	texts int
	auto  *automaton
}

func newIndex(p *program) *index {
	acc := newAccesses(p)
	x := &index{access: chooseAccesses(p, acc)}
	lists := map[atom][]int32{}
	var rest []int32
	for i, a := range x.access {
		id := int32(i)
		if p.rules[i].root != falseNode && (a == nil || len(p.rules) <= mostByBit) {
			rest = append(rest, id)
		}
		if a == nil {
			continue
		}
		for _, at := range a.atoms {
			if l := lists[at]; len(l) == 0 || l[len(l)-1] != id {
				lists[at] = append(l, id)
			}
		}
	}
	values, insides := splitAtoms(lists)
	for slot, rules := range values {
		x.values = append(x.values, valueIndex{slot: slot, rules: rules})
	}
	for k, texts := range insides {
		fold := k.kind == atomFolded
		x.insides = append(x.insides, insideIndex{slot: k.slot, fold: fold, texts: len(texts), auto: newAutomaton(texts, fold)})
	}
	x.residual = newResidual(p, acc, rest)
	x.setBits()
	x.order(p)
	return x
}

// mostByBit is up to how many rules those that are found are ruled out together with
// the residual ones.
const mostByBit = 512

// setBits notes which rules have a bit, and which of these are found by nothing.
func (x *index) setBits() {
	x.bits = make([]int32, len(x.access))
	for i := range x.bits {
		x.bits[i] = -1
	}
	r := &x.residual
	r.all = make([]uint64, (len(r.rules)+63)/64)
	for bit, rule := range r.rules {
		x.bits[rule] = int32(bit)
		if x.access[rule] == nil {
			r.all[bit/64] |= 1 << (bit % 64)
		}
	}
}

// place is where atoms of one kind are looked up together.
type place struct {
	slot int32
	kind atomKind
}

// splitAtoms sorts atoms, with the rules that have them, by where they are
// looked up.
func splitAtoms(lists map[atom][]int32) (values map[int32]map[string][]int32, insides map[place][]automatonText) {
	values, insides = map[int32]map[string][]int32{}, map[place][]automatonText{}
	for at, rules := range lists {
		if at.kind != atomValue {
			k := place{at.slot, at.kind}
			insides[k] = append(insides[k], automatonText{at.text, rules})
			continue
		}
		if values[at.slot] == nil {
			values[at.slot] = map[string][]int32{}
		}
		values[at.slot][at.text] = rules
	}
	return values, insides
}

// order puts cheap look-ups first, so that the plan does not depend on the
// order of maps.
func (x *index) order(p *program) {
	slices.SortFunc(x.values, func(a, b valueIndex) int {
		return cmp.Or(cmp.Compare(p.slots[a.slot].cost, p.slots[b.slot].cost), cmp.Compare(a.slot, b.slot))
	})
	slices.SortFunc(x.insides, func(a, b insideIndex) int {
		return cmp.Or(cmp.Compare(a.slot, b.slot), cmp.Compare(b2i(a.fold), b2i(b.fold)))
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// candidates lists the rules that can match the event, in order.
func (x *index) candidates(st *state) {
	copy(st.alive, x.residual.all)
	for i := range x.values {
		v := &x.values[i]
		val := st.slot(v.slot)
		for j := range val.items {
			for _, r := range v.rules[val.items[j].Text] {
				x.list(st, r)
			}
		}
	}
	for i := range x.insides {
		v := &x.insides[i]
		if val := st.slot(v.slot); val.present {
			st.found = v.auto.find(val.items[0].Text, st.found[:0])
			for _, r := range st.found {
				x.list(st, r)
			}
		}
	}
	indexed := len(st.candidates)
	slices.Sort(st.candidates)
	x.residual.candidates(st)
	if indexed > 0 && len(st.candidates) > indexed {
		st.merge(indexed)
	}
}

// list makes a rule a candidate, once: one with a bit unless it is ruled out.
func (x *index) list(st *state, rule int32) {
	if bit := x.bits[rule]; bit >= 0 {
		st.alive[bit/64] |= 1 << (bit % 64)
		return
	}
	if st.listed[rule] != st.stamp {
		st.listed[rule] = st.stamp
		st.candidates = append(st.candidates, rule)
	}
}

// merge merges the two sorted halves of the candidates.
func (st *state) merge(half int) {
	st.merged = st.merged[:0]
	a, b := st.candidates[:half], st.candidates[half:]
	for len(a) > 0 && len(b) > 0 {
		if a[0] < b[0] {
			st.merged = append(st.merged, a[0])
			a = a[1:]
		} else {
			st.merged = append(st.merged, b[0])
			b = b[1:]
		}
	}
	st.merged = append(append(st.merged, a...), b...)
	st.candidates, st.merged = st.merged, st.candidates
}
