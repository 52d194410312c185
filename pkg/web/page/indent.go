package page

import "strings"

// jsonShown is how much of an event's JSON a page shows, in bytes.
const jsonShown = 128 << 10

// maxIndent bounds the levels that are indented; deeper ones stand below the last.
const maxIndent = 40

// indented lays out JSON on lines. Every token keeps its spelling, and the order stays;
// only white space between tokens changes. It stops after most bytes.
func indented(raw []byte, most int) (text string, more bool) {
	var b strings.Builder
	level := 0
	newline := func() {
		b.WriteByte('\n')
		b.WriteString(strings.Repeat("  ", min(level, maxIndent)))
	}
	for i := 0; i < len(raw); i++ {
		if b.Len() >= most {
			return b.String(), true
		}
		switch c := raw[i]; c {
		case ' ', '\t', '\r', '\n':
		case '"':
			end := stringEnd(raw, i)
			if end-i > most {
				b.Write(raw[i : i+most])
				return b.String(), true
			}
			b.Write(raw[i:end])
			i = end - 1
		case '{', '[':
			b.WriteByte(c)
			if j := nextToken(raw, i+1); j < len(raw) && (raw[j] == '}' || raw[j] == ']') {
				b.WriteByte(raw[j])
				i = j
				continue
			}
			level++
			newline()
		case '}', ']':
			level = max(level-1, 0)
			newline()
			b.WriteByte(c)
		case ',':
			b.WriteByte(c)
			newline()
		case ':':
			b.WriteString(": ")
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), false
}

// stringEnd is the place behind the string that begins at i.
func stringEnd(raw []byte, i int) int {
	for j := i + 1; j < len(raw); j++ {
		switch raw[j] {
		case '\\':
			j++
		case '"':
			return j + 1
		}
	}
	return len(raw)
}

// nextToken is the place of the first byte from i on that is no white space.
func nextToken(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\r' || raw[i] == '\n') {
		i++
	}
	return i
}
