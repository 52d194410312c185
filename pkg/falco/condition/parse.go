package condition

import "strings"

// MaxDepth bounds the nesting of a condition. Falco's own limit never takes
// effect; ours only keeps a hostile file from exhausting the stack.
const MaxDepth = 10000

var (
	numOps  = []Op{Le, Lt, Ge, Gt}
	strOps  = []Op{Glob, IGlob, Contains, IContains, BContains, StartsWith, BStartsWith, EndsWith, Regex}
	listOps = []Op{Intersects, In, PMatch}

	transformers = []string{"tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt"}
)

const (
	rhsTransformers = "a field with a valid transformer: 'val', 'tolower', 'toupper', 'b64', 'basename', 'len', 'join', 'concat', 'getopt'"
	checkOperators  = "expected a valid check operator: one of 'exists', '<=', '<', '>=', '>', '==', '=', '!=', 'glob', 'iglob', 'contains', " +
		"'icontains', 'bcontains', 'startswith', 'bstartswith', 'endswith', 'regex', 'intersects', 'in', 'pmatch'"
)

// Parse reads a whole condition. The error is a *[SyntaxError].
func Parse(src string) (e Expr, err error) {
	p := &parser{lexer: newLexer(src)}
	defer p.catch(&err)
	if src == "" {
		p.fail("filter input string is empty")
	}
	e = p.or()
	if p.pos.Offset != len(src) {
		p.fail("unexpected token after '" + p.last + "', expecting 'or', 'and'")
	}
	return e, nil
}

// ParseField reads a field or transformer, as the exceptions of a rule name
// them: ka.uri.param[limit], toupper(ka.verb).
func ParseField(src string) (o Operand, err error) {
	p := &parser{lexer: newLexer(src)}
	defer p.catch(&err)
	o = p.operand()
	if o == nil || p.pos.Offset != len(src) {
		p.fail("expected a field or a transformer")
	}
	return o, nil
}

// ParseOperandPrefix reads the field or transformer that src begins with and
// tells how many bytes it took. Output strings are made of such.
func ParseOperandPrefix(src string) (o Operand, n int, err error) {
	p := &parser{lexer: newLexer(src)}
	defer p.catch(&err)
	o = p.operand()
	if o == nil {
		p.fail("expected a field or a transformer")
	}
	return o, p.pos.Offset, nil
}

// parser is a recursive descent parser without look-ahead. It panics with a
// *SyntaxError; catch turns that, and only that, into a returned error.
type parser struct {
	lexer
	depth int
}

func (p *parser) fail(msg string) { p.failAt(p.pos, msg) }

func (p *parser) failAt(pos Pos, msg string) {
	panic(&SyntaxError{Pos: pos, Msg: msg, Src: p.src})
}

func (p *parser) catch(err *error) {
	switch r := recover().(type) {
	case nil:
	case *SyntaxError:
		*err = r
	default:
		panic(r)
	}
}

func (p *parser) enter() {
	if p.depth++; p.depth > MaxDepth {
		p.fail("exceeded max depth limit of 10000")
	}
}

func (p *parser) leave() { p.depth-- }

func (p *parser) or() Expr {
	p.enter()
	defer p.leave()
	at := p.pos
	terms := p.terms("or", p.and)
	if len(terms) == 1 {
		return terms[0]
	}
	return &Or{Terms: terms, At: at}
}

func (p *parser) and() Expr {
	at := p.pos
	terms := p.terms("and", p.not)
	if len(terms) == 1 {
		return terms[0]
	}
	return &And{Terms: terms, At: at}
}

// terms reads operands joined by a keyword. Right after the keyword only a
// parenthesis may do without a blank, and then it is the whole operand.
func (p *parser) terms(keyword string, operand func() Expr) []Expr {
	p.blank()
	terms := []Expr{operand()}
	p.blank()
	for p.str(keyword) {
		switch {
		case p.blank():
			terms = append(terms, operand())
		case p.str("("):
			terms = append(terms, p.embedded())
		default:
			p.fail("expected blank or '(' after '" + keyword + "'")
		}
		p.blank()
	}
	return terms
}

