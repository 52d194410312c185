package store

import (
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode"
)

// Names that the engine has for columns of ours.
const (
	idColumn      = "id"
	clusterColumn = "cluster"
	rawColumn     = "_msg"
	timeColumn    = "_time"
	besideColumn  = "_beside" // "1" in rows that have a file beside them
	cutColumn     = "_cut"    // names of columns that are in that file only, as a JSON array
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
		return quote(cutColumn) + ":*" + quote(`"`+f.Column+`"`) + "*", nil
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
	if !nameForm(name) {
		if re, ok := f.(Regexp); ok {
			_, err := parsePattern(re.Pattern)
			return nothing, err
		}
		return nothing, nil
	}
	c := quote(name) + ":"
	switch f := f.(type) {
	case Equal:
		return equalFilter(c, f.Values), nil
	case Prefix:
		if f.Text == "" {
			return c + "*", nil
		}
		return c + "=" + quote(f.Text) + "*", nil
	case Suffix:
		if f.Text == "" {
			return c + "*", nil
		}
		return contains(c, f.Text) + " " + matches(c, syntaxQuote(f.Text)+`\z`), nil
	case Contains:
		return contains(c, f.Text), nil
	case Regexp:
		return regexpFilter(c, f.Pattern)
	case Range:
		return rangeFilter(c, f.Least, f.Most), nil
	}
	return c + "*", nil // Exists
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

func equalFilter(column string, values []string) string {
	quoted := make([]string, 0, len(values))
	for _, v := range values {
		if v != "" {
			quoted = append(quoted, quote(v))
		}
	}
	switch len(quoted) {
	case 0:
		return nothing
	case 1:
		return column + "=" + quoted[0]
	}
	return column + "in(" + strings.Join(quoted, ",") + ")"
}

func contains(column, text string) string {
	if text == "" {
		return column + "*"
	}
	return column + "*" + quote(text) + "*"
}

func regexpFilter(column, pattern string) (string, error) {
	re, err := parsePattern(pattern)
	if err != nil {
		return "", err
	}
	text := column + "* " + matches(column, pattern)
	if lit := literal(re); lit != "" {
		text = contains(column, lit) + " " + text
	}
	return text, nil
}

// matches is the filter for a pattern of RE2's syntax. The engine has shortcuts for
// patterns that begin with a literal or with dots, in which a dot matches a newline;
// it has none for a pattern that begins with \A.
func matches(column, pattern string) string {
	return column + "~" + quote(`\A(?s:.*?)(?:`+pattern+`)`)
}

func parsePattern(pattern string) (*syntax.Regexp, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, BadPattern{Pattern: pattern, Err: err}
	}
	return re, nil
}

// literal is the longest text that all that a pattern matches has in it, as far as it
// is easily seen.
func literal(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpCapture:
		return literal(re.Sub[0])
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return ""
		}
		for _, r := range re.Rune {
			if r == unicode.ReplacementChar { // matches broken bytes too
				return ""
			}
		}
		return string(re.Rune)
	case syntax.OpConcat:
		longest := ""
		for _, sub := range re.Sub {
			if lit := literal(sub); len(lit) > len(longest) {
				longest = lit
			}
		}
		return longest
	}
	return ""
}

// rawFilter is the filter for raw bytes.
func rawFilter(f Raw) string {
	c := quote(rawColumn) + ":"
	if f.Text == "" || !f.AnyCase {
		return contains(c, f.Text)
	}
	return matches(c, anyCase(f.Text))
}

// anyCase is a pattern for a text whose ASCII letters may be of either case.
func anyCase(text string) string {
	var b strings.Builder
	for _, r := range []byte(text) {
		switch {
		case 'a' <= r && r <= 'z':
			b.WriteString("[" + string(r) + string(r-'a'+'A') + "]")
		case 'A' <= r && r <= 'Z':
			b.WriteString("[" + string(r) + string(r-'A'+'a') + "]")
		default:
			b.WriteString(syntaxQuote(string(r)))
		}
	}
	return b.String()
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

// syntaxQuote is a pattern that matches just this text.
func syntaxQuote(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			b.WriteString(`\x{` + strconv.FormatInt(int64(r), 16) + `}`)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
