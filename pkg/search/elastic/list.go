package elastic

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/store"
)

// In rows a list is one text, a JSON array; in documents each of its texts is a value.
// What is asked of the array is asked of the values where it is clear what is meant:
//
//	begins with ["a"       the first text is a
//	contains ,"a"          a later text is a; with the one before it: some text is a
//	contains "a            some text begins with a, or has "a in it
//	contains "a"           some text is a, or ends with "a
//	matches, all of it, one of some texts, again and again: all texts are among these
//	matches "X" behind a comma or the first bracket: X matches some text
//	matches something without quotation marks and backslashes: it matches some text

// elements are the bounds of a text of the list being one of some.
func (c *column) elements(texts []string) bounds {
	b := never()
	var sure, maybe []string
	for _, t := range texts {
		if plainText(t) {
			sure = append(sure, t)
		} else {
			maybe = append(maybe, string([]rune(t)))
		}
	}
	if len(sure) > 0 {
		b = c.found(among{c.field, sure})
	}
	if len(maybe) > 0 {
		b.upper = anyOf(b.upper, c.narrowed(among{c.field, maybe}).upper)
	}
	return b
}

// listBounds are the bounds of a filter on a list.
func (c *column) listBounds(f store.Filter) bounds {
	switch f := f.(type) {
	case store.Exists:
		return c.there()
	case store.Range:
		return never() // a list is no number
	case store.Equal:
		return c.equalList(f.Values)
	case store.Prefix:
		if quoted, ok := strings.CutPrefix(f.Text, "["); ok {
			if text, ok := parseElement(quoted); ok {
				return within(c.elements([]string{text}).upper)
			}
		}
	case store.Contains:
		return c.listContains(f.Text)
	case store.Regexp:
		return c.listMatches(f.Pattern)
	}
	return c.some()
}

// equalList are the bounds of the list being one of some.
func (c *column) equalList(values []string) bounds {
	var firsts []string
	for _, v := range values {
		if texts, err := row.ParseList(v); err == nil && len(texts) > 0 {
			firsts = append(firsts, texts[0])
		}
	}
	return within(c.elements(firsts).upper)
}

// parseElement reads a text as it stands in a list.
func parseElement(quoted string) (text string, ok bool) {
	texts, err := row.ParseList("[" + quoted + "]")
	if err != nil || len(texts) != 1 {
		return "", false
	}
	return texts[0], true
}

// structural are the characters that stand in a list outside of its texts, and those that
// texts are escaped with.
const structural = "\"\\[],"

func (c *column) listContains(text string) bounds {
	if text == "" {
		return c.there()
	}
	if quoted, ok := strings.CutPrefix(text, ","); ok {
		if t, ok := parseElement(quoted); ok && quoted != `","` {
			return within(c.elements([]string{t}).upper)
		}
	}
	rest, opened := strings.CutPrefix(text, `"`)
	rest, closed := strings.CutSuffix(rest, `"`)
	switch {
	case rest == "" || !plainText(rest) || strings.ContainsAny(rest, "\"\\") || hasControl(rest):
		return c.some()
	case opened && strings.IndexByte(",]", rest[0]) >= 0: // the mark may be the end of a text
		return c.some()
	case opened && closed:
		return or([]bounds{c.elements([]string{rest}), c.ends(`"` + rest)})
	case opened:
		return or([]bounds{c.begins(rest), c.contains(`"` + rest)})
	case closed, strings.Trim(rest, structural) == "":
		return c.some()
	}
	b := c.contains(rest)
	b.upper = anyOf(b.upper, c.controls())
	return b
}

// controls finds texts with control characters, which stand in a list as letters and
// digits: what has these in it may be taken for a part of that.
func (c *column) controls() query { return regular{field: c.field, expr: ".*[\x00-\x1f].*"} }

func hasControl(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r < ' ' }) >= 0
}

// The parts of patterns for lists, as package search writes them.
const (
	everyBegin = `\A\[(?:`
	everyMid   = `)(?:,(?:`
	everyEnd   = `))*\]\z`
	someBegin  = `(?:\A\[|,)"`
)

func (c *column) listMatches(text string) bounds {
	if texts, ok := everyOf(text); ok {
		return c.allAmong(texts)
	}
	if inner, ok := strings.CutPrefix(text, someBegin); ok {
		if inner, ok = strings.CutSuffix(inner, `"`); ok {
			if re, err := syntax.Parse(inner, syntax.Perl); err == nil && isPlain(re) {
				return c.expression(wholeOf(re))
			}
		}
		return c.some()
	}
	re := parsePattern(text)
	compiled := regexp.MustCompile(text) // it was parsed
	for _, alone := range []string{"", "[", ",", "]"} {
		if compiled.MatchString(alone) {
			return c.some()
		}
	}
	if !isPlain(re) {
		return c.some()
	}
	b := c.expression(luceneOf(re))
	b.upper = anyOf(b.upper, c.controls())
	return b
}

// isPlain tells whether a pattern matches within a text only, and that as it is.
func isPlain(re *syntax.Regexp) bool {
	return !anchored(re) && alphabetLacks(re, structural+controlChars)
}

// controlChars are all that a list has as letters and digits only.
const controlChars = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f" +
	"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"

// expression are the bounds of an expression for one of the texts.
func (c *column) expression(expr string, exact, ok bool) bounds {
	switch {
	case !ok:
		return c.some()
	case !exact:
		return c.narrowed(regular{field: c.field, expr: expr})
	}
	return c.found(regular{field: c.field, expr: expr})
}

// everyOf reads a pattern for lists that have no other texts than some.
func everyOf(pattern string) (texts []string, ok bool) {
	rest, begins := strings.CutPrefix(pattern, everyBegin)
	rest, ends := strings.CutSuffix(rest, everyEnd)
	one, again, both := strings.Cut(rest, everyMid)
	if !begins || !ends || !both || one != again {
		return nil, false
	}
	for part := range strings.SplitSeq(one, "|") {
		t, ok := parseElement(unquoteMeta(part))
		if !ok || regexp.QuoteMeta(string(row.AppendText(nil, t))) != part {
			return nil, false // a part of a text, with a bar in it
		}
		texts = append(texts, t)
	}
	return texts, true
}

// unquoteMeta undoes regexp.QuoteMeta.
func unquoteMeta(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// allAmong are the bounds of all texts being among some: there are texts, and none that
// is another.
func (c *column) allAmong(texts []string) bounds {
	some := within(c.elements(texts).upper)
	parts := make([]string, len(texts))
	for i, t := range texts {
		if !plainText(t) {
			return some
		}
		if parts[i] = quoteLucene(t); t == "" {
			parts[i] = blank
		}
	}
	expr := "~(" + strings.Join(parts, "|") + ")"
	if !fits(expr) {
		return some
	}
	other := regular{field: c.field, expr: expr, flags: "COMPLEMENT"}
	sure := allOf(exists{c.field}, noneOf(other))
	b := c.found(sure)
	b.lower = allOf(b.lower, noneOf(ignored{c.field}))
	return b
}
