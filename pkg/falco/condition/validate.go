package condition

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/operator"
)

// Validate judges a resolved tree against the catalogue: fields and their
// arguments, transformers, which operator goes with which type, and literals.
// It tells the first error, a *[CompileError], as Falco does; warnings come
// also where there is an error.
func Validate(e Expr, cat Catalogue) ([]Warning, error) {
	v := &validator{cat: cat}
	var err error
	Walk(e, func(e Expr) bool {
		if err != nil {
			return false
		}
		switch e := e.(type) {
		case *Check:
			err = v.check(e)
		case *Macro:
			err = &CompileError{Pos: e.At, Msg: "filter error: unexpected identifier '" + e.Name + "'"}
		}
		return err == nil
	})
	return v.warnings, err
}

// TypeOf gives the type of a field or transformer. The error is a
// *[CompileError].
func TypeOf(o Operand, cat Catalogue) (OperandType, error) {
	v := &validator{cat: cat}
	return v.operand(o)
}

type validator struct {
	cat      Catalogue
	warnings []Warning
}

func fail(pos Pos, msg string) error { return &CompileError{Pos: pos, Msg: msg} }

func (v *validator) check(c *Check) error {
	left, err := v.operand(c.Left)
	if err != nil {
		return err
	}
	if msg := opError(c.Op, c.Mod, left); msg != "" {
		return fail(c.At, msg)
	}
	if c.Right != nil {
		return v.right(c, left)
	}
	for _, lit := range c.Values {
		v.warnLiteral(c.Op, lit)
		if err := literal(c.Op, left, lit); err != nil {
			return err
		}
	}
	v.warnNA(c)
	return nil
}

func (v *validator) right(c *Check, left OperandType) error {
	right, err := v.operand(c.Right)
	if err != nil {
		return err
	}
	if c.Op == Regex || c.Op == PMatch {
		return fail(c.At, "operator '"+strings.ToUpper(string(c.Op))+"' doesn't support right-hand side fields")
	}
	if left != right {
		return fail(c.At, "field '"+plainText(c.Left)+"' has type '"+left.String()+
			"' while the right-hand side field '"+plainText(c.Right)+"' has incompatible type '"+right.String()+"'")
	}
	return nil
}

// plainText names an operand in a message: a field without val().
func plainText(o Operand) string {
	if t, ok := o.(*Transform); ok && t.Name == "val" {
		return t.Args[0].String()
	}
	return o.String()
}

// opError tells why an operator can not be used on a type, "" when it can.
func opError(op Op, mod Modifier, t OperandType) string {
	name := "filter error: '" + string(op) + "' operator not supported "
	switch op {
	case Exists, In, Intersects:
		return ""
	}
	if t.List {
		return name + "list filters"
	}
	switch {
	case t.Type == TypeString:
		if op == BContains || op == BStartsWith {
			return name + "for string filters"
		}
		return ""
	case op == Eq || op == Ne:
		return ""
	case t.Type.Numeric():
		if op == Lt || op == Le || op == Gt || op == Ge {
			return ""
		}
		return name + "for numeric filters"
	case t.Type == TypeBool:
		return name + "for boolean filters"
	}
	return name + "for IP net filters"
}

func literal(op Op, t OperandType, lit Literal) error {
	s := lit.Text
	switch {
	case t.Type.Numeric():
		if _, ok := ParseNumber(s); !ok {
			return fail(lit.At, s+" is not a valid number")
		}
	case t.Type == TypeBool:
		if s != "true" && s != "false" {
			return fail(lit.At, "filter error: unrecognized boolean value "+s)
		}
	case t.Type == TypeIPNet:
		if _, ok := ParseIPNet(s); !ok {
			return fail(lit.At, "filter error: unrecognized IP address "+s)
		}
	case op == Regex:
		if _, err := operator.CompileRegex(s); err != nil {
			return fail(lit.At, "invalid regex pattern: "+err.Error())
		}
	}
	return nil
}

// ParseNumber reads a literal of a numeric field: decimal digits only. A sign
// is taken as C's strtoull takes it, so "-1" is the largest number.
func ParseNumber(s string) (uint64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	if !negative {
		digits = strings.TrimPrefix(s, "+")
	}
	if digits == "" || !isDigit(digits[0]) {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}

// ParseIPNet reads a literal of an address field: an address or a CIDR range.
func ParseIPNet(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), true
}
