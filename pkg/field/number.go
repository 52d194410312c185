package field

import "strconv"

// smallNumbers are the numbers up to 999, in three digits each: texts of small
// numbers are cut out of it.
var smallNumbers = func() string {
	var b []byte
	for n := range 1000 {
		b = append(b, byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
	}
	return string(b)
}()

// decimal prints a number with so many digits at least.
func decimal(n uint64, digits int) string {
	if n < 1000 && digits <= 1 {
		from := 3 * int(n)
		switch end := from + 3; {
		case n < 10:
			return smallNumbers[from+2 : end]
		case n < 100:
			return smallNumbers[from+1 : end]
		default:
			return smallNumbers[from:end]
		}
	}
	var space [20]byte // the longest number
	at := len(space)
	for n > 0 || len(space)-at < digits {
		at--
		space[at] = byte('0' + n%10)
		n /= 10
	}
	return string(space[at:])
}

// readDecimal reads a number that is written as digits only and fits 64 bits.
func readDecimal(s string) (n uint64, ok bool) {
	const most = 19 // digits that always fit
	if len(s) > most {
		n, err := strconv.ParseUint(s, 10, 64)
		return n, err == nil
	}
	for i := range len(s) {
		digit := s[i] - '0'
		if digit > 9 {
			return 0, false
		}
		n = 10*n + uint64(digit)
	}
	return n, s != ""
}

func appendNumber(dst []Item, n uint64) []Item {
	return append(dst, Item{Text: decimal(n, 0), Num: n})
}

func appendBoolean(dst []Item, b bool) []Item {
	if b {
		return append(dst, Item{Text: "true", Num: 1})
	}
	return append(dst, Item{Text: "false"})
}