func (p *parser) not() Expr {
	at := p.pos
	p.blank()
	negate := false
	for p.notWord() {
		negate = !negate
	}
	var x Expr
	if p.str("not(") {
		negate = !negate
		x = p.embedded()
	} else {
		x = p.check()
	}
	if negate {
		return &Not{X: x, At: at}
	}
	return x
}

// embedded reads what follows an opening parenthesis.
func (p *parser) embedded() Expr {
	x := p.or()
	p.blank()
	if !p.str(")") {
		p.fail("expected a ')' token")
	}
	return x
}

func (p *parser) check() Expr {
	p.blank()
	at := p.pos
	if p.str("(") {
		return p.embedded()
	}
	if left := p.operand(); left != nil {
		return p.condition(left, at)
	}
	if p.identifier() {
		return &Macro{Name: p.last, At: at}
	}
	p.fail("expected a '(' token, a field check, or an identifier")
	return nil
}

func (p *parser) condition(left Operand, at Pos) Expr {
	c := &Check{Left: left, At: at}
	p.blank()
	switch {
	case p.str("exists"):
		c.Op = Exists
	case p.anyOp(c, numOps):
		p.numValue(c)
	case p.strOp(c):
		p.strValue(c)
	case p.anyOp(c, listOps):
		p.listValue(c)
	default:
		p.fail(checkOperators)
	}
	return c
}

func (p *parser) anyOp(c *Check, ops []Op) bool {
	for _, op := range ops {
		if p.str(string(op)) {
			c.Op = op
			return true
		}
	}
	return false
}

func (p *parser) strOp(c *Check) bool {
	switch {
	case p.str("=="), p.str("="):
		c.Op = Eq
		return true
	case p.str("!="):
		c.Op = Ne
		return true
	}
	for _, op := range strOps {
		if p.word(string(op)) {
			c.Op = op
			return true
		}
	}
	return false
}

func (p *parser) numValue(c *Check) {
	p.blank()
	at := p.pos
	if c.Right = p.rhsField(); c.Right != nil {
		return
	}
	if !p.number() {
		p.fail("expected a number value or " + rhsTransformers)
	}
	c.Values = []Literal{{Text: p.last, At: at}}
}

func (p *parser) strValue(c *Check) {
	spaced := p.blank()
	if spaced && p.modifier(c) {
		return
	}
	at := p.pos
	if c.Right = p.rhsField(); c.Right != nil {
		return
	}
	if !p.text() {
		p.fail("expected a string value or " + rhsTransformers)
	}
	c.Values = []Literal{{Text: p.last, At: at}}
}

// modifier reads a modifier with its list. Where nothing like a list follows,
// the word is an ordinary string and nothing is read.
func (p *parser) modifier(c *Check) bool {
	saved := p.lexer
	for _, m := range []Modifier{OneOf, AnyOf, AllOf} {
		if !p.word(string(m)) {
			continue
		}
		p.blank()
		if p.listOrIdent(c) {
			c.Mod = m
			return true
		}
		p.lexer = saved
	}
	return false
}

func (p *parser) listOrIdent(c *Check) bool {
	if p.peek() == '(' {
		p.list(c)
		return true
	}
	at := p.pos
	if n := identLen(p.rest()); n > 0 {
		switch p.rest()[:n] {
		case "and", "or":
			return false
		}
		p.take(n)
		c.List = true
		c.Values = []Literal{{Text: p.last, At: at}}
		return true
	}
	return false
}

func (p *parser) listValue(c *Check) {
	p.blank()
	if p.peek() == '(' {
		p.list(c)
		return
	}
	at := p.pos
	if c.Right = p.rhsField(); c.Right != nil {
		return
	}
	if !p.identifier() {
		p.fail("expected a list, an identifier, or " + rhsTransformers)
	}
	c.List = true
	c.Values = []Literal{{Text: p.last, At: at}}
}

