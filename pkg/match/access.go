package match

import (
	"cmp"
	"slices"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// atom is something that an event has or has not, and that can be looked up
// for all rules at once: a value in a slot, or a text inside a slot's text.
type atom struct {
	slot int32
	kind atomKind
	text string
}

type atomKind uint8

const (
	atomValue  atomKind = iota // an item of the slot is text
	atomInside                 // the slot's text holds text
	atomFolded                 // the same, ASCII letters in either case
)

// access is a way to find the events for which a node can hold: only those
// that have one of the atoms.
type access struct {
	atoms []atom
	prior []float64 // by atom: guessed share of the events that have it
	score float64   // of the events that have any; 1 being all
	cost  int32     // of the dearest slot
}

// maxAtoms bounds what one rule may put into the index.
const maxAtoms = 100_000

// longestAtom is how many bytes of a text are looked for, the last ones: these
// are rare enough, and thousands of long texts would make a large automaton.
const longestAtom = 24

// accesses finds the access of nodes; a nil entry is a node without.
type accesses struct {
	prog  *program
	known map[nodeID]*access
}

func newAccesses(p *program) *accesses {
	return &accesses{prog: p, known: map[nodeID]*access{}}
}

// of gives the best access of a node, nil where there is none.
func (a *accesses) of(id nodeID) *access {
	if x, ok := a.known[id]; ok {
		return x
	}
	x := a.find(id)
	a.known[id] = x
	return x
}

func (a *accesses) find(id nodeID) *access {
	n := &a.prog.nodes[id]
	switch n.op {
	case opPred:
		return a.ofPred(&a.prog.preds[n.pred])
	case opAnd:
		var best *access
		for _, t := range n.terms {
			if x := a.of(t); x != nil && (best == nil || x.better(best)) {
				best = x
			}
		}
		return best
	case opOr:
		return a.union(n.terms)
	}
	return nil
}

// places gives the places that the access looks at, in order.
func (x *access) places() []place {
	var out []place
	for _, at := range x.atoms {
		if k := (place{at.slot, at.kind}); len(out) == 0 || out[len(out)-1] != k && !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b place) int { return cmp.Or(cmp.Compare(a.slot, b.slot), cmp.Compare(a.kind, b.kind)) })
	return out
}

// better tells whether x is to be preferred: what costs little to look up
// before what stands in the bodies, then the rarer one.
func (x *access) better(y *access) bool {
	if dear := x.cost >= costBody; dear != (y.cost >= costBody) {
		return !dear
	}
	return x.score < y.score
}

// union is the access of an "or": all of its terms must have one.
func (a *accesses) union(terms []nodeID) *access {
	out := &access{}
	for _, t := range terms {
		x := a.of(t)
		if x == nil || len(out.atoms)+len(x.atoms) > maxAtoms {
			return nil
		}
		out.atoms = append(out.atoms, x.atoms...)
		out.prior = append(out.prior, x.prior...)
		out.score += x.score
		out.cost = max(out.cost, x.cost)
	}
	return out
}

func (a *accesses) ofPred(p *pred) *access {
	s := &a.prog.slots[p.left]
	var atoms []atom
	switch p.kind {
	case predEqual, predIn, predSome, predEvery:
		for _, v := range p.check.Values {
			atoms = append(atoms, atom{slot: p.left, kind: atomValue, text: v.Text})
		}
	case predStarts, predEnds, predContains, predTest:
		if p.right >= 0 || s.typ.List || s.typ.Type != condition.TypeString {
			return nil
		}
		atoms = insideAtoms(p)
	}
	if len(atoms) == 0 {
		return nil
	}
	slices.SortFunc(atoms, compareAtoms)
	x := &access{atoms: slices.Compact(atoms), cost: s.cost}
	for _, at := range x.atoms {
		prior := s.prior
		if at.kind != atomValue {
			prior = insidePrior(at.text)
		}
		x.prior = append(x.prior, prior)
		x.score += prior
	}
	return x
}

// insidePrior guesses how many events have a text inside that of a slot.
func insidePrior(text string) float64 {
	switch len(text) {
	case 1:
		return 0.5
	case 2:
		return 0.2
	case 3:
		return 0.08
	case 4, 5:
		return 0.03
	}
	return 0.01
}

func compareAtoms(a, b atom) int {
	switch {
	case a.kind != b.kind:
		return int(a.kind) - int(b.kind)
	case a.slot != b.slot:
		return int(a.slot) - int(b.slot)
	case a.text < b.text:
		return -1
	case a.text > b.text:
		return 1
	}
	return 0
}

// insideAtoms gives texts of which one must be inside the slot's text for the
// check to hold; none where that can not be said.
func insideAtoms(p *pred) []atom {
	kind := atomInside
	if p.check.Op == condition.IContains || p.check.Op == condition.IGlob {
		kind = atomFolded
	}
	var out []atom
	for _, v := range p.check.Values {
		lits := literalsOf(p.check.Op, v.Text)
		if len(lits) == 0 {
			if p.check.Mod == condition.AllOf {
				continue // the other values must hold as well
			}
			return nil
		}
		var atoms []atom
		for _, l := range lits {
			if kind == atomFolded {
				l = foldASCII(l)
			}
			l = l[max(0, len(l)-longestAtom):]
			atoms = append(atoms, atom{slot: p.left, kind: kind, text: l})
		}
		if p.check.Mod == condition.AllOf {
			return atoms // any one of the values will do
		}
		out = append(out, atoms...)
	}
	return out
}
