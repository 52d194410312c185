package match

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// sharedBy is how many residual rules a step must be able to rule out: one by
// one they are judged as fast.
const (
	sharedBy     = 4
	sharedBodyBy = 64 // of steps that look into a body
)

func newResidual(p *program, acc *accesses, rules []int32) residual {
	b := &stepBuilder{
		prog: p, acc: acc, words: (len(rules) + 63) / 64,
		kills: map[int32]*killGroup{}, groups: map[string]*termGroup{}, terms: map[int32][]nodeID{},
		about: map[nodeID]int32{}, ofPod: map[nodeID]bool{},
	}
	r := residual{rules: rules}
	of := b.repeatedTerms(rules)
	var pods []int32
	for bit, rule := range rules {
		if b.demandsPod(p.rules[rule].root) {
			pods = append(pods, int32(bit))
		}
		for _, t := range topTerms(p, p.rules[rule].root) {
			if of[t] < 0 {
				b.note(t, int32(bit))
			}
		}
	}
	r.pods = newBitset(pods, b.words)
	r.first, r.ruledOut = b.ruleOuts(rules, of)
	r.steps = b.steps()
	r.terms = map[int32][]nodeID{}
	for bit, terms := range b.terms {
		slices.Sort(terms)
		r.terms[rules[bit]] = slices.Compact(terms)
	}
	return r
}

// topTerms gives the terms that must all hold for a node to hold.
func topTerms(p *program, id nodeID) []nodeID {
	if n := &p.nodes[id]; n.op == opAnd {
		return n.terms
	}
	return []nodeID{id}
}

// demandsPod tells whether a node holds only where the request writes a pod.
func (b *stepBuilder) demandsPod(id nodeID) bool {
	n := &b.prog.nodes[id]
	if n.op == opPred {
		return b.prog.slots[b.prog.preds[n.pred].left].ofPod
	}
	if n.op != opAnd && n.op != opOr {
		return false
	}
	known, ok := b.ofPod[id]
	if !ok {
		decides := n.op == opAnd // one term of an "and" is enough, of an "or" it takes all
		known = slices.ContainsFunc(n.terms, func(t nodeID) bool { return b.demandsPod(t) == decides }) == decides
		b.ofPod[id] = known
	}
	return known
}

// stepBuilder makes steps of the terms of rules.
type stepBuilder struct {
	prog   *program
	acc    *accesses
	words  int
	kills  map[int32]*killGroup // by slot
	groups map[string]*termGroup
	terms  map[int32][]nodeID // by bit: those that are in steps
	about  map[nodeID]int32   // see repeatedOf
	ofPod  map[nodeID]bool    // see demandsPod
}

// killGroup are terms that exclude values of one slot.
type killGroup struct {
	values map[string][]int32 // bits
	nodes  []nodeID
	bits   []int32 // of each node
}

// termGroup are terms that one step can look at: the same term of several
// rules, or terms that demand something in the same places.
type termGroup struct {
	key    string
	nodes  []nodeID // of each bit
	bits   []int32
	atoms  map[atom][]int32 // bits
	others []nodeID         // any of which is enough for all bits
	cost   int32
}

// note files a term of a rule.
func (b *stepBuilder) note(t nodeID, bit int32) {
	switch x := b.acc.of(t); {
	case t == trueNode:
	case b.noteKill(t, bit):
	case x != nil:
		b.noteAccess(x, t, nil, bit)
	case b.prog.nodes[t].op == opOr:
		b.noteOr(t, bit)
	default:
		b.group(nodesKey(t), b.cost(t)).add(t, bit)
	}
}

// noteAccess files a term with its access, and with the terms besides that make
// it hold where it is an "or" that has such.
func (b *stepBuilder) noteAccess(x *access, t nodeID, others []nodeID, bit int32) {
	cost := x.cost
	for _, o := range others {
		cost = max(cost, b.cost(o))
	}
	g := b.group(append(placesKey(x), nodesKey(others...)...), cost)
	if !g.add(t, bit) {
		return // one term of each rule
	}
	g.others = others
	for _, at := range x.atoms {
		if l := g.atoms[at]; len(l) == 0 || l[len(l)-1] != bit {
			g.atoms[at] = append(l, bit)
		}
	}
}

