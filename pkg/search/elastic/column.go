package elastic

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// column is a column of rows, with the field of documents that holds it.
type column struct {
	name  string
	field string
	kind  row.Kind
	short bool // its values are never too long to be indexed
}

// there are the bounds of having a value, and of what says no more than that.
func (c *column) there() bounds { return c.found(exists{c.field}) }

// some are the bounds of what can only be told to need a value.
func (c *column) some() bounds { return within(c.there().upper) }

// found are the bounds of a query for some value of the column. A value that is not
// indexed is not found, nor one of a document in reduced shape.
func (c *column) found(q query) bounds {
	upper := []query{q}
	if !c.short {
		upper = append(upper, ignored{c.field})
	}
	if !own(c.name) {
		upper = append(upper, reduced{})
	}
	return bounds{upper: anyOf(upper...), lower: q}
}

// narrowed are the bounds of a query that finds too much.
func (c *column) narrowed(q query) bounds { return within(c.found(q).upper) }

// plainText tells whether a text is in documents as it is in rows. JSON has no bytes that are
// no UTF-8, what is cut at NUL has none, and nobody can tell U+FFFD from what it replaced.
func plainText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsAny(text, "\x00\ufffd")
}

// Bounds of what becomes a pattern, in characters: an automaton is made of it, which takes
// Elasticsearch the square of its length where it repeats itself, and it refuses those that
// take it too long.
const (
	maxPattern = 80
	maxPrefix  = 1000
)

// first are the first n characters of a text.
func first(text string, n int) string {
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}

// equal are the bounds of being one of some values. The empty text is a value of its own
// in rows, and an empty one in documents.
func (c *column) equal(values []string) bounds {
	var sure, maybe []string
	for _, v := range values {
		switch {
		case v == "": // of no row
		case v == row.Empty && !own(c.name):
			sure = append(sure, "")
		case plainText(v):
			sure = append(sure, v)
		default:
			maybe = append(maybe, string([]rune(v)))
		}
	}
	b := never()
	if len(sure) > 0 {
		b = c.found(among{c.field, sure})
	}
	if len(maybe) > 0 {
		b.upper = anyOf(b.upper, c.narrowed(among{c.field, maybe}).upper)
	}
	return b
}

// begins, ends and contains are the bounds of having a text in the value.
func (c *column) begins(text string) bounds {
	return c.having(text, maxPrefix, func(text string) query { return prefix{c.field, text} })
}

func (c *column) ends(text string) bounds {
	if n := utf8.RuneCountInString(text); n > maxPattern { // its end is what it ends with
		r := []rune(text)
		return within(c.ends(string(r[n-maxPattern:])).upper)
	}
	return c.having(text, maxPattern, func(text string) query { return pattern{c.field, "*" + quoteWildcard(text)} })
}

func (c *column) contains(text string) bounds {
	return c.having(text, maxPattern, func(text string) query { return pattern{c.field, "*" + quoteWildcard(text) + "*"} })
}

func (c *column) having(text string, most int, as func(string) query) bounds {
	switch part := first(text, most); {
	case text == "":
		return c.there()
	case !plainText(text):
		return c.some()
	case part != text:
		return c.narrowed(as(part))
	default:
		return c.found(as(text))
	}
}

// matches are the bounds of a pattern of RE2. In rows it is held against something else
// where the value is the empty text.
func (c *column) matches(text string) bounds {
	re := parsePattern(text)
	expr, exact, ok := luceneOf(re)
	switch {
	case !ok:
		return within(c.contains(required(re)).upper)
	case !exact:
		return within(anyOf(c.found(regular{field: c.field, expr: expr}).upper, c.empty()))
	}
	b := c.found(regular{field: c.field, expr: expr})
	if own(c.name) {
		return b
	}
	compiled := regexp.MustCompile(text) // it was parsed
	switch inRow, inDocument := compiled.MatchString(row.Empty), compiled.MatchString(""); {
	case inRow && !inDocument:
		return b.besides(c.empty())
	case inDocument && !inRow:
		return b.with(noneOf(c.empty()))
	}
	return b
}

func (c *column) empty() query { return among{c.field, []string{""}} }

// between are the bounds of decimal numbers.
func (c *column) between(least, most uint64) bounds {
	if least > most {
		return never()
	}
	if least == most {
		return c.found(among{c.field, []string{strconv.FormatUint(least, 10)}})
	}
	var qs []query
	for _, expr := range decimals(least, most) {
		qs = append(qs, regular{field: c.field, expr: expr})
	}
	return c.found(anyOf(qs...))
}

// own tells whether a column holds no field of the catalogue: there the empty text is no value.
func own(name string) bool { return slices.Contains(ownColumns, name) }

var ownColumns = []string{
	clusterColumn, idColumn, row.Rules, row.Tags, row.Priority, row.Detections, row.Redacted, row.Faults, row.Source, row.Received,
	row.Ruleset, row.Labels, row.Flags, row.Link,
}

// ownLists are those of them that are lists.
var ownLists = []string{row.Rules, row.Tags, row.Redacted, row.Faults}

// Columns that every row has.
const (
	idColumn      = "id"
	clusterColumn = "cluster"
)

// columnOf is the column that a filter is about.
func columnOf(f store.Filter) string {
	switch f := f.(type) {
	case store.Exists:
		return f.Column
	case store.Equal:
		return f.Column
	case store.Prefix:
		return f.Column
	case store.Suffix:
		return f.Column
	case store.Contains:
		return f.Column
	case store.Regexp:
		return f.Column
	case store.Range:
		return f.Column
	}
	return ""
}
