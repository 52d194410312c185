package client

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// lines reads a stream line by line, each of at most so many bytes.
type lines struct {
	from *bufio.Reader
	max  int
	buf  []byte
}

func newLines(r io.Reader) *lines {
	return &lines{from: bufio.NewReaderSize(r, 64<<10), max: maxAnswer}
}

var errLongLine = errors.New("a line of it is too long")

// next gives the next line without its end, valid until the next call. The error is
// io.EOF where the stream ends behind a line, io.ErrUnexpectedEOF within one.
func (l *lines) next() ([]byte, error) {
	l.buf = l.buf[:0]
	for {
		part, err := l.from.ReadSlice('\n')
		if len(l.buf)+len(part) > l.max {
			return nil, fmt.Errorf("%w (%d bytes at most)", errLongLine, l.max)
		}
		l.buf = append(l.buf, part...)
		switch {
		case err == nil:
			return trimEnd(l.buf), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case err == io.EOF && len(l.buf) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

func trimEnd(line []byte) []byte {
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}
