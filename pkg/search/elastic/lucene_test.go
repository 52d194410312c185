package elastic

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLucene(t *testing.T) {
	for _, c := range []struct {
		pattern, expr string
		loose         bool
	}{
		{"", ".*", false},
		{"a", ".*a.*", false},
		{`^a`, `()a.*`, false},
		{`a$`, `.*a()`, false},
		{`\Aa.b\z`, "()a[^\n]b()", false},
		{`(?s)a.b`, `.*a.b.*`, false},
		{`^$`, `()()`, false},
		{`^(?:a|bc)`, `()(a.*|bc.*)`, false},
		{`(?:\A|,)x`, `(()|.*\,)x.*`, false},
		{`(?:a|b$)`, `(.*a.*|.*b())`, false},
		{`a*`, `.*`, false},
		{`a+`, `.*a.*`, false},
		{`x{2,3}y`, `.*xx(x)?y.*`, false},
		{`(?i)k`, ".*[k\u212aK].*", false},
		{`~@&<>#"`, `.*\~\@\&\<\>\#\".*`, false},
		{`\bx`, `.*()x.*`, true},
		{`(?m)^x`, `.*()x.*`, true},
		{`a^b`, `.*a()b.*`, true},
	} {
		expr, exact, ok := luceneOf(parsePattern(c.pattern))
		assert.True(t, ok)
		assert.Equal(t, c.loose, !exact, c.pattern)
		assert.Equal(t, c.expr, expr, c.pattern)
	}
}

// What is written over are expressions of a form that RE2 reads in the same way, for whole
// texts.
func TestLuceneMatchesTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	loose := 0
	for range 6_000 {
		pattern := randomPattern(rng, 3)
		re, err := regexp.Compile(pattern)
		if err != nil {
			continue
		}
		expr, exact, ok := luceneOf(parsePattern(pattern))
		if !ok {
			continue
		}
		over, err := regexp.Compile(`\A(?s:` + expr + `)\z`)
		require.NoError(t, err, "%s: %s", pattern, expr)
		if !exact {
			loose++
		}
		for range 10 {
			text := randomText(rng)
			is, was := over.MatchString(text), re.MatchString(text)
			require.False(t, was && !is || exact && is && !was, "%q on %q: %v, written over as %q: %v", pattern, text, was, expr, is)
		}
	}
	assert.Greater(t, loose, 100)
	assert.Less(t, loose, 5_000)
}

func randomText(rng *rand.Rand) string {
	var b strings.Builder
	for range rng.IntN(6) {
		b.WriteString([]string{"a", "b", "A", "k", "\u212a", "\n", ",", "-", "1", "é", `"`}[rng.IntN(11)])
	}
	return b.String()
}

func randomPattern(rng *rand.Rand, depth int) string {
	if depth > 0 {
		inner := func() string { return randomPattern(rng, depth-1) }
		switch rng.IntN(9) {
		case 0:
			return inner() + inner()
		case 1:
			return "(?:" + inner() + "|" + inner() + ")"
		case 2:
			return "(" + inner() + ")" + []string{"*", "+", "?", "{2}", "{1,2}", "{0,1}", "{1,}", "*?"}[rng.IntN(8)]
		case 3:
			return "^" + inner()
		case 4:
			return inner() + "$"
		case 5:
			return `\A` + inner() + `\z`
		case 6:
			return "(?i:" + inner() + ")"
		}
	}
	return []string{"a", "b", "ab", ".", "(?s:.)", "[ab]", "[^a]", "[^,\n]", `\d`, `\w`, `\W`, "k", ",", `\-`, `\"`, "é", `\b`, "", "(?m:^)", "$", "^", "[a-z-]", `[\]\\^]`}[rng.IntN(23)]
}

func TestDecimals(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	number := func() uint64 {
		n := rng.Uint64() >> rng.IntN(64)
		if rng.IntN(3) == 0 {
			n = []uint64{0, 9, 10, 99, 100, 199, 200, 999, 1000, 1<<64 - 1, 1<<63 - 1, 18446744073709551609}[rng.IntN(12)]
		}
		return n
	}
	for range 3000 {
		least, most := number(), number()
		if least > most {
			least, most = most, least
		}
		exprs := decimals(least, most)
		assert.LessOrEqual(t, len(exprs), 40)
		re := regexp.MustCompile(`\A(?:` + strings.Join(exprs, "|") + `)\z`)
		for _, n := range []uint64{least, most, least - 1, most + 1, number(), least + (most-least)/2} {
			text := strconv.FormatUint(n, 10)
			require.Equal(t, n >= least && n <= most, re.MatchString(text), "%d in %d to %d: %s", n, least, most, exprs)
			require.False(t, re.MatchString("0"+text) && n > 0, "leading zeros")
		}
	}
}

func TestRequired(t *testing.T) {
	for pattern, want := range map[string]string{"abc.*longest.x": "longest", "a|b": "", "(?i)abc": "", "(abc)+d": "abc", "a*bc": "bc", "": ""} {
		re, err := syntax.Parse(pattern, syntax.Perl)
		require.NoError(t, err)
		assert.Equal(t, want, required(re), pattern)
	}
}

func TestEveryOf(t *testing.T) {
	texts, ok := everyOf(`\A\[(?:"a\|b"|"\\"c")(?:,(?:"a\|b"|"\\"c"))*\]\z`)
	assert.False(t, ok, "a bar within a text: %q", texts)
	texts, ok = everyOf(`\A\[(?:"a\.b"|"c")(?:,(?:"a\.b"|"c"))*\]\z`)
	assert.True(t, ok)
	assert.Equal(t, []string{"a.b", "c"}, texts)
	for _, other := range []string{"", `\A\[(?:"a")(?:,(?:"b"))*\]\z`, `\A\[(?:"a.b")(?:,(?:"a.b"))*\]\z`, `\A\[(?:)(?:,(?:))*\]\z`} {
		_, ok := everyOf(other)
		assert.False(t, ok, other)
	}
}
