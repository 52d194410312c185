package audit

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Longest forms of untrusted strings in a sentence, in characters after escaping. Valid Kubernetes names always fit.
const (
	longName    = 253
	longMessage = 300
	longCommand = 400
)

const ellipsis = "…"

// plain returns s itself when it is made of characters that names are usually made of, and quoted otherwise. So what is
// not in quotes in a sentence cannot be mistaken for the sentence's own words.
func plain(s string) string {
	if len(s) <= longName && isPlain(s) {
		return s
	}
	return quote(s, longName)
}

// isPlain tells whether s is made of ASCII letters, digits and "-._:@/+=*~", with no punctuation at its ends.
func isPlain(s string) bool {
	if s == "" || strings.IndexByte("-.:@+=", s[0]) >= 0 || strings.IndexByte(".:@+=", s[len(s)-1]) >= 0 {
		return false
	}
	for i := range len(s) {
		if !isAlnum(s[i]) && strings.IndexByte("-._:@/+=*~", s[i]) < 0 {
			return false
		}
	}
	return true
}

// quote returns s between double quotes, on one line, with everything escaped that does not print as itself: control and
// format characters (terminal escapes, direction marks, zero-width ones), odd spaces, invalid UTF-8. When s has double
// quotes in it and no single ones, it stands between single quotes instead, which saves escapes. What would be longer than
// most characters is cut, with an ellipsis after the closing quote.
func quote(s string, most int) string {
	mark := byte('"')
	if strings.IndexByte(s, '"') >= 0 && strings.IndexByte(s, '\'') < 0 {
		mark = '\''
	}
	var b strings.Builder
	b.WriteByte(mark)
	written := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		shown := escape(r, s[i:i+size], i == 0, mark)
		if written += utf8.RuneCountInString(shown); written > most {
			b.WriteByte(mark)
			return b.String() + ellipsis
		}
		b.WriteString(shown)
		i += size
	}
	b.WriteByte(mark)
	return b.String()
}

// escape returns how one character of a string between such marks is written; raw is its bytes.
func escape(r rune, raw string, first bool, mark byte) string {
	switch {
	case r == rune(mark) || r == '\\':
		return `\` + raw
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Sprintf(`\x%02x`, raw[0])
	case unicode.IsPrint(r) && !isInvisible(r) && !(first && unicode.IsMark(r)): // a mark would join the quote
		return raw
	case r > 0xffff:
		return fmt.Sprintf(`\U%08x`, r)
	default:
		return fmt.Sprintf(`\u%04x`, r)
	}
}

// isInvisible finds characters that Unicode classes with letters and symbols although they show nothing.
func isInvisible(r rune) bool {
	const brailleBlank = 0x2800
	return r == brailleBlank || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r)
}

// shell joins arguments as one would type them: those with special characters in single quotes. It gives up, leaving the
// rest out, when it has more than any sentence can show.
func shell(args []string) string {
	var b strings.Builder
	for i, arg := range args {
		if i > 0 {
			b.WriteByte(' ')
		}
		arg = arg[:min(len(arg), 8*longCommand)]
		if isShellWord(arg) {
			b.WriteString(arg)
		} else {
			b.WriteString("'" + strings.ReplaceAll(arg, "'", `'\''`) + "'")
		}
		if b.Len() > 4*longCommand {
			break
		}
	}
	return b.String()
}

func isShellWord(s string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) && strings.IndexByte("-._:@/+=,%", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// clip cuts a sentence to at most most bytes, at the end of a character.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
