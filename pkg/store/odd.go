package store

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// The engine holds a column whose values in a block all look like numbers, addresses or
// times as such, and writes them out anew when it is asked: 1_0 comes back as 10, 1.50
// as 1.5, 01.2.3.4 as 1.2.3.4, the 31st of February as the 3rd of March. Values that
// might not come back as they were are odd. They lie in a column of their own, whose
// name ends in "~", behind a newline, with which nothing looks like a number.
const (
	oddSuffix = "~"
	oddMark   = "\n"
)

// strange reports whether an odd value has characters in it with which patterns could
// not tell its mark. It is kept beside the row.
func strange(v string) bool {
	return odd(v) && strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' })
}

// oddColumn is the engine's name for the odd values of a column.
func oddColumn(name string) string { return name + oddSuffix }

// place is the engine's column and value for a value of ours.
func place(name, value string) (string, string) {
	if odd(value) {
		return oddColumn(name), oddMark + value
	}
	return name, value
}

// placed undoes place.
func placed(name, value string) (string, string) {
	if own, is := strings.CutSuffix(name, oddSuffix); is {
		return own, strings.TrimPrefix(value, oddMark)
	}
	return name, value
}

// longestOdd is the length of the longest value that the engine takes for something
// other than a text.
const longestOdd = len("-18_446_744_073_709_551_615")

// odd reports whether the engine might give a value back otherwise.
func odd(v string) bool {
	switch {
	case v == "" || len(v) > longestOdd || v[0] != '-' && (v[0] < '0' || v[0] > '9'):
		return false
	case numeric(v):
		return !plainNumber(v)
	case addressLike(v):
		a, err := netip.ParseAddr(v)
		return err != nil || a.String() != v
	}
	return timeLike(v) && !plainTime(v)
}

// numeric reports whether a value may look like a number: digits and "_", after a sign,
// with a dot among them.
func numeric(v string) bool {
	v = strings.TrimPrefix(v, "-")
	return strings.Count(v, ".") <= 1 && strings.Trim(v, "0123456789_.") == ""
}

// plainNumber reports whether a value is the decimal text of a whole number. What has a
// fraction is not: the engine rounds in a way of its own.
func plainNumber(v string) bool {
	if strings.HasPrefix(v, "-") {
		n, err := strconv.ParseInt(v, 10, 64)
		return err == nil && strconv.FormatInt(n, 10) == v
	}
	n, err := strconv.ParseUint(v, 10, 64)
	return err == nil && strconv.FormatUint(n, 10) == v
}

// addressLike reports whether the engine may take a value for an IPv4 address. Of parts
// with two characters it looks at the first only.
func addressLike(v string) bool {
	parts := strings.Split(v, ".")
	if len(parts) != 4 {
		return false
	}
	for _, p := range parts {
		if len(p) < 1 || len(p) > 3 || !digit(p[0]) || len(p) == 3 && (!digit(p[1]) || !digit(p[2])) {
			return false
		}
	}
	return true
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// timeLike reports whether the engine may take a value for a time with milliseconds.
func timeLike(v string) bool {
	return len(v) == len(timeForm) && v[4] == '-' && v[7] == '-' && v[13] == ':' && v[16] == ':' && v[19] == '.' && v[23] == 'Z'
}

const timeForm = "2006-01-02T15:04:05.000Z"

func plainTime(v string) bool {
	t, err := time.Parse(timeForm, v)
	return err == nil && t.Format(timeForm) == v && t.Year() > 1677 && t.Year() < 2262
}

// mayBeOdd reports whether a text may lie within an odd value that is not strange. In
// these, a character that is not of numbers and times stands alone, after a digit.
func mayBeOdd(text string) bool {
	if len(text) > longestOdd {
		return false
	}
	outside := false
	for _, c := range []byte(text) {
		if c < ' ' || c > '~' {
			return false
		}
		is := strings.IndexByte("0123456789_.:-+TZ ", c) < 0
		if is && outside {
			return false
		}
		outside = is
	}
	return true
}

// mayBeTyped reports whether a text may lie within a value that the engine holds as a
// number, an address or a time.
func mayBeTyped(text string) bool {
	return len(text) <= longestOdd && strings.Trim(text, "0123456789.:-+eETZ") == ""
}
