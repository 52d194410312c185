package field

import (
	"net/url"
	"strings"
)

// query is the query of a URI. It is read by the rules of net/url, in order and
// without its limit on the number of parameters, and not decoded before it must
// be. Like the API server, who asks for a parameter passes over those that can
// not be read.
type query string

// param is a parameter of a query that can be read, still encoded.
type param struct{ key, value string }

func queryOf(uri string) query {
	uri, _, _ = strings.Cut(uri, "#")
	_, q, _ := strings.Cut(uri, "?")
	return query(q)
}

// next cuts off the first parameter. ok is false when it can not be read, or is
// empty.
func (q query) next() (p param, rest query, ok bool) {
	part, left, _ := strings.Cut(string(q), "&")
	p.key, p.value, _ = strings.Cut(part, "=")
	ok = part != "" && strings.IndexByte(part, ';') < 0 && escapesRead(p.key) && escapesRead(p.value)
	return p, query(left), ok
}

// find gives the first parameter of that name, and the query behind it.
func (q query) find(key string) (found param, rest query, ok bool) {
	for q != "" {
		p, rest, ok := q.next()
		if ok && decodesTo(p.key, key) {
			return p, rest, true
		}
		q = rest
	}
	return param{}, "", false
}

// decoded is the parameter's value.
func (p param) decoded() string {
	s, _ := url.QueryUnescape(p.value) // next has seen to it that it can be
	return s
}

// readable tells whether net/url can read a URI with all of its query.
func readable(uri string) bool {
	for q := queryOf(uri); q != ""; {
		empty := q[0] == '&'
		_, rest, ok := q.next()
		if !ok && !empty {
			return false
		}
		q = rest
	}
	return parses(uri)
}

// parses tells whether net/url parses a URI. It knows itself about paths; what
// else there is does not come from an API server.
func parses(uri string) bool {
	if !strings.HasPrefix(uri, "/") || strings.HasPrefix(uri, "//") {
		_, err := url.Parse(uri)
		return err == nil
	}
	uri, fragment, _ := strings.Cut(uri, "#")
	for i := range len(uri) {
		if uri[i] < ' ' || uri[i] == 0x7f {
			return false
		}
	}
	path, _, _ := strings.Cut(uri, "?")
	return escapesRead(path) && escapesRead(fragment)
}

// escapesRead tells whether two hexadecimal digits follow each % in s.
func escapesRead(s string) bool {
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			return true
		}
		if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
			return false
		}
		s = s[i+3:]
	}
}

// decodesTo tells whether a piece of a query, with good escapes, means text.
func decodesTo(encoded, text string) bool {
	for i := 0; i < len(encoded); i++ {
		c := encoded[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			c = unhex(encoded[i+1])<<4 | unhex(encoded[i+2])
			i += 2
		}
		if text == "" || text[0] != c {
			return false
		}
		text = text[1:]
	}
	return text == ""
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// unhex is the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0xf + 9
}
