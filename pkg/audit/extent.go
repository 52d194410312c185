package audit

// extent finds where a value ends by its quotes and brackets alone, from bytes fed piece by piece. It serves where
// jsontext cannot: to know when enough bytes of a value are there to judge it, and to pass over a value that is too long
// to keep or nested too deeply.
//
// It takes a value to be broken off at a line break inside a string, and at a line that begins with an opening bracket:
// no event has either inside, written on one line or pretty-printed, while a truncated line is followed by such a line.
type extent struct {
	size    int64 // bytes of the value so far
	depth   int
	quoted  bool // inside a string
	escaped bool // behind a backslash inside a string
	fresh   bool // at the begin of a line
	ended   bool // at size
	broken  bool // ended before its time
}

// feed takes the next bytes and returns how many of them belong to the value.
func (x *extent) feed(b []byte) int {
	n := 0
	for n < len(b) && !x.ended {
		if !x.quoted {
			n += x.outside(b[n])
			continue
		}
		if !x.escaped {
			n += ordinary(b[n:])
		}
		if n < len(b) {
			n += x.inString(b[n])
		}
	}
	x.size += int64(n)
	return n
}

// ordinary returns how many bytes b begins with that are nothing special inside a string.
func ordinary(b []byte) int {
	for i, c := range b {
		if c == '"' || c == '\\' || c == '\n' {
			return i
		}
	}
	return len(b)
}

// inString takes a byte inside a string; it returns 1 when the byte belongs to the value, else 0.
func (x *extent) inString(c byte) int {
	switch {
	case c == '\n':
		x.ended, x.broken = true, true
		return 0
	case x.escaped:
		x.escaped = false
	case c == '\\':
		x.escaped = true
	case c == '"':
		x.quoted = false
		x.ended = x.depth == 0
	}
	return 1
}

// outside takes a byte outside of strings; it returns 1 when the byte belongs to the value, else 0.
func (x *extent) outside(c byte) int {
	fresh := x.fresh
	x.fresh = c == '\n'
	switch c {
	case '{', '[':
		if fresh {
			x.ended, x.broken = true, true
			return 0
		}
		x.depth++
	case '}', ']':
		if x.depth == 0 { // behind a number or literal
			x.ended = true
			return 0
		}
		x.depth--
		x.ended = x.depth == 0
	case '"':
		x.quoted = true
	case ' ', '\t', '\r', '\n', ',', ':':
		if x.depth == 0 { // behind a number or literal
			x.ended = true
			return 0
		}
	}
	return 1
}
