package match

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// program is what all rules say, as one graph: every distinct operand is a
// slot, every distinct check a predicate, every distinct "and" and "or" a
// node, whatever number of rules they stand in. "not" stands only before
// predicates.
type program struct {
	slots []slot
	paths []pathNode
	preds []pred
	nodes []graphNode
	rules []planned
	memos int // nodes that are remembered for an event

	repeated []repeated
}

// planned is a rule in the program.
type planned struct {
	name string
	root nodeID
}

type nodeID int32

type nodeOp uint8

const (
	opFalse nodeOp = iota
	opTrue
	opPred
	opNotPred
	opAnd
	opOr
)

// graphNode is a node of the graph. The terms of an and/or stand in the order in which
// they are likely to decide it at the least cost: checks have no effects, so their order
// changes no answer.
type graphNode struct {
	op     nodeOp
	pred   int32
	terms  []nodeID
	cost   int32   // of judging it, on the average
	chance float64 // guessed share of events for which it holds
	body   float64 // guessed share of events for which it asks for what is in a body, which no one else may need
	uses   int32   // parents and rules that refer to it
	memo   int32   // where its verdict is remembered; -1: it is not
}

const (
	falseNode nodeID = 0
	trueNode  nodeID = 1
)

// compiler builds a program.
type compiler struct {
	program
	b       builder
	slotIDs map[string]int32
	pathIDs map[pathNode]int32
	predIDs map[string]int32
	nodeIDs map[string]nodeID
	seen    map[exprSign]nodeID // by tree: macros are shared between rules
}

// exprSign is a tree with or without "not" before it.
type exprSign struct {
	expr condition.Expr
	not  bool
}

func compile(plain *Plain, cat *field.Catalogue, strict bool) (*program, error) {
	c := &compiler{
		b:       builder{cat: cat, strict: strict},
		slotIDs: map[string]int32{}, pathIDs: map[pathNode]int32{}, predIDs: map[string]int32{}, nodeIDs: map[string]nodeID{},
		seen: map[exprSign]nodeID{},
	}
	c.paths = []pathNode{{}}
	c.nodes = []graphNode{{op: opFalse, memo: -1}, {op: opTrue, chance: 1, memo: -1}}
	for i := range plain.rules {
		r := plain.rules[i].rule
		root, err := c.node(r.Condition, false)
		if err != nil {
			return nil, err
		}
		c.nodes[root].uses++
		c.rules = append(c.rules, planned{name: r.Name, root: root})
	}
	for i := range c.nodes {
		n := &c.nodes[i]
		if (n.op == opAnd || n.op == opOr) && n.uses > 1 {
			n.memo = int32(c.memos)
			c.memos++
		}
	}
	c.repeat()
	return &c.program, nil
}

// node gives the node of a tree, of its negation where not is set.
func (c *compiler) node(e condition.Expr, not bool) (nodeID, error) {
	key := exprSign{e, not}
	if id, ok := c.seen[key]; ok {
		return id, nil
	}
	id, err := c.newNode(e, not)
	if err == nil {
		c.seen[key] = id
	}
	return id, err
}

func (c *compiler) newNode(e condition.Expr, not bool) (nodeID, error) {
	switch e := e.(type) {
	case *condition.Not:
		return c.node(e.X, !not)
	case *condition.And:
		return c.terms(e.Terms, not, opAnd)
	case *condition.Or:
		return c.terms(e.Terms, not, opOr)
	}
	return c.checkNode(e.(*condition.Check), not)
}

// terms joins nodes; by De Morgan's laws "not" goes down and turns "and" into
// "or".
func (c *compiler) terms(es []condition.Expr, not bool, op nodeOp) (nodeID, error) {
	if not {
		op = opAnd + opOr - op
	}
	ids := make([]nodeID, len(es))
	for i, e := range es {
		id, err := c.node(e, not)
		if err != nil {
			return falseNode, err
		}
		ids[i] = id
	}
	return c.join(op, ids), nil
}

// join folds constants, flattens, drops repetitions and shares equal nodes.
func (c *compiler) join(op nodeOp, ids []nodeID) nodeID {
	neutral, absorbing := trueNode, falseNode
	if op == opOr {
		neutral, absorbing = falseNode, trueNode
	}
	var flat []nodeID
	for _, id := range ids {
		switch {
		case id == absorbing:
			return absorbing
		case id == neutral:
		case c.nodes[id].op == op:
			flat = append(flat, c.nodes[id].terms...)
		default:
			flat = append(flat, id)
		}
	}
	slices.SortFunc(flat, func(a, b nodeID) int {
		return cmp.Or(cmp.Compare(c.nodes[a].rank(op), c.nodes[b].rank(op)), cmp.Compare(a, b))
	})
	flat = slices.Compact(flat)
	switch len(flat) {
	case 0:
		return neutral
	case 1:
		return flat[0]
	}
	return c.share(op, flat)
}

func (c *compiler) share(op nodeOp, terms []nodeID) nodeID {
	key := make([]byte, 1, 1+4*len(terms))
	key[0] = byte(op)
	for _, id := range terms {
		key = binary.LittleEndian.AppendUint32(key, uint32(id))
	}
	if id, ok := c.nodeIDs[string(key)]; ok {
		return id
	}
	n := graphNode{op: op, terms: terms}
	c.guess(&n)
	id := c.add(n)
	c.nodeIDs[string(key)] = id
	for _, t := range terms {
		c.nodes[t].uses++
	}
	return id
}

func (c *compiler) add(n graphNode) nodeID {
	n.memo = -1
	c.nodes = append(c.nodes, n)
	return nodeID(len(c.nodes) - 1)
}

func (c *compiler) checkNode(e *condition.Check, not bool) (nodeID, error) {
	id, err := c.predicate(e)
	if err != nil {
		return falseNode, err
	}
	p := &c.preds[id]
	switch {
	case p.kind == predFalse && !not, p.kind == predTrue && not:
		return falseNode, nil
	case p.kind == predFalse, p.kind == predTrue:
		return trueNode, nil
	}
	key := []byte{byte(opPred), 0, 0, 0, 0}
	n := graphNode{op: opPred, pred: id, cost: p.cost, chance: c.chance(p), body: c.inBody(p)}
	if not {
		key[0], n.op, n.chance = byte(opNotPred), opNotPred, 1-n.chance
	}
	binary.LittleEndian.PutUint32(key[1:], uint32(id))
	if known, ok := c.nodeIDs[string(key)]; ok {
		return known, nil
	}
	node := c.add(n)
	c.nodeIDs[string(key)] = node
	return node, nil
}
