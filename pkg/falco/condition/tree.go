package condition

// Pos is a place in the source text of a condition.
type Pos struct {
	Offset int // 0-based, in bytes
	Line   int // 1-based
	Col    int // 1-based, in bytes
}

// Expr is a node of the tree: *[And], *[Or], *[Not], *[Macro] or *[Check].
// String prints a condition that parses to the same tree.
type Expr interface {
	Pos() Pos
	String() string
	expr()
}

// And holds when every term does; it has at least two terms.
type And struct {
	Terms []Expr
	At    Pos
}

// Or holds when any term does; it has at least two terms.
type Or struct {
	Terms []Expr
	At    Pos
}

// Not holds when X does not.
type Not struct {
	X  Expr
	At Pos
}

// Macro is a reference to a macro by name; [Resolve] replaces it.
type Macro struct {
	Name string
	At   Pos
}

// Check compares an operand with literals or with another operand.
//
// For [Exists] neither Values nor Right is set. Right is set where a field or
// transformer stands on the right-hand side. Otherwise Values holds the
// literals: exactly one unless List is set.
type Check struct {
	Left   Operand
	Op     Op
	Mod    Modifier
	Values []Literal
	List   bool // the right-hand side is a list: in, intersects, pmatch, or a modifier
	Right  Operand
	At     Pos
}

// Literal is a string or number on the right-hand side, unescaped.
type Literal struct {
	Text string
	At   Pos
}

// Operand is something with a value: *[Field], *[Transform], *[Const] or
// *[Tuple]; the last two only as arguments of a transformer.
type Operand interface {
	Pos() Pos
	String() string
	operand()
}

// Field is a field with its argument, as in ka.uri.param[limit].
type Field struct {
	Name   string
	Arg    string
	HasArg bool
	At     Pos
}

// Transform is a transformer applied to its arguments. Name "val" (only on
// the right-hand side) is the identity: its one argument is a field.
type Transform struct {
	Name   string
	Args   []Operand
	Arg    string // the argument in brackets, as in getopt(f, "ab:")[b]
	HasArg bool
	At     Pos
}

// Const is a string or number among the arguments of a transformer.
type Const struct {
	Text   string
	Number bool // written as a number
	At     Pos
}

// Tuple is a list in parentheses among the arguments of a transformer.
type Tuple struct {
	Items []Operand
	At    Pos
}

// Pos tells where the node begins.
func (e *And) Pos() Pos { return e.At }

// Pos tells where the node begins.
func (e *Or) Pos() Pos { return e.At }

// Pos tells where the node begins.
func (e *Not) Pos() Pos { return e.At }

// Pos tells where the node begins.
func (e *Macro) Pos() Pos { return e.At }

// Pos tells where the node begins.
func (e *Check) Pos() Pos { return e.At }

// Pos tells where the node begins.
func (o *Field) Pos() Pos { return o.At }

// Pos tells where the node begins.
func (o *Transform) Pos() Pos { return o.At }

// Pos tells where the node begins.
func (o *Const) Pos() Pos { return o.At }

// Pos tells where the node begins.
func (o *Tuple) Pos() Pos { return o.At }

func (*And) expr()   {}
func (*Or) expr()    {}
func (*Not) expr()   {}
func (*Macro) expr() {}
func (*Check) expr() {}

func (*Field) operand()     {}
func (*Transform) operand() {}
func (*Const) operand()     {}
func (*Tuple) operand()     {}

// Op is the operator of a [Check]; its text is the operator as written ("=="
// is read as "=").
type Op string

// The operators.
const (
	Exists      Op = "exists"
	Eq          Op = "="
	Ne          Op = "!="
	Lt          Op = "<"
	Le          Op = "<="
	Gt          Op = ">"
	Ge          Op = ">="
	Glob        Op = "glob"
	IGlob       Op = "iglob"
	Contains    Op = "contains"
	IContains   Op = "icontains"
	BContains   Op = "bcontains"
	StartsWith  Op = "startswith"
	BStartsWith Op = "bstartswith"
	EndsWith    Op = "endswith"
	Regex       Op = "regex"
	In          Op = "in"
	Intersects  Op = "intersects"
	PMatch      Op = "pmatch"
)

// Modifier says how many of the listed values a string operator must hold for.
type Modifier string

// The modifiers; NoModifier where there is none.
const (
	NoModifier Modifier = ""
	OneOf      Modifier = "oneof" // exactly one
	AnyOf      Modifier = "anyof" // at least one
	AllOf      Modifier = "allof" // every one, and there is one
)

// Walk calls f for e and, where f returns true, for the nodes below it, from
// left to right.
func Walk(e Expr, f func(Expr) bool) {
	if !f(e) {
		return
	}
	switch e := e.(type) {
	case *And:
		for _, t := range e.Terms {
			Walk(t, f)
		}
	case *Or:
		for _, t := range e.Terms {
			Walk(t, f)
		}
	case *Not:
		Walk(e.X, f)
	}
}

// WalkFields calls f for every field in e, those inside transformers and on
// right-hand sides included.
func WalkFields(e Expr, f func(*Field)) {
	Walk(e, func(e Expr) bool {
		if c, ok := e.(*Check); ok {
			walkOperand(c.Left, f)
			walkOperand(c.Right, f)
		}
		return true
	})
}

func walkOperand(o Operand, f func(*Field)) {
	switch o := o.(type) {
	case *Field:
		f(o)
	case *Transform:
		for _, a := range o.Args {
			walkOperand(a, f)
		}
	case *Tuple:
		for _, a := range o.Items {
			walkOperand(a, f)
		}
	}
}
