package replay

import (
	"bytes"
	"io"
)

// Sizes of the pieces that are decoded at a time. A piece grows while it has
// no end; a document longer than longestPiece is streamed instead.
const (
	pieceSize    = 256 << 10
	longestPiece = 4 << 20
)

// cutter cuts an input into pieces of whole documents, so that they can be
// decoded side by side.
//
// It cuts only where a line that ends with a closing bracket is followed by
// one that begins with an opening one: inside a JSON document a comma would
// stand between the two.
type cutter struct {
	src    io.Reader
	rest   []byte // read, not yet handed out
	line   int64  // where rest begins, counted from 1
	offset int64
	err    error // why there is no more to read
}

// piece is a part of an input: whole documents in data, or with stream set all
// that is left, which must be read one document after the other.
type piece struct {
	data         []byte
	stream       io.Reader
	line, offset int64
}

// next gives the next piece, its data in buf or in new memory. The error is
// io.EOF at the end of the input; a piece may come with it.
//
// An input that gives less than was asked for, as a pipe does when its writer
// pauses, is not waited for while there is something to hand out.
func (c *cutter) next(buf []byte) (piece, error) {
	buf = append(buf[:0], c.rest...)
	for {
		var end int
		more := c.fill(&buf)
		switch {
		case c.err != nil:
			end = len(buf)
		case len(buf) >= longestPiece:
			return piece{stream: io.MultiReader(bytes.NewReader(buf), c.src), line: c.line, offset: c.offset}, io.EOF
		case !more && isLines(buf):
			end = len(buf)
		default:
			end = lastCut(buf)
		}
		if end > 0 || c.err != nil {
			return c.hand(buf, end), c.err
		}
		if more {
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
	}
}

// fill reads into buf's memory until it is full, the input ends, or a read
// gives less than was asked for and ends with a line: the writer may pause
// there. It tells whether more memory is needed to read on.
func (c *cutter) fill(buf *[]byte) (full bool) {
	for len(*buf) < cap(*buf) && c.err == nil {
		free := (*buf)[len(*buf):cap(*buf)]
		n, err := c.src.Read(free)
		*buf = (*buf)[:len(*buf)+n]
		c.err = err
		if n > 0 && n < len(free) && free[n-1] == '\n' {
			break
		}
	}
	return len(*buf) == cap(*buf)
}

func (c *cutter) hand(buf []byte, end int) piece {
	p := piece{data: buf[:end], line: c.line, offset: c.offset}
	c.rest = append(c.rest[:0], buf[end:]...)
	c.line += int64(bytes.Count(p.data, newline))
	c.offset += int64(end)
	return p
}

// remains makes one piece of all that is left, p, which was handed out last,
// included.
func (c *cutter) remains(p piece) piece {
	left := []io.Reader{bytes.NewReader(p.data), bytes.NewReader(c.rest)}
	if c.err == nil {
		left = append(left, c.src)
	} else if c.err != io.EOF {
		left = append(left, failed{c.err})
	}
	return piece{stream: io.MultiReader(left...), line: p.line, offset: p.offset}
}

// failed is an input that could not be read any further.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

var newline = []byte{'\n'}

// isLines tells whether buf is nothing but lines that each look like a whole
// document. Then the last one need not wait for what follows it.
func isLines(buf []byte) bool {
	if !bytes.HasSuffix(buf, newline) {
		return false
	}
	for line := range bytes.Lines(buf) {
		line = bytes.TrimSpace(line)
		if n := len(line); n > 0 && (line[0] != '{' || line[n-1] != '}') {
			return false
		}
	}
	return true
}

// lastCut gives the last place in buf where a document begins behind another
// one; 0 where there is none.
func lastCut(buf []byte) int {
	for end := len(buf); ; {
		nl := bytes.LastIndexByte(buf[:end], '\n')
		if nl < 0 {
			return 0
		}
		if nl+1 < len(buf) && (buf[nl+1] == '{' || buf[nl+1] == '[') {
			before := bytes.TrimRight(buf[:nl], " \t\r\n")
			if n := len(before); n > 0 && (before[n-1] == '}' || before[n-1] == ']') {
				return nl + 1
			}
		}
		end = nl
	}
}
