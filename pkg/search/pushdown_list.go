package search

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// maxEvery bounds the values of an "in" on a list that become one pattern.
const maxEvery = 200

// listBounds compare the elements of a column that is a list, by in or intersects.
func listBounds(x operand, c *condition.Check) bounds {
	col := x.column.Name
	each := make([]bounds, len(c.Values))
	for i, lit := range c.Values {
		each[i] = elementBounds(col, x.field.Type, lit.Text)
	}
	some := anyOf(each...)
	switch {
	case x.some: // the element that the index selects is one of them
		return within(some.upper)
	case c.Op == condition.Intersects:
		return some
	case c.Op == condition.In && len(c.Values) <= maxEvery && x.field.Type != condition.TypeIPNet:
		return everyBounds(col, x.field.Type, c.Values, some)
	}
	return within(some.upper) // one of them at least, since lists are not empty
}

// everyBounds ask that all elements are among some values.
func everyBounds(col string, typ condition.Type, values []condition.Literal, some bounds) bounds {
	texts := make([]string, len(values))
	for i, lit := range values {
		text, ok := elementText(typ, lit.Text)
		if !ok {
			return within(some.upper)
		}
		texts[i] = regexp.QuoteMeta(string(row.AppendText(nil, text)))
	}
	one := "(?:" + strings.Join(texts, "|") + ")"
	return exactly(store.Regexp{Column: col, Pattern: `\A\[` + one + `(?:,` + one + `)*\]\z`})
}

// elementText is how a literal stands in a list; false where it is in none, or where
// that cannot be told.
func elementText(typ condition.Type, lit string) (string, bool) {
	if typ.Numeric() {
		n, ok := condition.ParseNumber(lit)
		return strconv.FormatUint(n, 10), ok
	}
	return lit, comparable(lit)
}

// elementBounds ask that one element at least equals a literal.
func elementBounds(col string, typ condition.Type, lit string) bounds {
	if typ == condition.TypeIPNet {
		return addressElement(col, lit)
	}
	text, ok := elementText(typ, lit)
	if !ok {
		return within(store.Exists{Column: col})
	}
	return element(col, string(row.AppendText(nil, text)))
}

// element selects lists with an element, which is given as it stands in a list, in
// quotation marks. Such a mark inside of a text has a backslash before it, so that what
// follows a comma or the first bracket is the beginning of a text or the end of one; and
// behind the end of a text stands a comma, or a bracket as the last byte. So only the text
// "," can be mistaken for what stands between two others.
func element(col, quoted string) bounds {
	f := or(store.Prefix{Column: col, Text: "[" + quoted}, store.Contains{Column: col, Text: "," + quoted})
	if quoted == `","` {
		return within(f)
	}
	return exactly(f)
}
