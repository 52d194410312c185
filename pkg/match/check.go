package match

import (
	"fmt"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/operator"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// checkNode is a check on one operand: test is asked only when it, and the
// right-hand side where there is one, are present.
type checkNode struct {
	left  operand
	right operand // nil with literals
	test  func(left, right []field.Item) bool
}

func (n checkNode) eval(c *field.Context) bool {
	left := n.left.value(c)
	if !left.present {
		return false
	}
	if n.right == nil {
		return n.test(left.items, nil)
	}
	right := n.right.value(c)
	return right.present && n.test(left.items, right.items)
}

func (b *builder) check(c *condition.Check) (node, error) {
	left, err := b.operand(c.Left)
	if err != nil {
		return nil, err
	}
	typ, err := condition.TypeOf(c.Left, b.cat)
	if err != nil {
		return nil, err
	}
	n := checkNode{left: left}
	switch {
	case c.Op == condition.Exists:
		n.test = func(_, _ []field.Item) bool { return true }
	case b.strict && neverEqual(c, typ):
		n.test = func(_, _ []field.Item) bool { return false }
	case c.Right != nil:
		if n.right, err = b.operand(c.Right); err != nil {
			return nil, err
		}
		n.test, err = itemTest(c.Op, typ)
	default:
		n.test, err = literalTest(c, typ)
	}
	return n, err
}

// neverEqual tells of Falco's fault that the elements of a transformed list
// keep a trailing NUL and so are among no values.
func neverEqual(c *condition.Check, typ condition.OperandType) bool {
	t, ok := c.Left.(*condition.Transform)
	if !ok || !typ.List || t.Name == "getopt" {
		return false
	}
	return c.Op == condition.In || c.Op == condition.Intersects
}

// predicate judges one item.
type predicate func(field.Item) bool

// literalTest is a check against literals.
func literalTest(c *condition.Check, typ condition.OperandType) (func(left, right []field.Item) bool, error) {
	op := c.Op
	if op == condition.In || op == condition.Intersects {
		op = condition.Eq
	}
	preds := make([]predicate, len(c.Values))
	for i, lit := range c.Values {
		p, err := literalPredicate(op, typ.Type, lit.Text)
		if err != nil {
			return nil, err
		}
		preds[i] = p
	}
	switch {
	case c.Op == condition.In:
		return func(left, _ []field.Item) bool { return all(left, anyOf(preds)) }, nil
	case c.Op == condition.Intersects:
		return func(left, _ []field.Item) bool { return some(left, anyOf(preds)) }, nil
	case c.Mod == condition.AllOf:
		return func(left, _ []field.Item) bool { return len(preds) > 0 && count(preds, left[0]) == len(preds) }, nil
	case c.Mod == condition.OneOf:
		return func(left, _ []field.Item) bool { return count(preds, left[0]) == 1 }, nil
	}
	return func(left, _ []field.Item) bool { return anyOf(preds)(left[0]) }, nil
}

func all(items []field.Item, p predicate) bool {
	for _, item := range items {
		if !p(item) {
			return false
		}
	}
	return len(items) > 0
}

func some(items []field.Item, p predicate) bool {
	for _, item := range items {
		if p(item) {
			return true
		}
	}
	return false
}

func anyOf(preds []predicate) predicate {
	return func(item field.Item) bool {
		for _, p := range preds {
			if p(item) {
				return true
			}
		}
		return false
	}
}

func count(preds []predicate, item field.Item) int {
	n := 0
	for _, p := range preds {
		if p(item) {
			n++
		}
	}
	return n
}

// literalPredicate compares an item of a type with a literal.
func literalPredicate(op condition.Op, typ condition.Type, lit string) (predicate, error) {
	switch {
	case typ.Numeric():
		n, ok := condition.ParseNumber(lit)
		if !ok {
			return nil, fmt.Errorf("%s is not a valid number", lit)
		}
		return func(item field.Item) bool { return ordered(op, cmpUint(item.Num, n)) }, nil
	case typ == condition.TypeIPNet:
		net, ok := condition.ParseIPNet(lit)
		if !ok {
			return nil, fmt.Errorf("unrecognized IP address %s", lit)
		}
		return func(item field.Item) bool { return net.Contains(item.Prefix.Addr()) == (op == condition.Eq) }, nil
	case op == condition.Regex:
		re, err := operator.CompileRegex(lit)
		if err != nil {
			return nil, err
		}
		return func(item field.Item) bool { return re.MatchString(operator.CutNUL(item.Text)) }, nil
	}
	return func(item field.Item) bool { return textTest(op, operator.CutNUL(item.Text), lit) }, nil
}

// itemTest is a check against the value of another operand of the same type.
func itemTest(op condition.Op, typ condition.OperandType) (func(left, right []field.Item) bool, error) {
	equal := func(a, b field.Item) bool { return itemCompare(condition.Eq, typ.Type, a, b) }
	among := func(right []field.Item) predicate {
		return func(a field.Item) bool {
			return some(right, func(b field.Item) bool { return equal(a, b) })
		}
	}
	switch op {
	case condition.In:
		return func(left, right []field.Item) bool { return all(left, among(right)) }, nil
	case condition.Intersects:
		return func(left, right []field.Item) bool { return some(left, among(right)) }, nil
	}
	return func(left, right []field.Item) bool { return itemCompare(op, typ.Type, left[0], right[0]) }, nil
}

func itemCompare(op condition.Op, typ condition.Type, a, b field.Item) bool {
	switch {
	case typ.Numeric():
		return ordered(op, cmpUint(a.Num, b.Num))
	case typ == condition.TypeIPNet:
		return (a.Prefix == b.Prefix) == (op == condition.Eq)
	}
	return textTest(op, operator.CutNUL(a.Text), operator.CutNUL(b.Text))
}

func cmpUint(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func ordered(op condition.Op, cmp int) bool {
	switch op {
	case condition.Eq:
		return cmp == 0
	case condition.Ne:
		return cmp != 0
	case condition.Lt:
		return cmp < 0
	case condition.Le:
		return cmp <= 0
	case condition.Gt:
		return cmp > 0
	case condition.Ge:
		return cmp >= 0
	}
	return false
}

// textTest compares two texts.
func textTest(op condition.Op, s, arg string) bool {
	switch op {
	case condition.Contains:
		return strings.Contains(s, arg)
	case condition.IContains:
		return operator.ContainsFold(s, arg)
	case condition.StartsWith:
		return strings.HasPrefix(s, arg)
	case condition.EndsWith:
		return strings.HasSuffix(s, arg)
	case condition.Glob:
		return operator.Glob(arg, s, false)
	case condition.IGlob:
		return operator.Glob(arg, s, true)
	case condition.PMatch:
		return operator.PathPrefix(arg, s)
	}
	return ordered(op, strings.Compare(s, arg))
}
