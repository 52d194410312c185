package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Reader reads audit events from a file or body, in whatever form sources hand them over: single events, EventLists and
// arrays of either (arrays of arrays too), on one line or many, one after the other in any mix; plain or gzip; with or
// without a byte order mark. Any apiVersion will do: v1, v1beta1 and v1alpha1 differ in nothing that matters here, and
// the field is absent from the items of a list anyway.
//
// It holds one event in memory, not a document, so that a list of any length can be read.
//
// An event must be an object of kind Event (items of an EventList need no kind) with a stageTimestamp in RFC 3339. Wrong
// content rejects that item only. A syntax error rejects what is left of its line, so that a truncated line never
// swallows the next one: reading resumes after the line on which the refused value began. When the document has more
// than one line, lines are passed over silently up to the next that begins with { or [.
//
// A Reader is not safe for concurrent use, except for [Reader.Offset].
type Reader struct {
	input  string
	limits Limits
	raw    counter
	window window

	lists   []list     // the arrays and EventLists around the position, outermost first
	docLine int64      // line on which the outermost document began
	vain    int64      // bytes judged more than once because a document of many lines turned out broken
	pending *Rejection // to be returned by the next Next

	glance    glance
	scanner   scanner
	converter Converter // may be nil
	ready     []*Event  // that it made, to be returned by the next Next
	ended     error     // to be returned behind them

	newEvent func() *Event // gives an empty event
	inPlace  bool          // events keep the bytes they were read from, which are not read over
}

// list is an array or EventList that is being read.
type list struct {
	events bool     // an EventList, whose items are events only and need no kind
	kind   kindSeen // of an EventList
	expect expect
}

// expect is what may come next in a list.
type expect uint8

const (
	expectFirst  expect = iota // a value or the end of the array
	expectItem                 // a value
	expectComma                // a comma or the end of the array
	expectMember               // behind the items of an EventList: a comma or the end of the object
)

// NewReader returns a Reader of r. input names it in events and messages. Nothing is read before the first Next.
func NewReader(r io.Reader, input string, lim Limits) *Reader {
	n := &Reader{input: input, limits: lim.orDefault(), newEvent: func() *Event { return new(Event) }}
	n.raw.source = r
	n.window = newWindow(&decompressor{source: &n.raw})
	return n
}

// Offset returns how many bytes of the input, before decompression, were read so far. It may be called at any time.
func (r *Reader) Offset() int64 { return r.raw.n.Load() }

// Buffered tells whether something was read that Next has not returned yet, so that it may not have to wait for input.
func (r *Reader) Buffered() bool {
	return len(r.ready) > 0 || r.pending != nil || len(bytes.TrimLeft(r.window.buf, " \t\r\n")) > 0
}

// Next returns the next event. The error is io.EOF at the end of the input; a [*Rejection] when an item or document was
// refused, after which Next may be called again; anything else when the input cannot be read any further.
func (r *Reader) Next() (*Event, error) {
	for {
		switch {
		case len(r.ready) > 0:
			e := r.ready[0]
			r.ready = r.ready[1:]
			return e, nil
		case r.ended != nil:
			return nil, r.ended
		case r.pending != nil:
			rej := r.pending
			r.pending = nil
			return nil, rej
		}
		e, err := r.step()
		if err != nil && !errors.As(err, new(*Rejection)) {
			r.ended = err
			r.flush()
			continue
		}
		if e != nil || err != nil {
			return e, err
		}
	}
}

// step reads one value, or one mark of the lists around the values.
func (r *Reader) step() (*Event, error) {
	c, ok := r.window.skipSpace()
	if !ok {
		return nil, r.end()
	}
	if len(r.lists) == 0 {
		return r.document(c)
	}
	l := &r.lists[len(r.lists)-1]
	switch {
	case l.expect == expectMember && c == '}':
		return nil, r.closeEvents(l)
	case l.expect == expectMember && c == ',':
		return nil, r.member(l)
	case l.expect == expectMember:
		return nil, r.breakHere("after the items of an EventList (expecting ',' or '}')")
	case l.expect != expectItem && c == ']':
		r.closeArray(l)
		return nil, nil
	case l.expect == expectComma && c == ',':
		r.window.advance(1)
		l.expect = expectItem
		return nil, nil
	case l.expect == expectComma:
		return nil, r.breakHere("after array element (expecting ',' or ']')")
	}
	l.expect = expectComma
	if l.events {
		return r.item(true)
	}
	return r.element(c)
}

// end returns the error for the end of the input.
func (r *Reader) end() error {
	if r.window.err != io.EOF {
		return fmt.Errorf("audit: %s: byte %d: %w", r.input, r.window.offset+int64(len(r.window.buf)), r.window.err)
	}
	if len(r.lists) == 0 {
		return io.EOF
	}
	r.lists = r.lists[:0]
	return r.reject(ReasonSyntax, nil, 0, io.ErrUnexpectedEOF)
}

