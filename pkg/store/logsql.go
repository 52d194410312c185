package store

import (
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Names that the engine has for columns of ours.
const (
	idColumn      = "id"
	clusterColumn = "cluster"
	rawColumn     = "_msg"
	timeColumn    = "_time"
	besideColumn  = "_beside" // "1" in rows that have a file beside them
	cutColumn     = "_cut"    // names of columns that are in that file only, as a JSON array
	sizeColumn    = "_size"   // bytes of the row, where they are sizeFrom or more
)

// nothing and everything are the filters that select no row, and all of them. Each row
// has an ID.
const (
	everything = `"id":*`
	nothing    = `!"id":*`
)

// logsql is a filter in the engine's language, in parentheses where it needs them.
// Texts in it are quoted by quote and in no other way.
func logsql(f Filter) (string, error) {
	switch f := f.(type) {
	case nil:
		return everything, nil
	case And:
		return joined(f, " and ", everything)
	case Or:
		return joined(f, " or ", nothing)
	case Not:
		text, err := logsql(f.Filter)
		return "!(" + text + ")", err
	case Raw:
		return rawFilter(f), nil
	case Beside:
		return quote(besideColumn) + ":*", nil
	case Cut:
		return substring(cutColumn, `"`+f.Column+`"`), nil
	}
	return columnFilter(f)
}

func joined(filters []Filter, word, none string) (string, error) {
	parts := make([]string, len(filters))
	for i, f := range filters {
		text, err := logsql(f)
		if err != nil {
			return "", err
		}
		parts[i] = "(" + text + ")"
	}
	if len(parts) == 0 {
		return none, nil
	}
	return strings.Join(parts, word), nil
}

// columnFilter is a filter on the value of a column. No row has a value in a column
// whose name no row may have.
func columnFilter(f Filter) (string, error) {
	name := columnOf(f)
	var re *syntax.Regexp
	if f, is := f.(Regexp); is {
		var err error
		if re, err = parsePattern(f.Pattern); err != nil {
			return "", err
		}
	}
	if !nameForm(name) {
		return nothing, nil
	}
	switch f := f.(type) {
	case Equal:
		return equalFilter(name, f.Values), nil
	case Prefix:
		return prefixFilter(name, f.Text), nil
	case Suffix:
		return suffixFilter(name, f.Text), nil
	case Contains:
		return containsFilter(name, f.Text), nil
	case Regexp:
		return regexpFilter(name, re), nil
	case Range:
		return rangeFilter(name, f.Least, f.Most), nil
	}
	return existsFilter(name), nil
}

func columnOf(f Filter) string {
	switch f := f.(type) {
	case Exists:
		return f.Column
	case Equal:
		return f.Column
	case Prefix:
		return f.Column
	case Suffix:
		return f.Column
	case Contains:
		return f.Column
	case Regexp:
		return f.Column
	case Range:
		return f.Column
	}
	return ""
}

func existsFilter(name string) string {
	return quote(name) + ":* or " + quote(oddColumn(name)) + ":*"
}

func equalFilter(name string, values []string) string {
	byColumn := map[string][]string{}
	for _, v := range values {
		if v != "" {
			column, value := place(name, v)
			byColumn[column] = append(byColumn[column], quote(value))
		}
	}
	var parts []string
	for _, column := range []string{name, oddColumn(name)} {
		switch quoted := byColumn[column]; len(quoted) {
		case 0:
		case 1:
			parts = append(parts, quote(column)+":="+quoted[0])
		default:
			parts = append(parts, quote(column)+":in("+strings.Join(quoted, ",")+")")
		}
	}
	if len(parts) == 0 {
		return nothing
	}
	return strings.Join(parts, " or ")
}

func prefixFilter(name, text string) string {
	if text == "" {
		return existsFilter(name)
	}
	begins := func(name, text string) string { return quote(name) + ":=" + quote(text) + "*" }
	return whole(name, text, begins(name, text), sequence(textBegins, literally(text)), begins(oddColumn(name), oddMark+text))
}

func suffixFilter(name, text string) string {
	if text == "" {
		return existsFilter(name)
	}
	pattern := sequence(literally(text), textEnds)
	fast := substring(name, text) + " " + matches(name, pattern)
	return whole(name, text, fast, pattern, substring(oddColumn(name), text)+" "+matchesOdd(name, pattern))
}

func containsFilter(name, text string) string {
	if text == "" {
		return existsFilter(name)
	}
	return whole(name, text, substring(name, text), literally(text), substring(oddColumn(name), text))
}

// whole completes a filter for a text in the values of a column that the engine decides
// fast, which is right where it holds them as texts. Where it does not, it errs: it
// finds no 1.05 with a 05, no -12 that begins with -1, no 100 with a 00, no 92.1.1.1
// that begins with 92.1. There a pattern decides. Odd values are texts.
func whole(name, text, fast string, pattern *syntax.Regexp, odd string) string {
	parts := []string{fast}
	if mayBeTyped(text) {
		parts = append(parts, "!"+quote(name)+`:value_type("string") `+matches(name, pattern))
	}
	if mayBeOdd(text) {
		parts = append(parts, odd)
	}
	if len(parts) == 1 {
		return fast
	}
	return "(" + strings.Join(parts, ") or (") + ")"
}

func substring(name, text string) string {
	return quote(name) + ":*" + quote(text) + "*"
}

// regexpFilter is the filter for a pattern. An empty value is none, so there must be one.
func regexpFilter(name string, re *syntax.Regexp) string {
	lit := literal(re)
	need := quote(name) + ":*"
	if lit != "" && !mayBeTyped(lit) {
		need = substring(name, lit)
	}
	text := need + " " + matches(name, re)
	if lit != "" && !mayBeOdd(lit) {
		return text
	}
	return "(" + text + ") or " + matchesOdd(name, re)
}

// rawFilter is the filter for raw bytes. A pattern for both cases is slow; it judges
// what has a piece of the text in one of its spellings, which is fast.
func rawFilter(f Raw) string {
	if f.Text == "" || !f.AnyCase {
		return containsFilter(rawColumn, f.Text)
	}
	pattern := anyCase(f.Text)
	text := matches(rawColumn, pattern)
	if !mayBeTyped(f.Text) {
		text = spelled(rawColumn, f.Text) + " " + text
	}
	if !mayBeOdd(f.Text) {
		return text
	}
	return "(" + text + ") or " + matchesOdd(rawColumn, pattern)
}

// Bounds of the pieces of a text whose spellings are looked for.
const (
	maxSpelled = 3 // letters of a piece: 8 spellings
	maxPieces  = 8
)

// spelled is the filter for pieces of a text, each in each of its spellings: what has
// all of them is nearly always what has the text, which is dear to find out.
func spelled(name, text string) string {
	var all []string
	for _, piece := range pieces(text) {
		var parts []string
		for _, s := range spellings(piece) {
			parts = append(parts, substring(name, s))
		}
		all = append(all, "("+strings.Join(parts, " or ")+")")
	}
	if len(all) == 0 {
		return quote(name) + ":*"
	}
	return strings.Join(all, " ")
}

// pieces cuts a text into pieces of at most maxSpelled letters, the rarest first: what
// lies on both sides of the rarest is cut on. Runes that are none are in no piece.
func pieces(text string) (all []string) {
	best, at := "", 0
	for i := range text {
		if p := pieceAt(text[i:]); rarity(p) > rarity(best) {
			best, at = p, i
		}
	}
	if best == "" {
		return nil
	}
	all = append(pieces(text[:at]), pieces(text[at+len(best):])...)
	slices.SortStableFunc(all, func(a, b string) int { return rarity(b) - rarity(a) })
	all = append([]string{best}, all...)
	return all[:min(len(all), maxPieces)]
}

// pieceAt is the piece that a text begins with.
func pieceAt(text string) string {
	letters, end := 0, 0
	for i, r := range text {
		if asciiLetter(r) {
			letters++
		}
		if letters > maxSpelled || r == utf8.RuneError || i >= 4*maxSpelled {
			break
		}
		end = i + utf8.RuneLen(r)
	}
	return text[:end]
}

// rarity guesses how seldom a piece stands in JSON about clusters. Its first character
// counts most: it is what texts are searched for first.
func rarity(piece string) (n int) {
	for i := range len(piece) {
		c := 3 // what is no letter, and seldom letters
		switch {
		case strings.IndexByte("etaonisrcldETAONISRCLD\":,", piece[i]) >= 0:
			c = 1
		case strings.IndexByte("pumhgfvby0123456789./-PUMHGFVBY", piece[i]) >= 0:
			c = 2
		}
		if i == 0 {
			c *= 3
		}
		n += c
	}
	return n
}

func asciiLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

// spellings is a text with each of its ASCII letters in both cases, the usual ones first.
func spellings(text string) []string {
	all := []string{""}
	for _, r := range text {
		var next []string
		for _, head := range all {
			if asciiLetter(r) {
				next = append(next, head+strings.ToLower(string(r)), head+strings.ToUpper(string(r)))
			} else {
				next = append(next, head+string(r))
			}
		}
		all = next
	}
	return all
}

// nameForm reports whether a row may have a column of this name.
func nameForm(name string) bool {
	if name == "" || name[0] == '_' || len(name) > maxName {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// maxName is how long the name of a column may be; the engine drops rows with longer ones.
const maxName = 100

// quote writes a text so that the engine's language reads back these very bytes and
// takes them for a text, whatever is in it.
func quote(text string) string { return strconv.Quote(text) }