func (p *parser) list(c *Check) {
	p.str("(")
	p.blank()
	c.List = true
	at := p.pos
	if p.text() {
		c.Values = append(c.Values, Literal{Text: p.last, At: at})
		p.blank()
		for p.str(",") {
			p.blank()
			at = p.pos
			if !p.text() {
				p.fail("expected a string value")
			}
			c.Values = append(c.Values, Literal{Text: p.last, At: at})
			p.blank()
		}
	}
	if !p.str(")") {
		p.fail("expected a ')' token")
	}
}

// text takes a quoted or a bare string.
func (p *parser) text() bool { return p.quotedText() || p.bare() }

func (p *parser) quotedText() bool {
	ok, err := p.quoted()
	if err != nil {
		panic(err)
	}
	return ok
}

// rhsField reads val(field) or a transformer; nil where neither stands.
func (p *parser) rhsField() Operand {
	at := p.pos
	if !p.str("val(") {
		return p.transformer()
	}
	p.blank()
	fieldAt := p.pos
	if !p.fieldName() {
		p.fail("expected a field within 'val' transformer")
	}
	f := p.fieldRemainder(fieldAt)
	p.blank()
	if !p.str(")") {
		p.fail("expected a ')' token closing the transformer")
	}
	return &Transform{Name: "val", Args: []Operand{f}, At: at}
}

// operand reads a field or a transformer; nil where neither stands.
func (p *parser) operand() Operand {
	at := p.pos
	if p.fieldName() {
		return p.fieldRemainder(at)
	}
	return p.transformer()
}

func (p *parser) fieldRemainder(at Pos) *Field {
	f := &Field{Name: p.last, At: at}
	f.Arg, f.HasArg = p.argument()
	return f
}

func (p *parser) argument() (arg string, has bool) {
	if !p.str("[") {
		return "", false
	}
	if !p.quotedText() && !p.argBare() {
		p.fail("expected a valid field argument: a quoted string or a bare string")
	}
	arg = p.last
	if !p.str("]") {
		p.fail("expected a ']' token")
	}
	return arg, true
}

func (p *parser) transformer() Operand {
	at := p.pos
	for _, name := range transformers {
		if strings.HasPrefix(p.rest(), name+"(") {
			p.str(name + "(")
			return p.transformerRemainder(name, at)
		}
	}
	return nil
}

func (p *parser) transformerRemainder(name string, at Pos) Operand {
	p.enter()
	defer p.leave()
	t := &Transform{Name: name, At: at}
	for {
		p.blank()
		t.Args = append(t.Args, p.transformerArg())
		p.blank()
		if !p.str(",") {
			break
		}
	}
	if !p.str(")") {
		p.fail("expected a ')' token closing the transformer")
	}
	t.Arg, t.HasArg = p.argument()
	return t
}

func (p *parser) transformerArg() Operand {
	at := p.pos
	if p.str("(") {
		return p.tuple(at)
	}
	if o := p.item(); o != nil {
		return o
	}
	p.fail("expected field transformer argument: field, transformer, quoted string, number, or transformer list")
	return nil
}

func (p *parser) tuple(at Pos) Operand {
	t := &Tuple{At: at}
	p.blank()
	if p.str(")") {
		return t
	}
	for {
		p.blank()
		o := p.item()
		if o == nil {
			p.fail("expected transformer list argument: field, transformer, quoted string, or number")
		}
		t.Items = append(t.Items, o)
		p.blank()
		if !p.str(",") {
			break
		}
	}
	if !p.str(")") {
		p.fail("expected ')'")
	}
	return t
}

// item reads what both transformers and their lists take as an argument.
func (p *parser) item() Operand {
	at := p.pos
	switch {
	case p.number():
		return &Const{Text: p.last, Number: true, At: at}
	case p.quotedText():
		return &Const{Text: p.last, At: at}
	}
	return p.operand()
}
