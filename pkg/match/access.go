package match

import (
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
// that have one of the atoms. score guesses how many that are, 1 being all.
type access struct {
	atoms []atom
	score float64
}

// Rules whose best access has a higher score are not worth an index: most
// events would be candidates.
const residualScore = 0.35

// bodyPenalty makes an access by a value in the bodies the last choice.
const bodyPenalty = 0.15

// maxAtoms bounds what one rule may put into the index.
const maxAtoms = 100_000

// accesses finds the access of nodes; a nil entry is a node without.
type accesses struct {
	prog  *program
	known map[nodeID]*access
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
			if x := a.of(t); x != nil && (best == nil || x.score < best.score) {
				best = x
			}
		}
		return best
	case opOr:
		return a.union(n.terms)
	}
	return nil
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
		out.score += x.score
	}
	return out
}

func (a *accesses) ofPred(p *pred) *access {
	s := &a.prog.slots[p.left]
	var atoms []atom
	weight := s.prior
	switch p.kind {
	case predEqual, predIn, predSome, predEvery:
		for _, v := range p.check.Values {
			atoms = append(atoms, atom{slot: p.left, kind: atomValue, text: v.Text})
		}
	case predTest:
		if p.right >= 0 || s.typ.List || s.typ.Type != condition.TypeString {
			return nil
		}
		atoms = insideAtoms(p)
		weight = max(weight/2, 0.03)
	}
	if len(atoms) == 0 {
		return nil
	}
	slices.SortFunc(atoms, compareAtoms)
	atoms = slices.Compact(atoms)
	x := &access{atoms: atoms, score: weight * float64(len(atoms))}
	if s.cost >= costBody {
		x.score += bodyPenalty
	}
	return x
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
			atoms = append(atoms, atom{slot: p.left, kind: kind, text: l})
		}
		if p.check.Mod == condition.AllOf {
			return atoms // any one of the values will do
		}
		out = append(out, atoms...)
	}
	return out
}
