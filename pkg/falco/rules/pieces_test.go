package rules

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// nastyTexts are files that do not let themselves be cut everywhere; pieces
// tells which of them are parsed in pieces, at some number of them.
var nastyTexts = []struct {
	name, text string
	pieces     bool
}{
	{"items", "- a\n- b\n- c\n- d\n", true},
	{"no line break at the end", "- a\n- b\n- c: 1", true},
	{"blank lines and comments", "# one\n\n- a # of a\n\n# two\n#\n- b\n  # three\n- c\n# four\n\n", true},
	{"a comment before the last cut", "- a: b\n  c: d\n\n# x\n\n  # y\n- e\n", true},
	{"carriage returns", "- a: b\r\n  c: |\r\n    d\r\n\r\n- e\r\n- f\r\n", true},
	{"only carriage returns", "- a\r- b\r- c\r- d\r", false},
	{"breaks of other kinds", "- a\u0085- b\u2028- c\u2029- d\n- e\n\u2028- f\n- g\n", true},
	{"trailing blanks", "- a  \n-  b \n-   \n- \n-  c: d  \n   e: f \n", true},
	{"empty items", "-\n-\n- \n-\n- a\n-\n-", true},
	{"block scalars", "- |\n  - a\n  - b\n- >-\n  - c\n\n  - d\n- |+\n  e\n\n\n- f: |2\n     - g\n- h: >\n- i\n", true},
	{"an item's beginning in a block scalar", "- a: |\n    b\n    - c\n- d: |\n   - e\n- f\n", true},
	{"items in double quotes", "- \"a\n- b\n- c\"\n- d\n- e\n", true},
	{"items in single quotes", "- 'it''s\n- b\n- c'\n- d\n- e\n", true},
	{"items in quotes up to the end", "- \"a\n- b\n- c\n- d\"\n", false},
	{"quotes that pair up in every piece", "- \"a\n- \" - \"\n- b\"\n- c\n", false},
	{"items in brackets", "- [a,\n- b,\n- c]\n- d\n", false},
	{"items in braces", "- {a: b,\n- c: d}\n- e\n", false},
	{"brackets over several lines", "- [a,\n   b,\n  c]\n- {d: e,\n    f: [g,\n  h]}\n- i\n", true},
	{"quotes over several lines", "- 'a\n\n  b'\n- \"c \\\n   d\\n\n  e\"\n- f\n  g\n\n  h\n- i\n", true},
	{"nested sequences", "- - a\n  - - b\n    - c\n- d:\n  - e\n  - f:\n    - g\n- h:\n  -\n  - i\n", true},
	{"a value that is not there", "- a:\n- b: \n- ? c\n- ? d\n  : e\n- ? f\n  # foot\n- {g: , h}\n- ? i\n\n# far\n- ?\n- j:\n", true},
	{"a comment behind a value that is not there", "- k: l\n- ? m # n\n  # o\n\n  # p\n- q\n- ? r\n# s\n  # t\n- u\n", true},
	{"tags", "- !!str\n- !x y\n- !!seq\n- a: !!map\n- !!str 1\n- !!map {a: b}\n", true},
	{"more than ASCII", "- ä: ö\n  ü: \"€\n    €\"\n- '𝄞': 𝄞\n- é\n", true},
	{"hashes that are no comments", "- a#b\n- 'c #d'\n- e: f#g #h\n- \"i\n  #j\"\n- k\n", true},
	{"tabs within lines", "- a:\tb\n- c\t# d\n- [e,\tf]\n-  g\n", true},
	{"null and its like", "- ~\n- null\n- ''\n- 0x1f\n- <<\n- true\n- 2020-01-01\n", true},

	{"nothing", "", false},
	{"comments alone", "# a\n\n# b\n", false},
	{"one item", "- a\n  b\n  c\n", false},
	{"a mapping", "a:\n- b\n- c\n- d\n", false},
	{"a mapping behind items", "- a\n- b\n- c\nd: e\n", false},
	{"sequences at the margin of a mapping", "items:\n- a\n- b\nmore:\n- c\n- d\n", false},
	{"an indented sequence", "  - a\n  - b\n  - c\n", false},
	{"an indented item before the others", " - a\n- b\n- c\n", false},
	{"an indented text before the items", "  a\n- b\n- c\n", false},
	{"a sequence in brackets before the items", " [a]\n- b\n- c\n", false},
	{"a tagged sequence", " !!seq\n- a\n- b\n- c\n", false},
	{"two documents", "- a\n---\n- b\n- c\n", false},
	{"the beginning of a document", "---\n- a\n- b\n- c\n", false},
	{"the beginning of a document with content", "- a\n--- - b\n- c\n- d\n", false},
	{"the end of a document", "- a\n- b\n...\n- c\n- d\n", false},
	{"a directive", "%YAML 1.1\n---\n- a\n- b\n", false},
	{"a byte order mark", "\ufeff- a\n- b\n- c\n", false},
	{"a byte order mark later", "- a\n\ufeff- b\n- c\n", false},
	{"two bytes a character", "\xff\xfe-\x00 \x00a\x00\n\x00-\x00 \x00b\x00", false},
	{"anchors", "- &x a\n- *x\n- b\n", false},
	{"an alias to nothing", "- *x\n- a\n- b\n", false},
	{"a tab before an item", "- a\n\t- b\n- c\n", false},
	{"a tab at the margin", "- a:\n\tb\n- c\n- d\n", false},
	{"bad indentation", "- a:\n    b\n  c\n- d\n- e\n", false},
	{"an item that is none", "- [a]\n - b\n- c\n- d\n", false},
	{"a colon too many", "- a\n- b: c: d\n- e\n", false},
	{"a control character", "- a\n- \x00\n- b\n", false},
	{"not UTF-8", "- a\n- \xe2\n- b\n", false},
	{"an open quote at the end", "- a\n- b\n- \"c\n", false},
	{"an open bracket at the end", "- a\n- b\n- [c\n", false},
}

