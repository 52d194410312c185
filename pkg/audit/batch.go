package audit

import (
	"bytes"
	"errors"
	"io"
)

// Position is a place in an input.
type Position struct {
	Input  string // as in [Event.Input]
	Line   int64  // counted from 1
	Offset int64  // counted from 0, after decompression
}

// Batch decodes pieces of an input that each hold whole documents, one after the other, into memory that it keeps. It
// refuses what a [Reader] refuses.
type Batch struct {
	Events     []Event // in the order of the input; valid, with what they are made of, until the next Decode
	Rejections []*Rejection
}

// Decode reads a piece that begins at a position. The events keep data, which must not be written before the next
// Decode.
func (b *Batch) Decode(data []byte, at Position, lim Limits) {
	clear(b.Events)
	b.Events, b.Rejections = b.Events[:0], nil
	r := NewReader(bytes.NewReader(data), at.Input, lim)
	r.StartAt(at)
	for {
		e, err := r.Next()
		var rej *Rejection
		switch {
		case err == nil:
			b.Events = append(b.Events, *e)
		case errors.As(err, &rej):
			b.Rejections = append(b.Rejections, rej)
		default:
			return
		}
	}
}

// StartAt tells that the input begins somewhere inside another one, as positions are to say. It must be called before
// the first Next.
func (r *Reader) StartAt(at Position) {
	r.input = at.Input
	r.window.line, r.window.offset, r.window.lineStart = at.Line, at.Offset, at.Offset
}

// Input returns the name of the input.
func (r *Reader) Input() string { return r.input }

// Decompress returns a reader of what r holds, decompressed when it begins with the magic bytes of gzip. It looks when
// it is first read.
func Decompress(r io.Reader) io.Reader { return &decompressor{source: r} }
