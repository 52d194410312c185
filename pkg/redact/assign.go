package redact

import "bytes"

// assigned looks at the name around s[at], and when it is one of a secret's at
// the value behind it: name=value, name: value, "name": "value", --name value.
// There is none when start is not less than end. done is the end of the name.
func (r *Redactor) assigned(s []byte, at int) (start, end, done int) {
	begin := at
	for begin > 0 && begin > at-maxName && nameByte(s[begin-1]) {
		begin--
	}
	done = run(s, at, nameByte)
	name := s[begin:done]
	flag := name[0] == '-'
	name = bytes.Trim(name, "-.")
	if !r.keys.match(name) {
		return 0, 0, done
	}
	i := run(s, done, func(c byte) bool { return c == '"' || c == '\'' || c == '\\' })
	quoted := i > done
	i = run(s, i, blank)
	switch {
	case i == len(s):
		return 0, 0, done
	case s[i] == '=':
		i = run(s, i, func(c byte) bool { return c == '=' || c == '>' })
		start, end = valueAt(s, run(s, i, blank))
	case s[i] == ':' && i+1 < len(s) && s[i+1] == '=':
		start, end = valueAt(s, run(s, i+2, blank))
	case s[i] == ':' && (quoted || spaced(s, i+1)):
		start, end = valueAt(s, run(s, i+1, blank))
		if !quoted && !saysPassword(name) && !solid(s[start:end]) && !ownLine(s, begin, end) {
			return 0, 0, done
		}
	case flag && !quoted && i > done && s[i] != '-':
		start, end = valueAt(s, i)
	}
	if reference(s[start:end]) {
		return 0, 0, done
	}
	return start, end, done
}

// spaced reports whether a space is at s[i]: in names of users and images colons
// stand without, as in system:serviceaccount:external-secrets:reader.
func spaced(s []byte, i int) bool { return i < len(s) && (blank(s[i]) || s[i] == '"' || s[i] == '\'') }

func blank(c byte) bool { return c == ' ' || c == '\t' }

// valueAt returns the value that begins at s[i]: what is between quotes, which
// can be escaped themselves, or else up to white space or punctuation.
func valueAt(s []byte, i int) (start, end int) {
	open := run(s, i, func(c byte) bool { return c == '\\' })
	if open == len(s) {
		return i, i
	}
	if q := s[open]; q == '"' || q == '\'' || q == '`' {
		open++
		if n := bytes.IndexByte(s[open:], q); n >= 0 {
			end = open + n
			if open-1 > i { // the closing quote is escaped as well
				for end > open && s[end-1] == '\\' {
					end--
				}
			}
			return open, end
		}
		return open, len(s)
	}
	return i, run(s, i, bare)
}

// bare is what a value without quotes is made of.
func bare(c byte) bool {
	switch c {
	case '"', '\'', '`', '&', ';', ',', '<', '>', ')', '}', ']', '|':
		return false
	}
	return c > ' '
}

// saysPassword reports whether a name is a password's, whose values may be as
// short as they like: after "token:" a short word is most often a sentence's.
func saysPassword(name []byte) bool {
	return indexFold(name, "passw") >= 0 || indexFold(name, "passphrase") >= 0 || indexFold(name, "pwd") >= 0
}

// minSolid is the length from which a text without spaces behind "token:" is
// taken for one.
const minSolid = 16

func solid(s []byte) bool { return len(s) >= minSolid && !bytes.HasPrefix(s, []byte("//")) }

// ownLine reports whether a name and its value are all that is on a line of a text of
// several, as in YAML: then no sentence is.
func ownLine(s []byte, begin, end int) bool {
	for begin > 0 && (blank(s[begin-1]) || s[begin-1] == '-') {
		begin--
	}
	end = run(s, end, blank)
	first, last := begin == 0 || s[begin-1] == '\n', end == len(s) || s[end] == '\n' || s[end] == '\r' || s[end] == '#'
	return first && last && bytes.IndexByte(s, '\n') >= 0
}

// reference reports whether a value is none: a variable, or a word that says
// yes, no or nothing.
func reference(s []byte) bool {
	switch {
	case len(s) < 2, len(s) > maxName:
		return false
	case bytes.HasPrefix(s, []byte("$(")), bytes.HasPrefix(s, []byte("${")):
		return true
	case s[0] == '$':
		return run(s, 1, func(c byte) bool { return 'A' <= c && c <= 'Z' || c == '_' || '0' <= c && c <= '9' }) == len(s)
	}
	return oneOf(s, []string{"true", "false", "null", "nil", "none"})
}
