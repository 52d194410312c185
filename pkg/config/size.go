package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, never negative.
type Size int64

// units of sizes, the largest first.
var units = []struct {
	name  string
	bytes int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// ParseSize reads a whole number of bytes, with a unit or without: 64MiB, 8GiB,
// 1048576. Units are B, KiB, MiB, GiB and TiB. MB and its like are refused, since
// half of the world means MiB by it.
func ParseSize(s string) (Size, error) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	number, unit := s[:digits], s[digits:]
	if strings.HasPrefix(s, "-") {
		return 0, fmt.Errorf("%q is below 0; write a size such as 64MiB", s)
	}
	if number == "" {
		return 0, fmt.Errorf("%q is no size; write one such as 64MiB, 8GiB or 1048576", s)
	}
	factor, err := unitBytes(unit)
	if err != nil {
		return 0, fmt.Errorf("%q %w", s, err)
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > math.MaxInt64/factor {
		return 0, fmt.Errorf("%q is too large; the largest size is below 8388608TiB", s)
	}
	return Size(n * factor), nil
}

func unitBytes(unit string) (int64, error) {
	if unit == "" {
		return 1, nil
	}
	for _, u := range units {
		if u.name == unit {
			return u.bytes, nil
		}
	}
	for _, u := range units[:4] {
		if letter := u.name[:1]; strings.EqualFold(unit, u.name) || strings.EqualFold(unit, letter+"B") || strings.EqualFold(unit, letter+"i") || strings.EqualFold(unit, letter) {
			return 0, fmt.Errorf("has the unit %s; write %s", unit, u.name)
		}
	}
	return 0, errors.New("has an unknown unit; write B, KiB, MiB, GiB or TiB, or none for bytes")
}

// String writes the size so that [ParseSize] reads it, in the largest unit that
// needs no fraction.
func (s Size) String() string {
	for _, u := range units[:4] {
		if s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}
