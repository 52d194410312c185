package store

import "strconv"

// exact is the largest number up to which the engine, which compares numbers as
// floating point, confuses none.
const exact = 1 << 53

// rangeFilter is the filter for decimal numbers: one to twenty digits.
func rangeFilter(column string, least, most uint64) string {
	if least > most {
		return nothing
	}
	digits := matches(column, `\A[0-9]{1,20}\z`)
	return column + "range[" + strconv.FormatUint(least, 10) + "," + strconv.FormatUint(most, 10) + "] " + digits
}
