package condition

import "strings"

// lexer cuts tokens at its position. Every method that takes a token leaves it
// in last, which error messages quote; blanks do not count as tokens.
type lexer struct {
	src  string
	pos  Pos
	last string
}

func newLexer(src string) lexer {
	return lexer{src: src, pos: Pos{Line: 1, Col: 1}}
}

// rest is what has not been read; a NUL byte ends the text, as in C.
func (l *lexer) rest() string { return l.src[l.pos.Offset:] }

func (l *lexer) peek() byte {
	if l.pos.Offset < len(l.src) {
		return l.src[l.pos.Offset]
	}
	return 0
}

func (l *lexer) advance(n int) {
	for _, c := range []byte(l.src[l.pos.Offset : l.pos.Offset+n]) {
		l.pos.Offset++
		l.pos.Col++
		if c == '\n' {
			l.pos.Line++
			l.pos.Col = 1
		}
	}
}

func (l *lexer) take(n int) bool {
	if n == 0 {
		return false
	}
	l.last = l.rest()[:n]
	l.advance(n)
	return true
}

func isBlank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\b' || c == '\r' || c == '\n'
}

// isSpace is [[:space:]], which "not" and the bare strings end at.
func isSpace(c byte) bool {
	return c == ' ' || c >= '\t' && c <= '\r'
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func notBare(r rune) bool {
	return r < 0x80 && (isSpace(byte(r)) || strings.IndexByte("()\"'=,\x00", byte(r)) >= 0)
}

func notArgBare(r rune) bool {
	return r < 0x80 && (isSpace(byte(r)) || strings.IndexByte("[]\"'\x00", byte(r)) >= 0)
}

// blank skips blanks and tells whether there were any.
func (l *lexer) blank() bool {
	n := 0
	for rest := l.rest(); n < len(rest) && isBlank(rest[n]); {
		n++
	}
	l.advance(n)
	return n > 0
}

// str takes s if it stands here; no word boundary is asked for after it.
func (l *lexer) str(s string) bool {
	return strings.HasPrefix(l.rest(), s) && l.take(len(s))
}

// word takes s if it stands here with a blank after it.
func (l *lexer) word(s string) bool {
	rest := l.rest()
	return len(rest) > len(s) && isBlank(rest[len(s)]) && l.str(s)
}

// notWord takes "not" with the white space after it.
func (l *lexer) notWord() bool {
	rest := l.rest()
	if !strings.HasPrefix(rest, "not") {
		return false
	}
	n := 3
	for n < len(rest) && isSpace(rest[n]) {
		n++
	}
	return n > 3 && l.take(n)
}

func identLen(s string) int {
	if s == "" || !isLetter(s[0]) {
		return 0
	}
	n := 1
	for n < len(s) && (isLetter(s[n]) || isDigit(s[n]) || s[n] == '_') {
		n++
	}
	return n
}

func (l *lexer) identifier() bool { return l.take(identLen(l.rest())) }

// fieldName takes identifiers joined by dots, at least two.
func (l *lexer) fieldName() bool {
	rest := l.rest()
	n := identLen(rest)
	dots := 0
	for n > 0 && n < len(rest) && rest[n] == '.' {
		m := identLen(rest[n+1:])
		if m == 0 {
			break
		}
		n += 1 + m
		dots++
	}
	return dots > 0 && l.take(n)
}

func (l *lexer) class(not func(rune) bool) bool {
	rest := l.rest()
	n := strings.IndexFunc(rest, not)
	if n < 0 {
		n = len(rest)
	}
	return l.take(n)
}

func (l *lexer) bare() bool    { return l.class(notBare) }
func (l *lexer) argBare() bool { return l.class(notArgBare) }

func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func (l *lexer) number() bool {
	rest := l.rest()
	if n := hexLen(rest); n > 0 {
		return l.take(n)
	}
	n := 0
	if rest != "" && (rest[0] == '+' || rest[0] == '-') {
		n = 1
	}
	d := digits(rest[n:])
	if d == 0 {
		return false
	}
	n += d
	if n < len(rest) && rest[n] == '.' {
		n++
		n += digits(rest[n:])
	}
	if len(rest) > n+2 && rest[n]|0x20 == 'e' && (rest[n+1] == '+' || rest[n+1] == '-') {
		if d := digits(rest[n+2:]); d > 0 {
			n += 2 + d
		}
	}
	return l.take(n)
}

func hexLen(s string) int {
	if len(s) < 3 || s[0] != '0' || s[1]|0x20 != 'x' {
		return 0
	}
	n := 2
	for n < len(s) && (isDigit(s[n]) || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'f') {
		n++
	}
	if n == 2 {
		return 0
	}
	return n
}

// quoted takes a quoted string and leaves its unescaped text in last. A string
// that is not closed is not a token.
func (l *lexer) quoted() (bool, error) {
	rest := l.rest()
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return false, nil
	}
	for n := 1; n < len(rest) && rest[n] != 0; n++ {
		if rest[n] != rest[0] || rest[n-1] == '\\' {
			continue
		}
		text, err := unescape(rest[1:n], rest[0])
		if err != "" {
			return false, &SyntaxError{Pos: l.pos, Msg: err, Src: l.src}
		}
		l.take(n + 1)
		l.last = text
		return true, nil
	}
	return false, nil
}

// unescape resolves the escapes of a string quoted by delim; the second result
// is a message, empty when all is well.
func unescape(s string, delim byte) (string, string) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, ""
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case '\\', '/':
			b.WriteByte(c)
		case ' ':
			b.WriteByte('\\')
		case '"', '\'':
			if c != delim {
				return "", `invalid \` + string(c) + ` escape in ` + string(delim) + `-quoted string`
			}
			b.WriteByte(c)
		default:
			return "", `unsupported string escape sequence: \` + string(c)
		}
	}
	return b.String(), ""
}
