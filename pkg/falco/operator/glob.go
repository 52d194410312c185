package operator

// Glob tells whether a shell pattern matches the whole text, as C's
// fnmatch(pattern, s, 0): * (any run, "/" too), ?, [a-d], [!a], [^a],
// [[:alpha:]], and a backslash before a character that means itself. With fold
// set, ASCII letters match in either case.
//
// A bracket that is not closed is an ordinary character.
func Glob(pattern, s string, fold bool) bool {
	p, t := 0, 0
	star, mark := -1, 0 // after the last *: where the pattern goes on, and how far it has eaten
	for t < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p+1, t
			p++
			continue
		}
		if next, ok := one(pattern, p, s[t], fold); ok {
			p = next
			t++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, t = star, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// one matches a single byte against the pattern element at p and gives
// where the pattern goes on.
func one(pattern string, p int, c byte, fold bool) (int, bool) {
	if p >= len(pattern) {
		return p, false
	}
	switch pattern[p] {
	case '?':
		return p + 1, true
	case '[':
		if next, ok, closed := bracket(pattern, p+1, c, fold); closed {
			return next, ok
		}
	case '\\':
		if p+1 < len(pattern) {
			p++
		} else {
			return p, false // a trailing backslash matches nothing
		}
	}
	return p + 1, pattern[p] == c || fold && lowerByte(pattern[p]) == lowerByte(c)
}

// bracket matches c against the bracket expression that begins at p, after its
// "[". closed is false where there is no closing bracket.
func bracket(pattern string, p int, c byte, fold bool) (next int, ok, closed bool) {
	negate := p < len(pattern) && (pattern[p] == '!' || pattern[p] == '^')
	if negate {
		p++
	}
	found := false
	for first := true; p < len(pattern); first = false {
		if pattern[p] == ']' && !first {
			return p + 1, found != negate, true
		}
		if name, n := className(pattern[p:]); n > 0 {
			found = found || inClass(name, c, fold)
			p += n
			continue
		}
		lo, n := bracketByte(pattern[p:])
		p += n
		hi := lo
		if rest := pattern[p:]; rest == "-" || rest == `-\` {
			return p, false, true // a range without an end matches nothing
		}
		if p+1 < len(pattern) && pattern[p] == '-' && pattern[p+1] != ']' {
			hi, n = bracketByte(pattern[p+1:])
			p += 1 + n
		}
		found = found || inRange(lo, hi, c, fold)
	}
	return p, false, false
}

func bracketByte(s string) (c byte, n int) {
	if s[0] == '\\' && len(s) > 1 {
		return s[1], 2
	}
	return s[0], 1
}

func inRange(lo, hi, c byte, fold bool) bool {
	if lo <= c && c <= hi {
		return true
	}
	return fold && (lowerByte(lo) <= lowerByte(c) && lowerByte(c) <= lowerByte(hi))
}

// className reads [:name:] and gives its length, 0 where there is none.
func className(s string) (string, int) {
	if len(s) < 4 || s[:2] != "[:" {
		return "", 0
	}
	for i := 2; i+1 < len(s); i++ {
		if s[i] == ':' && s[i+1] == ']' {
			return s[2:i], i + 2
		}
	}
	return "", 0
}

func inClass(name string, c byte, fold bool) bool {
	upper, low := c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z'
	digit := c >= '0' && c <= '9'
	graph := c > ' ' && c < 0x7f
	switch name {
	case "alpha":
		return upper || low
	case "digit":
		return digit
	case "alnum":
		return upper || low || digit
	case "upper":
		return upper || fold && low
	case "lower":
		return low || fold && upper
	case "space":
		return c == ' ' || c >= '\t' && c <= '\r'
	case "blank":
		return c == ' ' || c == '\t'
	case "punct":
		return graph && !upper && !low && !digit
	case "print":
		return graph || c == ' '
	case "graph":
		return graph
	case "cntrl":
		return c < ' ' || c == 0x7f
	case "xdigit":
		return digit || lowerByte(c) >= 'a' && lowerByte(c) <= 'f'
	}
	return false
}
