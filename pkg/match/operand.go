package match

import (
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// value is what an operand yields: absent, or items. A list may be present
// and hold nothing.
type value struct {
	present bool
	items   []field.Item
}

func present(items ...field.Item) value { return value{present: true, items: items} }

func text(s string) value { return present(field.Item{Text: s}) }

// operand yields a value of an event.
type operand interface {
	value(c *field.Context) value
}

type fieldOperand struct {
	field *field.Field
	arg   field.Arg
}

func (o fieldOperand) value(c *field.Context) value {
	items := o.field.Extract(c, o.arg)
	return value{present: len(items) > 0, items: items}
}

// constOperand is a literal; its items are shared and never written.
type constOperand struct{ items []field.Item }

func (o constOperand) value(*field.Context) value { return value{present: true, items: o.items} }

// tupleOperand is a list of operands written out; one that is absent makes
// the list absent.
type tupleOperand struct{ items []operand }

func (o tupleOperand) value(c *field.Context) value {
	out := value{present: true}
	for _, item := range o.items {
		v := item.value(c)
		if !v.present {
			return value{}
		}
		out.items = append(out.items, v.items...)
	}
	return out
}

// transformOperand applies a function to the values of its arguments; where
// one is absent, so is the result.
type transformOperand struct {
	args  []operand
	apply func(args []value) value
}

func (o transformOperand) value(c *field.Context) value {
	var args []value
	for i := len(o.args) - 1; i >= 0; i-- { // literals stand in front and are never absent
		v := o.args[i].value(c)
		if !v.present {
			return value{}
		}
		if args == nil {
			args = make([]value, len(o.args))
		}
		args[i] = v
	}
	return o.apply(args)
}

func (b *builder) operand(o condition.Operand) (operand, error) {
	switch o := o.(type) {
	case *condition.Field:
		return b.fieldOperand(o)
	case *condition.Const:
		return constOperand{[]field.Item{{Text: o.Text}}}, nil
	case *condition.Tuple:
		items, err := b.operands(o.Items)
		return tupleOperand{items}, err
	case *condition.Transform:
		args, err := b.operands(o.Args)
		if err != nil {
			return nil, err
		}
		if o.Name == "val" {
			return args[0], nil
		}
		apply, err := b.transform(o)
		return transformOperand{args: args, apply: apply}, err
	}
	return nil, fmt.Errorf("unknown operand %v", o)
}

func (b *builder) operands(os []condition.Operand) ([]operand, error) {
	out := make([]operand, len(os))
	for i, o := range os {
		x, err := b.operand(o)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

func (b *builder) fieldOperand(o *condition.Field) (operand, error) {
	f, ok := b.cat.Lookup(o.Name)
	if !ok {
		return nil, fmt.Errorf("no field %q", o.Name)
	}
	if !o.HasArg {
		arg, err := f.NoArg()
		return fieldOperand{field: f, arg: arg}, err
	}
	arg, err := f.ParseArg(o.Arg)
	return fieldOperand{field: f, arg: arg}, err
}
