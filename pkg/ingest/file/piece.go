package file

import "bytes"

// piece is what is handed over at once: the first len(data) bytes of Tail.buf.
type piece struct {
	data      []byte
	cut, torn int64 // 1: it is the begin of a line that is too long; a line without its end
	zeros     int64 // zero bytes in it, which are newlines in data
}

// A line ends with a newline, or before a zero byte, of which JSON has none.
const zero = "\x00"

// firstEnd returns where the first line ends, or -1.
func firstEnd(b []byte) int {
	n := bytes.IndexByte(b, '\n')
	if n >= 0 {
		b = b[:n]
	}
	if z := bytes.IndexByte(b, 0); z >= 0 {
		return z
	}
	return n
}

// lastEnd returns where the last complete line ends, or -1.
func lastEnd(b []byte) int {
	n := bytes.LastIndexByte(b, '\n')
	if z := bytes.LastIndexByte(b[n+1:], 0); z >= 0 {
		return n + 1 + z
	}
	return n
}

// next returns what is to be handed over next: as many complete lines as a body may
// hold, or one that is longer, or the begin of one that is too long. nil when there is
// nothing complete.
func (t *Tail) next() *piece {
	p := &piece{}
	n := lastEnd(t.buf[:min(len(t.buf), t.cfg.MaxBody)]) + 1
	if n == 0 {
		n = firstEnd(t.buf) + 1
	}
	switch {
	case n > t.cfg.MaxLine+1 || n == 0 && len(t.buf) > t.cfg.MaxLine:
		n, p.cut = t.cfg.MaxLine, 1
	case n == 0 && t.over:
		n, p.torn = len(t.buf), 1
	}
	if n == 0 {
		return nil
	}
	p.data = t.buf[:n]
	if p.zeros = int64(bytes.Count(p.data, []byte(zero))); p.zeros > 0 {
		p.data = bytes.ReplaceAll(p.data, []byte(zero), []byte("\n"))
	}
	return p
}

// dropSkipped passes over the rest of a line that was cut.
func (t *Tail) dropSkipped() {
	if !t.skip || len(t.buf) == 0 {
		return
	}
	n := firstEnd(t.buf)
	t.skip = n < 0
	if t.skip {
		n = len(t.buf)
	}
	t.count(func(s *Status) { s.CutBytes += int64(n) })
	t.consume(n) // the end of the line is left, an empty line
}