// noteOr files an "or" of which some terms demand no value: they are judged for
// all rules that have the same of them.
func (b *stepBuilder) noteOr(t nodeID, bit int32) {
	demands := &access{}
	var others []nodeID
	for _, alt := range b.prog.nodes[t].terms {
		x := b.acc.of(alt)
		if x == nil || len(demands.atoms)+len(x.atoms) > maxAtoms {
			others = append(others, alt)
			continue
		}
		demands.atoms = append(demands.atoms, x.atoms...)
		demands.cost = max(demands.cost, x.cost)
	}
	if len(demands.atoms) == 0 {
		b.group(nodesKey(t), b.cost(t)).add(t, bit)
		return
	}
	b.noteAccess(demands, t, others, bit)
}

// nodesKey names nodes; it differs from the names of places.
func nodesKey(nodes ...nodeID) []byte {
	var key []byte
	for _, id := range nodes {
		key = append(binary.LittleEndian.AppendUint32(key, uint32(id)), 0xff)
	}
	return key
}

// oftenBody is the share of events from which on a term counts as one about bodies.
const oftenBody = 0.1

// cost is that of a term, at least that of a body if it often asks for one.
func (b *stepBuilder) cost(t nodeID) int32 {
	n := &b.prog.nodes[t]
	if n.body > oftenBody {
		return max(n.cost, costBody)
	}
	return n.cost
}

func (b *stepBuilder) group(key []byte, cost int32) *termGroup {
	g := b.groups[string(key)]
	if g == nil {
		g = &termGroup{key: string(key), atoms: map[atom][]int32{}, cost: cost}
		b.groups[g.key] = g
	}
	return g
}

func (g *termGroup) add(t nodeID, bit int32) bool {
	if n := len(g.bits); n > 0 && g.bits[n-1] == bit {
		return false
	}
	g.bits = append(g.bits, bit)
	g.nodes = append(g.nodes, t)
	return true
}

// placesKey names the places of an access.
func placesKey(x *access) []byte {
	var key []byte
	for _, k := range x.places() {
		key = append(binary.LittleEndian.AppendUint32(key, uint32(k.slot)), byte(k.kind))
	}
	return key
}

// noteKill notes the values that a term excludes, where that is all it does:
// "not f = v", "not f in (..)", "not list intersects (..)". Such terms on
// values that are dear to find are left to the judging of the rule.
func (b *stepBuilder) noteKill(id nodeID, bit int32) bool {
	n := &b.prog.nodes[id]
	if n.op != opNotPred {
		return false
	}
	q := &b.prog.preds[n.pred]
	if b.prog.slots[q.left].cost >= costTransform {
		return false
	}
	switch q.kind {
	case predEqual, predIn, predSome:
	default:
		return false
	}
	g := b.kills[q.left]
	if g == nil {
		g = &killGroup{values: map[string][]int32{}}
		b.kills[q.left] = g
	}
	g.nodes, g.bits = append(g.nodes, id), append(g.bits, bit)
	for _, v := range q.check.Values {
		if l := g.values[v.Text]; len(l) == 0 || l[len(l)-1] != bit {
			g.values[v.Text] = append(l, bit)
		}
	}
	return true
}

// rankedStep is a step with what decides about its turn.
type rankedStep struct {
	step
	class int // of its cost
	rules int
	key   []byte
}