func TestPieces(t *testing.T) {
	for _, c := range nastyTexts {
		t.Run(c.name, func(t *testing.T) {
			split := false
			for n := 2; n < 12; n++ {
				split = comparePieces(t, c.text, n) || split
			}
			assert.Equal(t, c.pieces, split)
		})
	}
}

// TestPiecesOfMixtures puts nasty lines behind one another, whatever comes of
// it.
func TestPiecesOfMixtures(t *testing.T) {
	var lines []string
	for _, c := range nastyTexts {
		lines = append(lines, strings.SplitAfter(c.text, "\n")...)
	}
	r := rand.New(rand.NewPCG(1, 2))
	split := 0
	for range 10000 {
		text := ""
		for range 2 + r.IntN(12) {
			text += lines[r.IntN(len(lines))]
		}
		if comparePieces(t, text, 2+r.IntN(4)) {
			split++
		}
	}
	assert.Greater(t, split, 200)
}

// A file of many items is read in pieces, whatever it has at its front.
func TestPiecesOfLargeFile(t *testing.T) {
	text := "# first\n\n" + strings.Repeat("- list: l\n  items: [a, b]\n\n# next\n- macro: m\n  condition: >\n    ka.verb in (l)\n", 5000)
	require.Greater(t, len(text), minPieces)
	for _, n := range []int{2, 3, 16} {
		assert.True(t, comparePieces(t, text, n))
	}
}

// FuzzPieces parses any text in pieces and as a whole.
func FuzzPieces(f *testing.F) {
	for _, c := range nastyTexts {
		f.Add(c.text, byte(3))
	}
	f.Fuzz(func(t *testing.T, text string, n byte) {
		if len(text) < 1<<14 {
			comparePieces(t, text, int(n))
		}
	})
}

// comparePieces holds that a text gives the same in n pieces as in one, if it
// can be parsed so; it tells whether it can.
func comparePieces(t *testing.T, text string, n int) bool {
	t.Helper()
	c := newContent("f.yaml", []byte(text))
	got := parsePieces(c, n)
	if got == nil {
		return false
	}
	docs, err := parseWhole(c)
	require.Nil(t, err, "%q", text)
	require.Len(t, docs, 1, "%q", text)
	dropComments(got)
	dropComments(docs[0].y)
	require.Equal(t, docs[0].y, got, "%q", text)
	return true
}

// dropComments drops the places of values that are not there too: the parser puts them
// where it found out, which hangs on what follows.
func dropComments(y *yaml.Node) {
	if y.Kind == yaml.ScalarNode && y.Tag == "!!null" && y.Value == "" {
		y.Line, y.Column = 0, 0
	}
	y.HeadComment, y.LineComment, y.FootComment = "", "", ""
	for _, child := range y.Content {
		dropComments(child)
	}
}
