package condition

import "strings"

// Warning is something a condition may not mean. Code and Msg are Falco's.
type Warning struct {
	Code string
	Msg  string
	Pos  Pos
}

// The codes of warnings about conditions.
const (
	WarnCondition = "LOAD_COMPILE_CONDITION"
	WarnUnsafeNA  = "LOAD_UNSAFE_NA_CHECK"
)

func (v *validator) warn(code string, pos Pos, msg string) {
	v.warnings = append(v.warnings, Warning{Code: code, Pos: pos, Msg: msg})
}

func (v *validator) warnLiteral(op Op, lit Literal) {
	if op == Regex && simpleRegex(lit.Text) {
		v.warn(WarnCondition, lit.At, "regex check with '"+lit.Text+
			"' may be optimized with simpler operators such as '=', 'contains', 'startswith', 'endswith'")
	}
	bare := strings.Map(dropSpace, lit.Text)
	if o, err := ParseField(bare); err == nil {
		if _, err := v.operand(o); err == nil {
			v.warnMisused(o, lit)
		}
	}
}

func (v *validator) warnMisused(o Operand, lit Literal) {
	what := "field"
	if _, ok := o.(*Transform); ok {
		what = "field transformer"
	}
	v.warn(WarnCondition, lit.At, "'"+lit.Text+"' may be a valid "+what+" misused as a const string value")
}

func dropSpace(r rune) rune {
	if r < 0x80 && isSpace(byte(r)) {
		return -1
	}
	return r
}

// simpleRegex tells whether a pattern has nothing that a plain string operator
// could not say: only anchors, or a wildcard at either end.
func simpleRegex(s string) bool {
	for i := 0; i < len(s); i++ {
		if i == 0 && s[i] == '^' || i == len(s)-1 && s[i] == '$' {
			continue
		}
		end := i == 0 && len(s) > 1 || i == len(s)-2
		if end && s[i] == '.' && strings.IndexByte("+*?", s[i+1]) >= 0 {
			i++
			continue
		}
		if strings.IndexByte(`.+*?^$()[]{}|\`, s[i]) >= 0 {
			return false
		}
	}
	return true
}

// warnNA tells of a comparison with "<NA>", the text that an absent value has
// in an output: no value is ever that in a condition.
func (v *validator) warnNA(c *Check) {
	switch c.Op {
	case Eq, Ne, In, Intersects, PMatch:
	default:
		return
	}
	unsafe := false
	walkOperand(c.Left, func(f *Field) {
		unsafe = unsafe || strings.HasPrefix(f.Name, "ka.") || strings.HasPrefix(f.Name, "jevt.")
	})
	for _, lit := range c.Values {
		if unsafe && lit.Text == "<NA>" {
			v.warn(WarnUnsafeNA, c.At, "comparing a field value with <NA> is unsafe and can lead to unpredictable behavior "+
				"of the rule condition. If you need to check for the existence of a field, consider using the 'exists' operator instead.")
			return
		}
	}
}
