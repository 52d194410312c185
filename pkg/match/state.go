package match

import (
	"math"

	"github.com/kubewitness/kubewitness/pkg/field"
)

// state is the memory of one evaluation. What it remembers is stamped with the
// number of the event, so that nothing has to be cleared between events.
type state struct {
	prog  *program
	c     *field.Context
	stamp uint32
	arena []field.Item

	slots []slotMemo
	paths []pathMemo
	preds []memo
	nodes []memo

	podStamp uint32
	pod      bool // see writesPod

	verdicts []verdicts    // by number of the repeated slot
	ruledOut [][]ruledTerm // likewise: the index's
	room     [longestKey]byte
	alone    bool // nothing is remembered from event to event

	listed     []uint32 // by rule: stamp of the event for which it is a candidate
	alive      []uint64 // residual rules that are not ruled out
	kept       []uint64 // of these, the ones that find what they demand
	found      []int32  // what an automaton found
	candidates []int32  // rules to judge, in order
	merged     []int32  // spare memory for candidates
	hits       []int32  // rules that match, in order
}

type memo struct {
	stamp uint32
	holds bool
}

type slotMemo struct {
	stamp uint32
	value value
}

func newState(p *program, x *index) *state {
	return &state{
		prog:     p,
		verdicts: make([]verdicts, len(p.repeated)),
		ruledOut: x.residual.ruledOut,
		slots:    make([]slotMemo, len(p.slots)),
		paths:    make([]pathMemo, len(p.paths)),
		preds:    make([]memo, len(p.preds)),
		nodes:    make([]memo, p.memos),
		listed:   make([]uint32, len(p.rules)),
		alive:    make([]uint64, len(x.residual.all)),
		kept:     make([]uint64, len(x.residual.all)),
	}
}

// begin forgets the event before.
func (st *state) begin(c *field.Context) {
	st.c = c
	if st.stamp == math.MaxUint32 {
		clear(st.slots)
		clear(st.paths)
		clear(st.preds)
		clear(st.nodes)
		clear(st.listed)
		for i := range st.verdicts {
			st.verdicts[i].stamp = 0
		}
		st.stamp, st.podStamp = 0, 0
	}
	st.stamp++
	clear(st.arena) // let go of the texts of the event before
	st.arena = st.arena[:0]
	st.candidates = st.candidates[:0]
	st.hits = st.hits[:0]
}

func (st *state) slot(id int32) *value {
	s := &st.slots[id]
	if s.stamp != st.stamp {
		st.find(&st.prog.slots[id], &s.value)
		s.stamp = st.stamp
	}
	return &s.value
}

func (st *state) pred(id int32) bool {
	if m := &st.preds[id]; m.stamp == st.stamp {
		return m.holds
	}
	return st.judgeOnce(id)
}

func (st *state) judgeOnce(id int32) bool {
	holds := st.judge(&st.prog.preds[id])
	st.preds[id] = memo{st.stamp, holds}
	return holds
}

func (st *state) judge(p *pred) bool {
	if p.kind == predTime {
		return p.time(st.c)
	}
	if p.repeated >= 0 {
		if v := st.verdict(p.repeated); v != nil {
			if v.judged>>p.bit&1 == 0 {
				st.remember(v, p)
			}
			return v.holds>>p.bit&1 != 0
		}
	}
	return st.test(p)
}

// test judges a predicate by its operands.
func (st *state) test(p *pred) bool {
	if st.prog.slots[p.left].ofPod && !st.writesPod() {
		return false
	}
	left := st.slot(p.left)
	if !left.present {
		return false
	}
	if p.right < 0 {
		return p.holds(left.items, nil)
	}
	items := left.items
	right := st.slot(p.right)
	return right.present && p.holds(items, right.items)
}

// writesPod tells whether the event's request writes a pod.
func (st *state) writesPod() bool {
	if st.podStamp != st.stamp {
		st.podStamp, st.pod = st.stamp, st.c.WritesPod()
	}
	return st.pod
}

func (st *state) node(id nodeID) bool {
	n := &st.prog.nodes[id]
	switch n.op {
	case opPred:
		return st.pred(n.pred)
	case opNotPred:
		return !st.pred(n.pred)
	case opTrue:
		return true
	case opFalse:
		return false
	}
	if n.memo < 0 {
		return st.terms(n)
	}
	m := &st.nodes[n.memo]
	if m.stamp != st.stamp {
		m.holds = st.terms(n)
		m.stamp = st.stamp
	}
	return m.holds
}

// terms judges an "and" or an "or": the first term that decides it ends it.
func (st *state) terms(n *graphNode) bool {
	decides := n.op == opOr
	for _, t := range n.terms {
		var holds bool
		switch term := &st.prog.nodes[t]; term.op {
		case opPred:
			holds = st.pred(term.pred)
		case opNotPred:
			holds = !st.pred(term.pred)
		default:
			holds = st.node(t)
		}
		if holds == decides {
			return decides
		}
	}
	return !decides
}
