package condition

// operand gives the type of a field or transformer and judges what is inside.
func (v *validator) operand(o Operand) (OperandType, error) {
	switch o := o.(type) {
	case *Field:
		return v.field(o)
	case *Transform:
		return v.transform(o)
	case *Const:
		return OperandType{Type: TypeString}, nil
	case *Tuple:
		for _, item := range o.Items {
			t, err := v.operand(item)
			if err != nil {
				return t, err
			}
			if t.List || t.Type != TypeString {
				return t, fail(item.Pos(), "transformer list items must be strings")
			}
		}
		return OperandType{Type: TypeString, List: true}, nil
	}
	return OperandType{}, fail(o.Pos(), "filter error: unknown operand")
}

func (v *validator) field(f *Field) (OperandType, error) {
	info, ok := v.cat.Field(f.Name)
	if !ok {
		return OperandType{}, &CompileError{Pos: f.At, UnknownField: true,
			Msg: "filter_check called with nonexistent field " + f.Name + bracketsPlain(f)}
	}
	if msg := info.CheckArg(f.Name+bracketsPlain(f), f.Arg, f.HasArg); msg != "" {
		return OperandType{}, fail(f.At, msg)
	}
	return OperandType{Type: info.Type, List: info.List}, nil
}

// bracketsPlain is the argument as Falco's messages show it, never quoted.
func bracketsPlain(f *Field) string {
	if !f.HasArg {
		return ""
	}
	return "[" + f.Arg + "]"
}

func (v *validator) transform(t *Transform) (OperandType, error) {
	args := make([]OperandType, len(t.Args))
	for i, a := range t.Args {
		var err error
		if args[i], err = v.operand(a); err != nil {
			return args[i], err
		}
	}
	if t.HasArg && t.Name != "getopt" {
		return OperandType{}, fail(t.At, "filter error: transformer '"+t.Name+"' does not support field arguments")
	}
	switch t.Name {
	case "val":
		return args[0], nil
	case "tolower", "toupper", "b64", "basename", "len":
		return v.unary(t, args)
	case "join":
		return OperandType{Type: TypeString}, joinError(t, args)
	case "concat":
		return OperandType{Type: TypeString}, concatError(t, args)
	case "getopt":
		return OperandType{Type: TypeString, List: !t.HasArg}, getoptError(t, args)
	}
	return OperandType{}, fail(t.At, "unknown field transfomer '"+t.Name+"'")
}

// unary judges the transformers of one field. "len" makes a number of a text
// or of a list, the others keep the shape of what they are applied to.
func (v *validator) unary(t *Transform, args []OperandType) (OperandType, error) {
	if len(args) != 1 {
		return OperandType{}, fail(t.At, "unknown field transfomer '"+t.Name+"'")
	}
	if _, isConst := t.Args[0].(*Const); isConst {
		return OperandType{}, fail(t.At, "filter error: found null child node on '"+t.Name+"' transformer")
	}
	a := args[0]
	if t.Name == "len" && a.List {
		return OperandType{Type: TypeUint64}, nil
	}
	if a.Type != TypeString {
		list := ""
		if a.List {
			list = "list "
		}
		return a, fail(t.At, "can't add field transformer: type '"+a.Type.String()+"' is not supported by '"+
			t.Name+"' transformer applied on "+list+"field '"+t.Args[0].String()+"'")
	}
	if t.Name == "len" {
		return OperandType{Type: TypeUint64}, nil
	}
	return a, nil
}

func joinError(t *Transform, args []OperandType) error {
	switch {
	case len(args) != 2:
		return fail(t.At, "join() requires exactly 2 arguments: separator and list")
	case args[0].List:
		return fail(t.At, "join() first argument (separator) must be a single value, not a list")
	case !args[1].List:
		return fail(t.At, "join() second argument must be a list")
	}
	return stringArgs(t, args, "join() arguments must be strings")
}

func concatError(t *Transform, args []OperandType) error {
	if len(args) < 2 {
		return fail(t.At, "unknown field transfomer 'concat'")
	}
	for _, a := range args {
		if a.List {
			return fail(t.At, "concat() arguments must be strings")
		}
	}
	return stringArgs(t, args, "concat() arguments must be strings")
}

func getoptError(t *Transform, args []OperandType) error {
	switch {
	case len(args) != 2:
		return fail(t.At, "getopt() requires exactly 2 arguments: list and option string")
	case !args[0].List:
		return fail(t.At, "getopt() first argument must be a list")
	case args[1].List:
		return fail(t.At, "getopt() second argument (option string) must be a single value, not a list")
	}
	return stringArgs(t, args, "getopt() arguments must be strings")
}

func stringArgs(t *Transform, args []OperandType, msg string) error {
	for _, a := range args {
		if a.Type != TypeString {
			return fail(t.At, msg)
		}
	}
	return nil
}
