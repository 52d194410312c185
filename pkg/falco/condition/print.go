package condition

import "strings"

// String prints the terms joined by "and".
func (e *And) String() string { return joinTerms(e.Terms, " and ") }

// String prints the terms joined by "or".
func (e *Or) String() string { return joinTerms(e.Terms, " or ") }

// String prints "not" and its operand.
func (e *Not) String() string {
	if inner, ok := e.X.(*Not); ok {
		return "not (" + inner.String() + ")" // "not not" would cancel out
	}
	return "not " + group(e.X)
}

// String prints the macro's name.
func (e *Macro) String() string { return e.Name }

// String prints the check; lists stand in parentheses.
func (e *Check) String() string {
	var b strings.Builder
	b.WriteString(e.Left.String())
	b.WriteByte(' ')
	b.WriteString(string(e.Op))
	if e.Op == Exists {
		return b.String()
	}
	b.WriteByte(' ')
	if e.Mod != NoModifier {
		b.WriteString(string(e.Mod))
		b.WriteByte(' ')
	}
	switch {
	case e.Right != nil:
		b.WriteString(e.Right.String())
	case e.List:
		b.WriteByte('(')
		for i, v := range e.Values {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(Quote(v.Text))
		}
		b.WriteByte(')')
	case e.Op == Lt || e.Op == Le || e.Op == Gt || e.Op == Ge:
		b.WriteString(e.Values[0].Text) // a number: quotes would not parse
	default:
		b.WriteString(quoteSingle(e.Values[0].Text))
	}
	return b.String()
}

// String prints the field with its argument.
func (o *Field) String() string { return o.Name + brackets(o.Arg, o.HasArg) }

// String prints the transformer with its arguments.
func (o *Transform) String() string {
	return o.Name + "(" + joinOperands(o.Args) + ")" + brackets(o.Arg, o.HasArg)
}

// String prints the constant, quoted unless it is a number.
func (o *Const) String() string {
	if o.Number {
		return o.Text
	}
	return forceQuote(o.Text)
}

// String prints the items in parentheses.
func (o *Tuple) String() string { return "(" + joinOperands(o.Items) + ")" }

func joinTerms(terms []Expr, sep string) string {
	var b strings.Builder
	for i, t := range terms {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(group(t))
	}
	return b.String()
}

// group puts parentheses around and/or so that the tree's own shape is kept.
func group(e Expr) string {
	switch e.(type) {
	case *And, *Or:
		return "(" + e.String() + ")"
	}
	return e.String()
}

func joinOperands(os []Operand) string {
	parts := make([]string, len(os))
	for i, o := range os {
		parts[i] = o.String()
	}
	return strings.Join(parts, ", ")
}

func brackets(arg string, has bool) string {
	if !has {
		return ""
	}
	if arg != "" && strings.IndexFunc(arg, notArgBare) < 0 {
		return "[" + arg + "]"
	}
	return "[" + forceQuote(arg) + "]"
}

// Quote prints a literal so that it reads back as the same text inside a list:
// bare where the grammar allows it, quoted elsewhere.
func Quote(s string) string {
	// A leading \b may stand in a bare string, but is a blank before one.
	if s != "" && s[0] != '\b' && strings.IndexFunc(s, notBare) < 0 {
		return s
	}
	return forceQuote(s)
}

// quoteSingle quotes what would be read as something else after a string
// operator: a modifier, a transformer's name.
func quoteSingle(s string) string {
	switch Modifier(s) {
	case OneOf, AnyOf, AllOf:
		return forceQuote(s)
	}
	return Quote(s)
}

func forceQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\b':
			b.WriteString(`\b`)
		case '\f':
			b.WriteString(`\f`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		case '\\':
			// A delimiter right after a backslash would not end the string,
			// so a backslash there is spelled "backslash blank".
			if i+1 == len(s) || s[i+1] == '"' {
				b.WriteString(`\ `)
			} else {
				b.WriteString(`\\`)
			}
		case '"':
			b.WriteString(`\"`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
