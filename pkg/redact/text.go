package redact

import "bytes"

// maxLevel is how many levels of JSON in strings of JSON are followed. Each level
// doubles the quotes of the one inside, so that real ones have two or three.
const maxLevel = 8

// textEdits finds what to redact in a text: in its structure when it is JSON, as
// the annotation of kubectl apply is, else by the shape of what it holds. In a
// text that belongs to a Secret data without a kind is a Secret's, too. The edits
// are in order.
func (r *Redactor) textEdits(s []byte, level int, secret bool) []edit {
	whole := []edit{{0, len(s), Marker}}
	if len(s) == 0 {
		return nil
	}
	if looksJSON(s) {
		nodes, how := parse(s, nil)
		switch {
		case how == parsedDeep, level > maxLevel:
			return whole
		case how == parsedOK:
			return r.inner(s, nodes, level, secret)
		case secret:
			return whole
		}
	}
	if secret && opaque(s) || showsSecret(s) {
		return whole
	}
	return merged(r.shapes(s))
}

// looksJSON reports whether a text begins as an object or array.
func looksJSON(s []byte) bool {
	s = bytes.TrimLeft(s, " \t\r\n")
	return len(s) > 1 && (s[0] == object || s[0] == array)
}

// inner walks a text that is JSON.
func (r *Redactor) inner(s []byte, nodes []node, level int, secret bool) []edit {
	d := doc{r: r, text: s, nodes: nodes, level: level, hits: r.hits(nil, s)}
	for at := 0; at < len(nodes); at = nodes[at].next {
		d.value(at, secret)
	}
	return d.edits
}

// opaque reports whether a text in a Secret's metadata is a compressed copy of
// something, in base64: gzip or zip.
func opaque(s []byte) bool {
	return bytes.HasPrefix(s, []byte("H4sI")) || bytes.HasPrefix(s, []byte("UEsDB"))
}

// showsSecret reports whether a text that is no JSON shows a Secret all the same:
// as YAML, as JSON that is cut or has text around it.
func showsSecret(s []byte) bool {
	for i := 0; ; i++ {
		n := indexFold(s[i:], "kind")
		if n < 0 {
			return false
		}
		i += n
		rest := bytes.TrimLeft(s[i+len("kind"):], `"'\ `)
		if len(rest) == 0 || rest[0] != ':' {
			continue
		}
		rest = bytes.TrimLeft(rest[1:], `"'\ `)
		if !begins(rest, "secret") {
			continue
		}
		rest = rest[len("secret"):]
		if begins(rest, "list") {
			rest = rest[len("list"):]
		}
		if len(rest) == 0 || !nameByte(rest[0]) {
			return true
		}
	}
}

// indexFold is the place of a lower-case word in a text, in any case; -1: none.
func indexFold(s []byte, word string) int {
	for i := 0; i+len(word) <= len(s); i++ {
		if lower[s[i]] == word[0] && begins(s[i:], word) {
			return i
		}
	}
	return -1
}

func nameByte(c byte) bool {
	return 'a' <= lower[c] && lower[c] <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
}

// base64Byte is for both alphabets.
func base64Byte(c byte) bool {
	return 'a' <= lower[c] && lower[c] <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/' || c == '-' || c == '_'
}

// run returns the end of the bytes of a kind that begin at s[i].
func run(s []byte, i int, of func(byte) bool) int {
	for i < len(s) && of(s[i]) {
		i++
	}
	return i
}
