package condition

// Resolve gives the tree with every macro replaced by what lookup says it
// stands for; those trees must have been resolved before. e is not changed;
// the result may share nodes with it. The error is an *[UndefinedMacro].
func Resolve(e Expr, lookup func(name string) (Expr, bool)) (Expr, error) {
	switch e := e.(type) {
	case *Macro:
		if x, ok := lookup(e.Name); ok {
			return x, nil
		}
		return nil, &UndefinedMacro{Name: e.Name, Pos: e.At}
	case *Not:
		x, err := Resolve(e.X, lookup)
		if err != nil {
			return nil, err
		}
		return &Not{X: x, At: e.At}, nil
	case *And:
		terms, err := resolveAll(e.Terms, lookup)
		if err != nil {
			return nil, err
		}
		return &And{Terms: terms, At: e.At}, nil
	case *Or:
		terms, err := resolveAll(e.Terms, lookup)
		if err != nil {
			return nil, err
		}
		return &Or{Terms: terms, At: e.At}, nil
	}
	return e, nil
}

func resolveAll(terms []Expr, lookup func(string) (Expr, bool)) ([]Expr, error) {
	out := make([]Expr, len(terms))
	for i, t := range terms {
		x, err := Resolve(t, lookup)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}
