package diff

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// same reports whether two values mean the same.
func same(a, b audit.Value) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case audit.Absent, audit.Null:
		return true
	case audit.String:
		return a.Text() == b.Text()
	}
	if bytes.Equal(a.Raw(), b.Raw()) {
		return true
	}
	return bytes.Equal(appendCanonical(nil, a), appendCanonical(nil, b))
}

// appendCanonical appends the one text of all values that mean the same.
func appendCanonical(dst []byte, v audit.Value) []byte {
	switch v.Kind() {
	case audit.String:
		return strconv.AppendQuote(dst, v.Text())
	case audit.Number:
		return append(dst, canonicalNumber(v.Text())...)
	case audit.Array:
		dst = append(dst, '[')
		for e := range v.Elems() {
			dst = append(appendCanonical(dst, e), ',')
		}
		return append(dst, ']')
	case audit.Object:
		members := membersOf(v)
		dst = append(dst, '{')
		for _, key := range keysOf(members, nil) {
			dst = append(strconv.AppendQuote(dst, key), ':')
			dst = append(appendCanonical(dst, members[key]), ',')
		}
		return append(dst, '}')
	}
	return append(dst, v.Raw()...)
}

// longestExponent is how many digits of an exponent are reckoned with; a number with
// more of them is equal only to itself as it is spelled.
const longestExponent = 9

// canonicalNumber gives the one spelling of all spellings of a number: its digits without
// zeros at either end, and the power of ten that they are multiplied by.
func canonicalNumber(text string) string {
	rest, negative := strings.CutPrefix(text, "-")
	mantissa, power := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		if len(rest)-i-1 > longestExponent {
			return text
		}
		mantissa = rest[:i]
		power, _ = strconv.Atoi(rest[i+1:]) // JSON has a number there, and it is short
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	power -= len(fraction)
	short := strings.TrimRight(digits, "0")
	power += len(digits) - len(short)
	switch {
	case short == "":
		return "0"
	case negative:
		short = "-" + short
	}
	return short + "e" + strconv.Itoa(power)
}