// document begins a value outside of all lists.
func (r *Reader) document(c byte) (*Event, error) {
	if c == byteOrderMark[0] && r.byteOrderMark() {
		return nil, nil
	}
	r.docLine = r.window.line
	return r.element(c)
}

var byteOrderMark = []byte("\ufeff")

// byteOrderMark passes over a UTF-8 byte order mark. They stand at the begin of a file, so within files put together
// they can stand before any document.
func (r *Reader) byteOrderMark() bool {
	for len(r.window.buf) < len(byteOrderMark) && r.window.fill() {
	}
	if !bytes.HasPrefix(r.window.buf, byteOrderMark) {
		return false
	}
	r.window.advance(len(byteOrderMark))
	return true
}

// element reads an Event, an EventList or an array, or begins to.
func (r *Reader) element(c byte) (*Event, error) {
	if c != '[' {
		return r.item(false)
	}
	if len(r.lists) == r.limits.MaxDepth {
		err := r.reject(ReasonDepth, r.window.buf, 0, r.tooDeep())
		r.leaveValue(0)
		return nil, err
	}
	r.window.advance(1)
	r.lists = append(r.lists, list{})
	return nil, nil
}

// closeArray takes the closing bracket of an array or of an EventList's items.
func (r *Reader) closeArray(l *list) {
	r.window.advance(1)
	if l.events {
		l.expect = expectMember
		return
	}
	r.lists = r.lists[:len(r.lists)-1]
}

// closeEvents takes the closing brace of an EventList.
func (r *Reader) closeEvents(l *list) error {
	var rej error
	if l.kind != kindEventList {
		cause := errors.New("the object that ends here has items, and no kind EventList")
		rej = r.reject(ReasonKind, r.window.buf[:1], 0, cause)
	}
	r.lists = r.lists[:len(r.lists)-1]
	r.window.advance(1)
	return rej
}

// member reads a member behind the items of an EventList. The position is at the comma before it.
func (r *Reader) member(l *list) error {
	r.window.advance(1)
	c, ok := r.window.skipSpace()
	if !ok {
		return r.end()
	}
	if c != '"' {
		return r.breakHere("(expecting the name of a member)")
	}
	name, err := r.part()
	if err != nil {
		return err
	}
	if c, ok = r.window.skipSpace(); !ok {
		return r.end()
	}
	if c != ':' {
		return r.breakHere("after object name (expecting ':')")
	}
	r.window.advance(1)
	if c, ok = r.window.skipSpace(); !ok {
		return r.end()
	}
	if (c == '{' || c == '[') && r.window.column() == 0 {
		// The line before was cut off behind the colon, else this would not be at the begin of a line.
		return r.breakHere("at the begin of a line (expecting the value of a member)")
	}
	if c == '[' && name == "items" {
		// Twice the items: read them too. The last would count, but what was said cannot be taken back.
		r.window.advance(1)
		l.expect = expectFirst
		return nil
	}
	value, err := r.part()
	if err == nil && name == "kind" {
		l.kind = kindOther
		if value == "EventList" {
			l.kind = kindEventList
		}
	}
	return err
}

// breakHere rejects the byte at the position as no JSON in that place, and with it the rest of the document.
func (r *Reader) breakHere(where string) error {
	_, size := utf8.DecodeRune(r.window.buf)
	err := r.reject(ReasonSyntax, r.window.buf, 0, fmt.Errorf("invalid character %q %s", r.window.buf[:size], where))
	r.leaveHere()
	return err
}

// leaveValue leaves the document whose value at the position has a fault so many bytes on, and moves to where reading
// resumes: after the line on which the value began.
func (r *Reader) leaveValue(fault int) {
	w := &r.window
	r.lists = r.lists[:0]
	lines := bytes.Count(w.buf[:fault], newline)
	if lines > 0 {
		r.vain += int64(fault)
	}
	long := w.line+int64(lines) != r.docLine
	w.skipLine()
	if long {
		w.skipIndented()
	}
}

// leaveHere leaves the document at the position, where no value has begun, and moves to where reading resumes. When a
// line before broke off, the position is at the begin of the next, which is not lost then.
func (r *Reader) leaveHere() {
	w := &r.window
	r.lists = r.lists[:0]
	long := w.line != r.docLine
	if !long || w.column() > 0 {
		w.skipLine()
	}
	if long {
		w.skipIndented()
	}
}

// reject returns a rejection of text, which is at the position, for a fault so many bytes on.
func (r *Reader) reject(reason Reason, text []byte, at int, cause error) *Rejection {
	return &Rejection{
		Input: r.input, Line: r.window.line + int64(bytes.Count(text[:at], newline)), Offset: r.window.offset + int64(at),
		Reason: reason, Err: cause, Excerpt: excerpt(text, at),
	}
}
