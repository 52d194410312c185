package condition

// strip gives the tree without positions, as plain nested slices, so that two
// trees compare by shape and text alone.
func strip(e Expr) any {
	switch e := e.(type) {
	case *And:
		return append([]any{"and"}, stripAll(e.Terms)...)
	case *Or:
		return append([]any{"or"}, stripAll(e.Terms)...)
	case *Not:
		return []any{"not", strip(e.X)}
	case *Macro:
		return []any{"macro", e.Name}
	case *Check:
		out := []any{"check", stripOperand(e.Left), e.Op, e.Mod, e.List, stripOperand(e.Right)}
		for _, v := range e.Values {
			out = append(out, v.Text)
		}
		return out
	}
	return nil
}

func stripAll(es []Expr) []any {
	var out []any
	for _, e := range es {
		out = append(out, strip(e))
	}
	return out
}

func stripOperand(o Operand) any {
	switch o := o.(type) {
	case *Field:
		return []any{"field", o.Name, o.Arg, o.HasArg}
	case *Transform:
		out := []any{o.Name, o.Arg, o.HasArg}
		for _, a := range o.Args {
			out = append(out, stripOperand(a))
		}
		return out
	case *Const:
		return []any{"const", o.Text, o.Number}
	case *Tuple:
		out := []any{"tuple"}
		for _, a := range o.Items {
			out = append(out, stripOperand(a))
		}
		return out
	}
	return nil
}
