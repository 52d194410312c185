package search

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// An IPv4 address is written in one way, but can come inside an IPv6 address, which is
// written in many. All of those have the group ffff before it.
const mapped = `[fF]{4}:`

// addressBounds compare a column of addresses with an address or a range.
func addressBounds(col string, op condition.Op, lit string) bounds {
	there := store.Exists{Column: col}
	net, ok := condition.ParseIPNet(lit)
	switch {
	case !ok || op != condition.Eq && op != condition.Ne:
		return within(there)
	case op == condition.Ne:
		return allOf(exactly(there), negated(addressBounds(col, condition.Eq, lit)))
	case !net.Addr().Is4():
		return sixBounds(store.Contains{Column: col, Text: ":"}, net, store.Equal{Column: col, Values: []string{net.Addr().String()}})
	case net.IsSingleIP():
		return fourBounds(col, store.Equal{Column: col, Values: []string{net.Addr().String()}})
	}
	return fourBounds(col, store.Regexp{Column: col, Pattern: `\A` + fourPattern(net) + `\z`})
}

// addressElement asks that one element at least of a list is an address, or in a range.
func addressElement(col, lit string) bounds {
	net, ok := condition.ParseIPNet(lit)
	if !ok {
		return within(store.Exists{Column: col})
	}
	quoted := func() store.Filter {
		return element(col, string(row.AppendText(nil, net.Addr().String()))).lower
	}
	switch {
	case !net.Addr().Is4():
		return sixBounds(store.Contains{Column: col, Text: ":"}, net, quoted())
	case net.IsSingleIP():
		return fourBounds(col, quoted())
	}
	// What follows a comma or the first bracket can be the end of a text, but no digit
	// comes after that.
	return fourBounds(col, store.Regexp{Column: col, Pattern: `(?:\A\[|,)"` + fourPattern(net) + `"`})
}

// fourBounds are those of an IPv4 address or range that a filter finds as it is written.
func fourBounds(col string, written store.Filter) bounds {
	return bounds{upper: or(written, store.Regexp{Column: col, Pattern: mapped}), lower: written}
}

// sixBounds are those of an IPv6 address or range: one address is found as it is mostly
// written.
func sixBounds(six store.Filter, net netip.Prefix, written store.Filter) bounds {
	if !net.IsSingleIP() {
		return within(six)
	}
	return bounds{upper: six, lower: written}
}

// fourPattern is a pattern for the IPv4 addresses of a range.
func fourPattern(net netip.Prefix) string {
	octets := net.Masked().Addr().As4()
	parts := make([]string, 4)
	for i := range parts {
		switch fixed := net.Bits() - 8*i; {
		case fixed >= 8:
			parts[i] = strconv.Itoa(int(octets[i]))
		case fixed <= 0:
			parts[i] = `[0-9]+`
		default:
			var some []string
			for n := range 1 << (8 - fixed) {
				some = append(some, strconv.Itoa(int(octets[i])+n))
			}
			parts[i] = "(?:" + strings.Join(some, "|") + ")"
		}
	}
	return strings.Join(parts, regexp.QuoteMeta("."))
}
