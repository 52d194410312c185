package store

import (
	"fmt"
	"strconv"
	"strings"
)

// exact is the number up to which the engine, which compares numbers as floating point,
// confuses none.
const exact = 1 << 53

// rangeFilter is the filter for decimal numbers without leading zeros. The engine finds
// those that may be in the range; where it does not hold them as whole numbers that it
// compares right, a pattern decides.
func rangeFilter(name string, least, most uint64) string {
	if least > most {
		return nothing
	}
	c := quote(name) + ":"
	wide := c + "range[" + strconv.FormatUint(min(least, exact), 10) + ","
	if most <= exact {
		wide += strconv.FormatUint(most, 10) + "]"
	} else {
		wide += "inf]"
	}
	pattern := matches(name, tree(`\A(?:`+strings.Join(decimals(least, most), "|")+`)\z`))
	if least > exact || most > exact && most < 1<<64-1 {
		return wide + " " + pattern
	}
	var whole []string
	for _, kind := range []string{"uint8", "uint16", "uint32"} {
		whole = append(whole, c+`value_type("`+kind+`")`)
	}
	return wide + " (" + strings.Join(whole, " or ") + " or " + pattern + ")"
}

// decimals are patterns that together match the decimal texts of the numbers from least
// to most: one for each stretch of numbers that differ in their last digits only.
func decimals(least, most uint64) []string {
	var patterns []string
	for {
		// The longest stretch that begins at least: its last digits go from all 0, of one
		// of them, to all 9.
		step, digits := uint64(1), 0
		for least != 0 && least%(step*10) == 0 && step <= 1e18 && most-least >= step*10-1 {
			step, digits = step*10, digits+1
		}
		first := least / step % 10
		last := min(9, first+(most-least-(step-1))/step)
		if least == 0 {
			last = min(9, most) // 0 has no stretch of longer numbers
		}
		patterns = append(patterns, stretch(least/step/10, first, last, digits))
		next := least + (last-first+1)*step
		if next <= least || next > most {
			return patterns
		}
		least = next
	}
}

func stretch(before, first, last uint64, digits int) string {
	head := ""
	if before > 0 {
		head = strconv.FormatUint(before, 10)
	}
	return fmt.Sprintf("%s[%d-%d][0-9]{%d}", head, first, last, digits)
}
