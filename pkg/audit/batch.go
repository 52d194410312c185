package audit

import (
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
// refuses what a [Reader] refuses. It is for one goroutine at a time, and so are its events.
type Batch struct {
	Events     []*Event // in the order of the input; valid, with all that is in them, until the next Decode
	Rejections []*Rejection

	reader Reader
	events []*Event // all that were ever used
}

// Decode reads a piece that begins at a position. The events are made of data, which must not be written before the next
// Decode.
func (b *Batch) Decode(data []byte, at Position, lim Limits) {
	b.Events, b.Rejections = b.Events[:0], nil
	r := &b.reader
	r.reset(lim)
	r.newEvent, r.inPlace = b.event, true
	r.window = window{buf: data, err: io.EOF}
	r.StartAt(at)
	var rej *Rejection // one for all events: it is on the heap
	for {
		_, err := r.Next()
		switch {
		case err == nil:
		case errors.As(err, &rej):
			b.Rejections = append(b.Rejections, rej)
		default:
			return
		}
	}
}

// event gives the next event to fill.
func (b *Batch) event() *Event {
	n := len(b.Events)
	if n == len(b.events) {
		b.events = append(b.events, new(Event))
	}
	e := b.events[n]
	e.tree.reset()
	b.Events = append(b.Events, e)
	return e
}

// reset makes r as good as new, but for its scratch space.
func (r *Reader) reset(lim Limits) {
	r.limits = lim.orDefault()
	r.lists, r.docLine, r.vain, r.pending, r.ended = r.lists[:0], 0, 0, nil, nil
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
