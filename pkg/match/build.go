package match

import (
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// node is a condition that can be judged.
type node interface {
	eval(c *field.Context) bool
}

type (
	andNode struct{ terms []node }
	orNode  struct{ terms []node }
	notNode struct{ x node }
)

func (n andNode) eval(c *field.Context) bool {
	for _, t := range n.terms {
		if !t.eval(c) {
			return false
		}
	}
	return true
}

func (n orNode) eval(c *field.Context) bool {
	for _, t := range n.terms {
		if t.eval(c) {
			return true
		}
	}
	return false
}

func (n notNode) eval(c *field.Context) bool { return !n.x.eval(c) }

// builder turns trees into nodes.
type builder struct {
	cat    *field.Catalogue
	strict bool
}

func (b *builder) node(e condition.Expr) (node, error) {
	switch e := e.(type) {
	case *condition.And:
		terms, err := b.nodes(e.Terms)
		return andNode{terms}, err
	case *condition.Or:
		terms, err := b.nodes(e.Terms)
		return orNode{terms}, err
	case *condition.Not:
		x, err := b.node(e.X)
		return notNode{x}, err
	case *condition.Check:
		return b.check(e)
	}
	return nil, fmt.Errorf("unresolved macro %q", e)
}

func (b *builder) nodes(es []condition.Expr) ([]node, error) {
	out := make([]node, len(es))
	for i, e := range es {
		n, err := b.node(e)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}
