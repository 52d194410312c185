package kibana

import (
	"net/url"
	"strings"
)

// rison is a value in the notation that Kibana has in its links: like JSON, with fewer
// characters that a URL would have to escape.
type rison string

// members is an object. Keys are words of ours.
func members(pairs ...any) rison {
	var b strings.Builder
	b.WriteByte('(')
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(pairs[i].(string))
		b.WriteByte(':')
		switch v := pairs[i+1].(type) {
		case rison:
			b.WriteString(string(v))
		case string:
			b.WriteString(string(quoted(v)))
		}
	}
	b.WriteByte(')')
	return rison(b.String())
}

var quotes = strings.NewReplacer("!", "!!", "'", "!'")

// quoted is a string, always in quotes: then only ! and ' mean something in it.
func quoted(s string) rison {
	return rison("'" + quotes.Replace(strings.ToValidUTF8(s, "\uFFFD")) + "'")
}

// parameter escapes for the query of a URL, and a blank not as "+", which only some
// readers take for one.
func (r rison) parameter() string {
	return strings.ReplaceAll(url.QueryEscape(string(r)), "+", "%20")
}
