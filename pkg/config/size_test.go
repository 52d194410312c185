package config

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseSize(t *testing.T) {
	for in, want := range map[string]Size{
		"0": 0, "1": 1, "1B": 1, "1KiB": 1 << 10, "64MiB": 64 << 20, "8GiB": 8 << 30, "2TiB": 2 << 40,
		"1048576": 1 << 20, "007": 7, "8388607TiB": 8388607 << 40, "9223372036854775807": math.MaxInt64,
	} {
		got, err := ParseSize(in)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
	for in, want := range map[string]string{
		"":                     `"" is no size; write one such as 64MiB, 8GiB or 1048576`,
		"MiB":                  `"MiB" is no size; write one such as 64MiB, 8GiB or 1048576`,
		" 1":                   `" 1" is no size; write one such as 64MiB, 8GiB or 1048576`,
		"-5MiB":                `"-5MiB" is below 0; write a size such as 64MiB`,
		"64MB":                 `"64MB" has the unit MB; write MiB`,
		"64M":                  `"64M" has the unit M; write MiB`,
		"64mib":                `"64mib" has the unit mib; write MiB`,
		"8Gi":                  `"8Gi" has the unit Gi; write GiB`,
		"1.5GiB":               `"1.5GiB" has an unknown unit; write B, KiB, MiB, GiB or TiB, or none for bytes`,
		"64 MiB":               `"64 MiB" has an unknown unit; write B, KiB, MiB, GiB or TiB, or none for bytes`,
		"8388608TiB":           `"8388608TiB" is too large; the largest size is below 8388608TiB`,
		"9223372036854775808":  `"9223372036854775808" is too large; the largest size is below 8388608TiB`,
		"99999999999999999999": `"99999999999999999999" is too large; the largest size is below 8388608TiB`,
	} {
		_, err := ParseSize(in)
		assert.EqualError(t, err, want)
	}
}

func TestSizeString(t *testing.T) {
	for in, want := range map[Size]string{
		0: "0", 1: "1", 1023: "1023", 1 << 10: "1KiB", 1025: "1025", 64 << 20: "64MiB", 1<<20 - 4<<10: "1020KiB",
		8 << 30: "8GiB", 1 << 40: "1TiB", math.MaxInt64: "9223372036854775807",
	} {
		assert.Equal(t, want, in.String())
	}
}

// FuzzParseSize: what is read is written so that it is read alike, and no input
// overflows into a number below 0.
func FuzzParseSize(f *testing.F) {
	for _, seed := range []string{"0", "64MiB", "8GiB", "1048576", "-1", "8388608TiB", "12 KiB", "1e3", "٣MiB"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, err := ParseSize(in)
		if err != nil {
			return
		}
		require.GreaterOrEqual(t, s, Size(0))
		again, err := ParseSize(s.String())
		require.NoError(t, err)
		require.Equal(t, s, again)
	})
}
