package elastic

import (
	"fmt"
	"strconv"
)

// decimals are expressions that together match the decimal texts, without leading zeros,
// of the numbers from least to most: one for each stretch of numbers that differ in
// their last digits only. There are 40 at most.
func decimals(least, most uint64) []string {
	var exprs []string
	for {
		step, digits := stretch(least, most)
		first := least / step % 10
		last := min(9, first+(most-least-(step-1))/step)
		head := ""
		if rest := least / step / 10; rest > 0 {
			head = strconv.FormatUint(rest, 10)
		}
		expr := fmt.Sprintf("%s[%d-%d]", head, first, last)
		if digits > 0 {
			expr += fmt.Sprintf("[0-9]{%d}", digits)
		}
		exprs = append(exprs, expr)
		next := least + (last-first+1)*step
		if next <= least || next > most {
			return exprs
		}
		least = next
	}
}

// stretch is how many numbers from least on differ in their last digits only, none being
// above most, and how many digits these are. 0 has no longer numbers beside it.
func stretch(least, most uint64) (step uint64, digits int) {
	step = 1
	for least != 0 && least%(step*10) == 0 && step <= 1e18 && most-least >= step*10-1 {
		step, digits = step*10, digits+1
	}
	return step, digits
}