// steps gives the steps that are worth their while: cheap ones first, and of
// these the ones that can rule out the most.
func (b *stepBuilder) steps() []step {
	var ranked []rankedStep
	for slot, g := range b.kills {
		if bits := slices.Compact(slices.Clone(g.bits)); len(bits) >= sharedBy {
			s := step{rules: newBitset(bits, b.words), kill: b.killStep(slot, g)}
			ranked = append(ranked, rankedStep{s, costClass(b.prog.slots[slot].cost), len(bits), []byte{byte(slot), byte(slot >> 8)}})
		}
	}
	for _, g := range b.split() {
		if len(g.bits) >= b.worth(g.cost) {
			ranked = append(ranked, rankedStep{b.groupStep(g), costClass(g.cost), len(g.bits), []byte(g.key)})
		}
	}
	slices.SortFunc(ranked, func(x, y rankedStep) int {
		return cmp.Or(cmp.Compare(x.class, y.class), cmp.Compare(y.rules, x.rules), bytes.Compare(x.key, y.key))
	})
	out := make([]step, len(ranked))
	for i := range ranked {
		out[i] = ranked[i].step
	}
	return out
}

// split gives the groups, of which a term that is worth a step is one by itself: it rules
// out more than the places that it looks at.
func (b *stepBuilder) split() []*termGroup {
	var out []*termGroup
	for _, g := range b.groups {
		uses := map[nodeID]int{}
		for _, t := range g.nodes {
			uses[t]++
		}
		rest := &termGroup{key: g.key, atoms: map[atom][]int32{}, others: g.others, cost: g.cost}
		alone := map[nodeID]*termGroup{}
		for i, t := range g.nodes {
			to := rest
			if len(uses) > 1 && uses[t] >= b.worth(g.cost) {
				if alone[t] == nil {
					alone[t] = &termGroup{key: string(nodesKey(t)), cost: b.cost(t)}
					out = append(out, alone[t])
				}
				to = alone[t]
			}
			to.add(t, g.bits[i])
		}
		for at, bits := range g.atoms {
			if bits = slices.DeleteFunc(slices.Clone(bits), func(bit int32) bool { _, in := slices.BinarySearch(rest.bits, bit); return !in }); len(bits) > 0 {
				rest.atoms[at] = bits
			}
		}
		if len(rest.bits) > 0 {
			out = append(out, rest)
		}
	}
	return out
}

// worth is how many rules a step of that cost must be able to rule out. What is in the
// bodies is asked for by few rules when all else is said, so a step would mostly be in
// vain.
func (b *stepBuilder) worth(cost int32) int {
	if costClass(cost) == classBody {
		return sharedBodyBy
	}
	return sharedBy
}

// costClass tells what is about as dear.
func costClass(cost int32) int {
	switch {
	case cost < 2*costTransform:
		return 0
	case cost < costBody:
		return 1
	}
	return classBody
}

// classBody is the dearest class.
const classBody = 2

func (b *stepBuilder) killStep(slot int32, g *killGroup) *killStep {
	k := &killStep{slot: slot, values: make(map[string]bitset, len(g.values))}
	for v, list := range g.values {
		k.values[v] = newBitset(list, b.words)
	}
	for i, bit := range g.bits {
		b.terms[bit] = append(b.terms[bit], g.nodes[i])
	}
	return k
}

// groupStep makes a step of a group: of one term the term itself, of several
// the places that they look at.
func (b *stepBuilder) groupStep(g *termGroup) step {
	s := step{rules: newBitset(g.bits, b.words), node: g.nodes[0]}
	same := true
	for i, bit := range g.bits {
		same = same && g.nodes[i] == s.node
		b.terms[bit] = append(b.terms[bit], g.nodes[i])
	}
	if same {
		return s
	}
	values, insides := splitAtoms(g.atoms)
	for slot, bits := range values {
		l := lookup{slot: slot, values: make(map[string]bitset, len(bits))}
		for v, list := range bits {
			l.values[v] = newBitset(list, b.words)
		}
		s.demand = append(s.demand, l)
	}
	for k, texts := range insides {
		s.demand = append(s.demand, lookup{slot: k.slot, texts: newAutomaton(texts, k.kind == atomFolded)})
	}
	s.others = g.others
	return s
}
