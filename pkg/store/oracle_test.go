package store

import (
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// selects is what filters mean, without an engine: the oracle that the engine's answers
// are held against.
func selects(f Filter, r *Row) bool {
	value := func(name string) string {
		if name == "cluster" {
			return r.Cluster
		}
		if name == "id" {
			return r.ID
		}
		return r.Value(name)
	}
	switch f := f.(type) {
	case nil:
		return true
	case And:
		return !slices.ContainsFunc(f, func(f Filter) bool { return !selects(f, r) })
	case Or:
		return slices.ContainsFunc(f, func(f Filter) bool { return selects(f, r) })
	case Not:
		return !selects(f.Filter, r)
	case Exists:
		return value(f.Column) != ""
	case Equal:
		v := value(f.Column)
		return v != "" && slices.Contains(f.Values, v)
	case Prefix:
		v := value(f.Column)
		return v != "" && strings.HasPrefix(v, f.Text)
	case Suffix:
		v := value(f.Column)
		return v != "" && strings.HasSuffix(string([]rune(v)), string([]rune(f.Text))) && strings.Contains(v, f.Text)
	case Contains:
		v := value(f.Column)
		return v != "" && strings.Contains(v, f.Text)
	case Regexp:
		v := value(f.Column)
		return v != "" && compiled(f.Pattern).MatchString(v)
	case Range:
		v := value(f.Column)
		n, err := strconv.ParseUint(v, 10, 64)
		return err == nil && strconv.FormatUint(n, 10) == v && n >= f.Least && n <= f.Most
	case Raw:
		raw, text := string(r.Raw), f.Text
		if f.AnyCase {
			raw, text = lowerASCII(raw), lowerASCII(text)
		}
		return raw != "" && strings.Contains(raw, text)
	}
	return false // Beside, Cut: no row of these tests is
}

// lastPattern is what a filter of a Regexp is judged with, row after row.
var lastPattern = regexp.MustCompile("")

func compiled(pattern string) *regexp.Regexp {
	if lastPattern.String() != pattern {
		lastPattern = regexp.MustCompile(pattern)
	}
	return lastPattern
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// oddities are texts that have been trouble to someone: to a parser, a tokenizer, or a
// store that knows types.
var oddities = []string{
	"", "a", "*", "**", "a*", `"`, `\`, `\\`, `"a"`, "'", "`", "|", "a|b", ")", "(", "a) or (b", `") or id:*`, `" | delete id`,
	"\n", "a\nb", "\r", "\t", "\x00", "\x01", "\x7f", "\xff", "a\xffb", "\u2028", "é", "日本語", "İ", "ſ", "K", "k", "\U0001f600", "\ufffd",
	"and", "or", "not", "in", "_time:5m", "_stream:{}", "{a=\"b\"}", "_msg", "id", "#", "# x\n", "//", "a b", " a", "a ", "-", "!", "!a", "=a", "~a", "<1", ">1", "[1,2]",
	"0", "1", "7", "00", "007", "10", "100", "1000", "12", "123", "-1", "-12", "-123", "-0", "+1", "1_0", "1_000", "1.", ".1", "1.5", "1.50", "1.05", "05", "0.1", "1e3", "1E3", "inf", "nan", "NaN", "0x10",
	"18446744073709551615", "18446744073709551616", "99999999999999999999", "9007199254740993", "9007199254740992", "-9223372036854775808", "1_8446744073709551615",
	"1.1.1.1", "01.1.1.1", "92.1.1.1", "92.1", "1.1", "255.255.255.255", "256.1.1.1", "1x.1.1.1", "10.0.0.1/8", "::1",
	"2024-01-02T03:04:05.678Z", "2024-02-31T03:04:05.678Z", "2024-01-02 03:04:05.678Z", "2024-01-02T03:04:05Z", "9024-01-02T03:04:05.678Z", "2024-01", "9", "1d", "1s", "5KB", "1KiB",
	"system:serviceaccount:kube-system:x", "GET", "get", "Get /API", strings.Repeat("x", 127), strings.Repeat("x", 129), strings.Repeat("y z ", 300), strings.Repeat("1", 30),
	`["a","b"]`, `["1.5"]`, "null", "true", "false",
}

// typed are texts of which the engine makes numbers, addresses and times when a column
// holds no others.
var typed = [][]string{
	{"1", "2", "12", "100", "101", "1000", "7", "70", "65", "200", "3", "1_0", "1_000"},
	{"70000", "1", "100", "200", "4294967296", "18446744073709551615", "9007199254740993", "9007199254740992", "5", "6", "7", "8", "9"},
	{"-1", "-12", "-123", "5", "55", "-5", "-55", "10", "100", "-100", "7", "-7", "-0"},
	{"1.5", "1.05", "0.1", "2.25", "10.5", "1.50", "-1.5", "3.75", "4.5", "5.5", "6.5", "7", "8"},
	{"1.1.1.1", "92.1.1.1", "10.0.0.1", "10.0.0.2", "255.255.255.255", "9.9.9.9", "8.8.8.8", "1.2.3.4", "2.3.4.5", "01.1.1.1", "1x.1.1.1"},
	{"2024-01-02T03:04:05.678Z", "2024-01-02T03:04:05.679Z", "2024-02-31T03:04:05.678Z", "2025-01-02T03:04:05.678Z", "2026-01-02T03:04:05.000Z",
		"2024-05-02T03:04:05.678Z", "2024-06-02T03:04:05.678Z", "2024-07-02T03:04:05.678Z", "2024-08-02T03:04:05.678Z", "2024-09-02T03:04:05.678Z"},
}

// columnsOfTests: the first ones hold typed texts, or no others but a few; the last are
// mixed, or seldom there.
var columnsOfTests = []string{"t0", "t1", "t2", "t3", "t4", "t5", "mixed", "seldom", "same", "few", "cluster"}

// oddRows makes rows of such values; clean leaves odd values out of the typed columns,
// so that the engine does take them for what they look like.
func oddRows(rng *rand.Rand, n int, clean bool) []Row {
	rows := make([]Row, n)
	for i := range rows {
		r := Row{
			ID: strconv.Itoa(i) + "-" + pick(rng, []string{"a", "b", "*", `"`, "|"}), Time: noon.AddDate(0, 0, -i%2),
			Cluster: pick(rng, []string{"", "prod", "1.50", `a"b`, "x|y"}), Raw: []byte(pick(rng, oddities) + pick(rng, oddities)),
		}
		r.Time = r.Time.Add(-1 * rngTime(rng))
		for j, values := range typed {
			v := pick(rng, values)
			for clean && odd(v) {
				v = pick(rng, values)
			}
			r.Columns = append(r.Columns, Column{"t" + strconv.Itoa(j), v})
		}
		r.Columns = append(r.Columns, Column{"mixed", pick(rng, oddities)}, Column{"same", "1.50"}, Column{"few", pick(rng, []string{"a", "b", "1.50", "*"})})
		if rng.IntN(20) == 0 {
			list, _ := json.Marshal([]string{pick(rng, oddities), pick(rng, oddities)})
			r.Columns = append(r.Columns, Column{"seldom", string(list)})
		}
		for strange(string(r.Raw)) {
			r.Raw = []byte(pick(rng, oddities) + pick(rng, oddities))
		}
		rows[i] = r
	}
	return rows
}

func pick[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }

// oddFilter makes a filter, up to depth levels high.
func oddFilter(rng *rand.Rand, depth int) Filter {
	text := func() string {
		t := pick(rng, append(slices.Concat(typed...), oddities...))
		if rng.IntN(3) == 0 && t != "" {
			i := rng.IntN(len(t))
			t = t[i : i+1+rng.IntN(len(t)-i)]
		}
		return t
	}
	column := pick(rng, columnsOfTests)
	kind := rng.IntN(11)
	if depth == 0 {
		kind = 3 + rng.IntN(8)
	}
	switch kind {
	case 0:
		return And{oddFilter(rng, depth-1), oddFilter(rng, depth-1)}
	case 1:
		return Or{oddFilter(rng, depth-1), oddFilter(rng, depth-1), oddFilter(rng, depth-1)}[:rng.IntN(4)]
	case 2:
		return Not{oddFilter(rng, depth-1)}
	case 3:
		return Exists{column}
	case 4:
		return Equal{column, []string{text(), text(), text()}[:rng.IntN(4)]}
	case 5:
		return Prefix{column, text()}
	case 6:
		return Suffix{column, text()}
	case 7:
		return Contains{column, text()}
	case 8:
		return Regexp{column, oddPattern(rng, text())}
	case 9:
		least := numberOf(rng)
		return Range{column, least, max(least, numberOf(rng))}
	}
	return Raw{text(), rng.IntN(2) == 0}
}

func numberOf(rng *rand.Rand) uint64 {
	return pick(rng, []uint64{0, 1, 5, 7, 10, 12, 99, 100, 200, 999, 1000, 70000, 1 << 32, 1<<53 - 1, 1 << 53, 1<<53 + 1, 1<<63 + 12345, 1<<64 - 2, 1<<64 - 1})
}

func oddPattern(rng *rand.Rand, text string) string {
	lit := regexp.QuoteMeta(string([]rune(text)))
	forms := []string{
		lit, "^" + lit, lit + "$", "^" + lit + "$", "(?i)" + lit, lit + ".*", ".*" + lit + ".*", ".+" + lit + ".+", "a.*" + lit, "(?s)a.*" + lit,
		"(" + lit + "|b|^1)", "^(?:1|" + lit + ")", "[0-9]+" + lit, "", ".*", "^$", "(?m)^" + lit + "$", `\b` + lit, "1(0|1)*", "x{3,}", "a|b|c", `\A1.5`, `[^a]1`, `^.$`, `^...$`, "(a|^)*1", "(?i:k|ſ)",
	}
	return pick(rng, forms)
}
