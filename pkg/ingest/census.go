package ingest

import (
	"bytes"
	"io"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

const (
	// maxAtOnce is how many events and rejections of a body are in memory at once. An
	// API server sends 400; what it holds while it is judged takes some 8 KB for each.
	maxAtOnce = 4096
	// maxKept is the size of bodies whose memory is kept for the next one.
	maxKept = 4 << 20
	// pieceEvents and pieceBytes are the size of a record of a larger body.
	pieceEvents = 1000
	pieceBytes  = 4 << 20
)

// things returns no less than the number of events and rejections that a body will
// give, or more than limit. A body of 64 MiB can hold 30 million things to reject,
// each of which takes hundreds of bytes once it is decoded, so they are counted
// first.
//
// Each line is counted as if a document began there. If it is inside one, then what
// surrounds it is not seen, so that too much is counted and never too little:
// documents of many lines take the slow way early.
func things(data []byte, limit int) int {
	n := 0
	for len(data) > 0 && n <= limit {
		line := data
		if end := bytes.IndexByte(data, '\n'); end >= 0 {
			line, data = data[:end], data[end+1:]
		} else {
			data = nil
		}
		n += inLine(line, limit-n)
	}
	return n
}

// inLine counts the values in a line that may be items: those outside of all objects
// but one, and in that one only what is in an array.
func inLine(line []byte, limit int) int {
	n, object, deep := 0, 0, 0 // object: 1 in an object, 2 in an array of it; deep: levels below that
	for i := 0; i < len(line) && n <= limit; i++ {
		countable := deep == 0 && object != 1
		switch c := line[i]; c {
		case '"':
			i = stringEnd(line, i) - 1
			if countable {
				n++
			}
		case '{', '[':
			if countable {
				n++
			}
			switch {
			case deep > 0 || object == 2 || object == 1 && c == '{':
				deep++
			case object == 1:
				object = 2
			case c == '{':
				object = 1
			}
		case '}', ']':
			switch {
			case deep > 0:
				deep--
			case object > 0:
				object--
			}
		case ' ', '\t', '\r', ',', ':':
		default:
			if countable {
				n++ // each byte: at the top two literals need nothing between them
			}
		}
	}
	return n
}

// stringEnd returns the position behind the JSON string that begins at text[i], or
// the end of the text.
func stringEnd(text []byte, i int) int {
	for i++; ; i++ {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			return len(text)
		}
		i += n
		slashes := 0
		for text[i-1-slashes] == '\\' { // the opening quote ends the run
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
}

// valueEnd returns the position behind the JSON value that begins at text[i], by its
// quotes and brackets alone; the end of the text if there is none.
func valueEnd(text []byte, i int) int {
	begin := i
	for depth := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i = stringEnd(text, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 && i > begin { // behind a literal
				return i
			}
		case ' ', '\t', '\r', '\n', ',', ':':
			if depth == 0 { // behind a literal
				return i
			}
			continue
		default:
			continue
		}
		if depth <= 0 {
			return min(i+1, len(text))
		}
	}
	return len(text)
}

// newBodyReader reads a body event by event. The space in front keeps the reader
// from taking bytes for a compressed body: what is compressed was decompressed, to
// a limit, before it came here.
func newBodyReader(data []byte, at audit.Position, lim audit.Limits) *audit.Reader {
	r := audit.NewReader(io.MultiReader(bytes.NewReader([]byte{' '}), bytes.NewReader(data)), at.Input, lim)
	at.Offset--
	r.StartAt(at)
	return r
}
