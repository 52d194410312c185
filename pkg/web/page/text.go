package page

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Longest forms of strings from events, in characters.
const (
	headChars  = 160      // of a value, before it is folded
	lineChars  = 600      // of a sentence in a list
	proseChars = 1200     // of a text that stands by itself, before it is folded
	wholeBytes = 16 << 10 // of a value unfolded; the raw JSON has the rest
	marksInRow = 3        // combining marks on one letter
)

// piece is a part of a text: characters that show as themselves, or the spelling
// of one that does not.
type piece struct {
	Text string
	Odd  bool
}

// visible takes a text apart so that all of it can be seen: control and format
// characters, direction marks, odd blanks, invalid UTF-8 and heaps of combining
// marks come spelled out.
func visible(s string) []piece { return pieces(s, false) }

// visibleLines is visible for a text whose line breaks and tabs are meant.
func visibleLines(s string) []piece { return pieces(s, true) }

func pieces(s string, lines bool) (ps []piece) {
	begin, marks := 0, 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if unicode.IsMark(r) {
			marks++
		} else {
			marks = 0
		}
		plain := shows(r, size) && marks <= marksInRow && (marks == 0 || i > begin)
		if !plain && !(lines && (r == '\n' || r == '\t')) {
			if begin < i {
				ps = append(ps, piece{Text: s[begin:i]})
			}
			ps = append(ps, piece{Text: spelled(r, s[i:i+size]), Odd: true})
			begin = i + size
		}
		i += size
	}
	if begin < len(s) {
		ps = append(ps, piece{Text: s[begin:]})
	}
	return ps
}

// shows reports whether a character can be seen as itself.
func shows(r rune, size int) bool {
	const brailleBlank = 0x2800
	if r == utf8.RuneError && size == 1 {
		return false
	}
	return unicode.IsPrint(r) && r != brailleBlank &&
		!unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && !unicode.Is(unicode.Variation_Selector, r)
}

// spelled writes a character as escapes do.
func spelled(r rune, raw string) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// onOneLine is visible as a single text, for titles.
func onOneLine(s string) string {
	var b strings.Builder
	head, more := cut(s, headChars)
	for _, p := range visible(head) {
		b.WriteString(p.Text)
	}
	if more {
		b.WriteString("…")
	}
	return b.String()
}

// cut gives the first n characters of s, and whether there are more.
func cut(s string, n int) (head string, more bool) {
	if len(s) <= n {
		return s, false
	}
	for i := range s {
		if n == 0 {
			return s[:i], true
		}
		n--
	}
	return s, false
}

// long is a value as it is shown: whole where it is short, else its head with all
// of it folded.
type long struct {
	Head  []piece
	Whole []piece // nil: Head is all
	Size  string  // of all
	Cut   bool    // Whole is not all either
}

// value prepares a string from an event.
func value(s string) long { return folded(s, headChars) }

// prose prepares a text that stands by itself.
func prose(s string) long { return folded(s, proseChars) }

func folded(s string, most int) long {
	head, more := cut(s, most)
	v := long{Head: visible(head)}
	if !more {
		return v
	}
	whole := s
	if len(whole) > wholeBytes {
		end := wholeBytes
		for end > 0 && !utf8.RuneStart(whole[end]) {
			end--
		}
		whole, v.Cut = whole[:end], true
	}
	v.Whole, v.Size = visibleLines(whole), bytesText(len(s))
	return v
}

// line prepares a sentence for a list.
func line(s string) long {
	head, more := cut(s, lineChars)
	if more {
		head += "…"
	}
	return long{Head: visible(head)}
}

// bytesText is a size for people.
func bytesText(n int) string {
	switch {
	case n < 1<<10:
		return strconv.Itoa(n) + " bytes"
	case n < 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<10), 'f', 1, 64) + " KiB"
	}
	return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
}

// count is a number for people, in groups of three.
func count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural is a number with its noun.
func plural(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// asSentence makes a sentence of words that are none yet.
func asSentence(s string) string {
	if s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

// sortedKeys are the keys of a map in their order.
func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
