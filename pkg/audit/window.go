package audit

import (
	"bytes"
	"io"
)

// firstBuffer is the usual chunk: large against most events, so that few are judged twice.
const firstBuffer = 256 << 10

// window is the part of the input that is in memory, behind a position that only moves forward.
type window struct {
	source    io.Reader
	chunk     int    // bytes to hold as long as no event is longer
	buf       []byte // the input from the position on, as far as it was read
	space     []byte // the memory that buf is in
	offset    int64  // of the position, in bytes after decompression
	line      int64  // of the position, counted from 1
	lineStart int64  // offset where that line begins
	err       error  // why there is no more to read: io.EOF or a failure
}

func newWindow(source io.Reader) window { return window{source: source, chunk: firstBuffer, line: 1} }

// column returns the number of bytes before the position on its line.
func (w *window) column() int64 { return w.offset - w.lineStart }

// advance moves the position over n bytes of buf.
func (w *window) advance(n int) {
	passed := w.buf[:n]
	if lines := bytes.Count(passed, newline); lines > 0 {
		w.line += int64(lines)
		w.lineStart = w.offset + int64(bytes.LastIndexByte(passed, '\n')) + 1
	}
	w.offset += int64(n)
	w.buf = w.buf[n:]
}

var newline = []byte{'\n'}

// fill reads once, behind what is in buf, which is kept. It returns false when there is nothing more to read; err then
// says why.
func (w *window) fill() bool {
	if w.err != nil {
		return false
	}
	w.makeRoom()
	have := len(w.buf)
	free := w.buf[have:cap(w.buf)]
	for tries := 0; tries < 100; tries++ {
		n, err := w.source.Read(free)
		w.buf = w.buf[:have+n]
		if err != nil {
			w.err = err
		}
		if n > 0 || err != nil {
			return n > 0
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// makeRoom gets free space behind buf: by moving buf to the front of its memory, or into twice as much.
func (w *window) makeRoom() {
	if cap(w.buf)-len(w.buf) >= w.chunk/2 {
		return
	}
	need := 2 * max(len(w.buf), w.chunk/2)
	if len(w.space) < need || len(w.space) > 8*need { // one long event must not hold memory for ever
		w.space = make([]byte, need)
	}
	n := copy(w.space, w.buf)
	w.buf = w.space[:n]
}

// skipSpace moves to the next byte that is no JSON white space and returns it; ok is false at the end of the input.
func (w *window) skipSpace() (c byte, ok bool) {
	for {
		n := 0
		for n < len(w.buf) && isSpace(w.buf[n]) {
			n++
		}
		w.advance(n)
		if len(w.buf) > 0 {
			return w.buf[0], true
		}
		if !w.fill() {
			return 0, false
		}
	}
}

// skipLine moves to the begin of the next line, or to the end of the input.
func (w *window) skipLine() {
	for {
		if n := bytes.IndexByte(w.buf, '\n'); n >= 0 {
			w.advance(n + 1)
			return
		}
		w.advance(len(w.buf))
		if !w.fill() {
			return
		}
	}
}

// skipIndented moves to the next line that begins with an opening bracket, or to the end of the input. The position
// must be at the begin of a line.
func (w *window) skipIndented() {
	for {
		if len(w.buf) == 0 && !w.fill() {
			return
		}
		if w.buf[0] == '{' || w.buf[0] == '[' {
			return
		}
		w.skipLine()
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
