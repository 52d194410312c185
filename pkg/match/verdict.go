package match

import (
	"cmp"
	"hash/maphash"
	"maps"
	"slices"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// repeated is a field whose values come again and again, as users, clients and verbs
// do, and about which rules ask much: what its checks say of a value is remembered
// from event to event. That changes no answer, since such a check sees nothing but
// the value.
type repeated struct {
	slot  int32
	preds []int32 // checks on nothing but the slot, by bit of a verdict
}

const (
	// mostJudged is how many checks a verdict holds.
	mostJudged = 64
	// fewestJudged is how many units of cost make it worth while.
	fewestJudged = 8
)

// repeat finds the slots whose verdicts are to be remembered. In small sets there is
// nothing to be gained.
func (c *compiler) repeat() {
	for i := range c.preds {
		c.preds[i].repeated = -1
	}
	for i := range c.slots {
		c.slots[i].repeated = -1
	}
	if len(c.rules) <= smallSet {
		return
	}
	bySlot := make([][]int32, len(c.slots))
	for i := range c.preds {
		if p := &c.preds[i]; p.right < 0 && p.kind != predTime {
			bySlot[p.left] = append(bySlot[p.left], int32(i))
		}
	}
	for slot, preds := range bySlot {
		if s := &c.slots[slot]; s.repeats() && len(preds) <= mostJudged && c.costOf(preds)-s.cost*int32(len(preds)) >= fewestJudged {
			s.repeated = int32(len(c.repeated))
			for bit, p := range preds {
				c.preds[p].repeated, c.preds[p].bit = s.repeated, uint8(bit)
			}
			c.repeated = append(c.repeated, repeated{int32(slot), preds})
		}
	}
}

func (c *compiler) costOf(preds []int32) (cost int32) {
	for _, p := range preds {
		cost += c.preds[p].cost
	}
	return cost
}

// repeats tells whether a slot's values come again, are cheap to find, and the texts of
// its items are all that its checks see.
func (s *slot) repeats() bool {
	if s.field == nil || s.cost >= costTransform || s.isTime() || s.prior <= priorName {
		return false
	}
	switch s.typ.Type {
	case condition.TypeString, condition.TypeBool, condition.TypeIPNet:
		return true
	}
	return false
}

// verdict is what the checks on a slot say of a value.
type verdict struct {
	judged uint64   // checks, by bit
	holds  uint64   // of these
	out    []uint64 // rules by bit that it rules out
	used   bool
	size   uint8
	key    [longestKey]byte
}

const (
	longestKey = 200
	keptValues = 128 // of a slot
)

// A slot whose values are nearly all new is left alone for a while.
const (
	trialEvents = 512
	idleEvents  = 16 * trialEvents
)

// verdicts are those of a slot.
type verdicts struct {
	stamp  uint32
	now    *verdict // of the event's value; nil: it is not remembered
	kept   []verdict
	looked int
	missed int
	idle   int // events to go
}

// verdict gives what is remembered of the event's value; nil where its checks are to
// be judged one by one.
func (st *state) verdict(id int32) *verdict {
	v := &st.verdicts[id]
	if v.stamp != st.stamp {
		v.stamp, v.now = st.stamp, nil
		st.recall(id, v)
	}
	return v.now
}

var keySeed = maphash.MakeSeed()

func (st *state) recall(id int32, v *verdicts) {
	if st.alone {
		return
	}
	if v.idle > 0 {
		v.idle--
		return
	}
	key, ok := st.key(st.slot(st.prog.repeated[id].slot))
	if !ok {
		return
	}
	if v.kept == nil {
		v.kept = make([]verdict, keptValues)
	}
	if v.looked++; v.looked == trialEvents {
		if v.missed > v.looked/2 {
			v.idle = idleEvents
		}
		v.looked, v.missed = 0, 0
	}
	e := &v.kept[maphash.Bytes(keySeed, key)%keptValues]
	if e.used && string(e.key[:e.size]) == string(key) {
		v.now = e
		return
	}
	v.missed++
	st.meet(id, v, e, key)
}

// key is what tells a value from all others of its slot; not of long ones.
func (st *state) key(val *value) (key []byte, ok bool) {
	key = st.room[:0]
	for i := range val.items {
		text := val.items[i].Text // without a NUL
		if len(key)+len(text) >= longestKey {
			return nil, false
		}
		key = append(append(key, text...), 0)
	}
	return key, true
}

// meet begins the verdict on a value that is new: it finds the rules that it rules out.
func (st *state) meet(id int32, v *verdicts, e *verdict, key []byte) {
	e.used = false // should a check panic
	e.size = uint8(copy(e.key[:], key))
	e.judged, e.holds = 0, 0
	v.now = e
	if e.out == nil {
		e.out = make([]uint64, len(st.alive))
	}
	clear(e.out)
	for _, t := range st.ruledOut[id] {
		if !st.node(t.node) {
			t.rules.addTo(e.out)
		}
	}
	e.used = true
}

// remember judges a check on the event's value.
func (st *state) remember(v *verdict, p *pred) {
	if st.test(p) {
		v.holds |= 1 << p.bit
	}
	v.judged |= 1 << p.bit
}

// ruledTerm is a term on nothing but one slot, and the rules that demand it.
type ruledTerm struct {
	node  nodeID
	rules bitset
}

// ruleOut takes the rules out of alive that the event's value of a slot rules out.
func (st *state) ruleOut(id int32, alive []uint64) {
	if v := st.verdict(id); v != nil {
		for i, w := range v.out {
			alive[i] &^= w
		}
		return
	}
	for i := range st.ruledOut[id] {
		if t := &st.ruledOut[id][i]; t.rules.overlaps(alive) && !st.node(t.node) {
			t.rules.removeFrom(alive)
		}
	}
}

// repeatedTerms gives, of each term that a rule demands, the repeated slot that it is
// about and that rules it out together with others; -1 where there is none.
func (b *stepBuilder) repeatedTerms(rules []int32) map[nodeID]int32 {
	of := map[nodeID]int32{}
	terms := make([]int, len(b.prog.repeated))
	for _, rule := range rules {
		for _, t := range topTerms(b.prog, b.prog.rules[rule].root) {
			if _, known := of[t]; known {
				continue
			}
			of[t] = b.repeatedOf(t)
			if id := of[t]; id >= 0 {
				terms[id]++
			}
		}
	}
	for t, id := range of {
		if id >= 0 && terms[id] > mostJudged {
			of[t] = -1
		}
	}
	return of
}

// repeatedOf gives the repeated slot that is all that a node is about; -1 for none.
func (b *stepBuilder) repeatedOf(id nodeID) int32 {
	switch n := &b.prog.nodes[id]; n.op {
	case opPred, opNotPred:
		return b.prog.preds[n.pred].repeated
	case opAnd, opOr:
		if known, ok := b.about[id]; ok {
			return known
		}
		first := b.repeatedOf(n.terms[0])
		for _, t := range n.terms[1:] {
			if first < 0 || b.repeatedOf(t) != first {
				first = -1
				break
			}
		}
		b.about[id] = first
		return first
	}
	return -1
}

// ruleOuts gives the repeated slots whose values rule out rules, the most first, and
// the terms by which they do.
func (b *stepBuilder) ruleOuts(rules []int32, of map[nodeID]int32) (first []int32, terms [][]ruledTerm) {
	terms = make([][]ruledTerm, len(b.prog.repeated))
	bits, uses := map[nodeID][]int32{}, make([]int, len(b.prog.repeated))
	for bit, rule := range rules {
		for _, t := range topTerms(b.prog, b.prog.rules[rule].root) {
			if id := of[t]; id >= 0 {
				bits[t] = append(bits[t], int32(bit))
				b.terms[int32(bit)] = append(b.terms[int32(bit)], t)
				uses[id]++
			}
		}
	}
	for _, t := range slices.Sorted(maps.Keys(bits)) {
		terms[of[t]] = append(terms[of[t]], ruledTerm{t, newBitset(bits[t], b.words)})
	}
	for id := range terms {
		if len(terms[id]) > 0 {
			first = append(first, int32(id))
		}
	}
	slices.SortStableFunc(first, func(x, y int32) int { return cmp.Compare(uses[y], uses[x]) })
	return first, terms
}
