package page

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func plainText(ps []piece) string {
	var b strings.Builder
	for _, p := range ps {
		if p.Odd {
			b.WriteString("[" + p.Text + "]")
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

func TestWhatDoesNotShowIsSpelledOut(t *testing.T) {
	for s, want := range map[string]string{
		"":                          "",
		"jane":                      "jane",
		"Jürgen 日本 שלום 🦀":          "Jürgen 日本 שלום 🦀",
		"a\nb\tc\r":                 `a[\n]b[\t]c[\r]`,
		"\x00\x1b[31m":              `[\u0000][\u001b][31m`,
		"gpj.\u202eexe":             `gpj.[\u202e]exe`,
		"a\u2066b\u200bc":           `a[\u2066]b[\u200b]c`,
		"a\u00a0b":                  `a[\u00a0]b`,
		"\xff\xfe":                  `[\xff][\xfe]`,
		"\U000e0041":                `[\U000e0041]`,
		"e\u0301":                   "e\u0301",
		"\u0301e":                   `[\u0301]e`,
		"a\u0301\u0301\u0301\u0301": "a\u0301\u0301\u0301" + `[\u0301]`,
		`<script>"'&`:               `<script>"'&`,
	} {
		assert.Equal(t, want, plainText(visible(s)), "%q", s)
	}
	assert.Equal(t, "{\n\t1[\\r]\n}", plainText(visibleLines("{\n\t1\r\n}")))
}

func TestLongValuesAreFolded(t *testing.T) {
	short := value(strings.Repeat("ä", headChars))
	assert.Nil(t, short.Whole)
	folded := value(strings.Repeat("ä", headChars+1))
	assert.Equal(t, headChars*2, len(plainText(folded.Head)))
	assert.Equal(t, headChars*2+2, len(plainText(folded.Whole)))
	assert.False(t, folded.Cut)
	huge := value(strings.Repeat("日", wholeBytes))
	assert.True(t, huge.Cut)
	assert.LessOrEqual(t, len(plainText(huge.Whole)), wholeBytes)
	assert.Equal(t, "48.0 KiB", huge.Size)
}

func TestNumbersForPeople(t *testing.T) {
	assert.Equal(t, "0", count(0))
	assert.Equal(t, "999", count(999))
	assert.Equal(t, "1,000", count(1000))
	assert.Equal(t, "12,345,678", count(12345678))
	assert.Equal(t, "1 event", plural(1, "event", "events"))
	assert.Equal(t, "0 events", plural(0, "event", "events"))
}
