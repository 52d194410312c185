package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// item reads the value at the position, which must be an event or, outside of lists of events, can be an EventList.
func (r *Reader) item(inEvents bool) (*Event, error) {
	walk := walkDocument
	if inEvents {
		walk = walkValue
	}
	got, err := r.judge(walk)
	if err != nil {
		return nil, err
	}
	defer r.window.advance(got.size)
	if got.opensList {
		r.lists = append(r.lists, list{events: true, kind: got.kind})
		return nil, nil
	}
	return r.event(r.window.buf[:got.size], inEvents)
}

// part reads the value at the position and returns it if it is a string, else "".
func (r *Reader) part() (string, error) {
	got, err := r.judge(walkValue)
	if err != nil {
		return "", err
	}
	text := r.window.buf[:got.size]
	r.window.advance(got.size)
	if text[0] != '"' {
		return "", nil
	}
	return unquote(text), nil
}

// judge finds the end of the value at the position, reading on as needed, and rejects the value when it is no JSON or
// beyond the limits.
func (r *Reader) judge(walk walker) (walked, error) {
	var x extent
	for {
		text, last := r.visible()
		got, err := r.attempt(walk, text)
		var f *fault
		switch {
		case errors.As(err, &f):
			return walked{}, r.refuse(got, f, text)
		case err == nil && (last || got.size < len(text) || !isDigit(text[got.size-1])):
			if int64(got.size) > r.limits.MaxEvent {
				return walked{}, r.refuse(got, &fault{reason: ReasonSize, err: r.tooLong()}, text)
			}
			return got, nil
		case last && r.window.err != nil && r.window.err != io.EOF:
			return walked{}, r.end()
		case last:
			return walked{}, r.refuse(got, &fault{ReasonSyntax, len(text), io.ErrUnexpectedEOF}, text)
		case int64(len(text)) > r.limits.MaxEvent:
			return walked{}, r.passOver(r.reject(ReasonSize, text, 0, r.tooLong()))
		}
		r.gather(&x, 2*len(text))
	}
}

// visible returns the bytes from the position on that a value may take, as far as they are read; last tells that there
// will be no more.
//
// That is the whole input, unless too much was already read in vain: bytes are judged again when lines look like the
// begin of a document of many lines and are not, and a hostile input could make every line look so. From then on every
// line must be a document.
func (r *Reader) visible() (text []byte, last bool) {
	w := &r.window
	if r.vain > w.offset+4*r.limits.MaxEvent {
		if n := bytes.IndexByte(w.buf, '\n'); n >= 0 {
			return w.buf[:n], true
		}
	}
	return w.buf, w.err != nil
}

// gather reads until it makes sense to judge the value again: it looks complete, or there are enough bytes, so that the
// work stays linear however small the pieces are in which the input comes.
func (r *Reader) gather(x *extent, enough int) {
	w := &r.window
	for w.fill() {
		x.feed(w.buf[x.size:])
		if x.ended && !x.broken || len(w.buf) >= enough || int64(len(w.buf)) > r.limits.MaxEvent {
			return
		}
	}
}

// refuse rejects the value in text for a fault and moves behind it, or to where reading resumes.
func (r *Reader) refuse(got walked, f *fault, text []byte) error {
	rej := r.reject(f.reason, text, f.at, f.err)
	switch f.reason {
	case ReasonSyntax:
		r.leaveValue(f.at)
	case ReasonDepth:
		return r.passOver(rej)
	default:
		r.window.advance(got.size)
	}
	return rej
}

// passOver moves behind the value at the position without judging it, and returns its rejection.
func (r *Reader) passOver(rej *Rejection) error {
	w := &r.window
	var x extent
	for !x.ended {
		w.advance(x.feed(w.buf))
		if len(w.buf) == 0 && !w.fill() {
			break
		}
	}
	if x.broken {
		if len(r.lists) > 0 {
			r.pending = r.reject(ReasonSyntax, w.buf, 0, errors.New("the list breaks off inside the item rejected before"))
		}
		r.leaveHere()
	}
	return rej
}

func (r *Reader) tooLong() error {
	return fmt.Errorf("longer than %d bytes", r.limits.MaxEvent)
}

func (r *Reader) tooDeep() error {
	return fmt.Errorf("%w: more than %d levels", errDepth, r.limits.MaxDepth)
}

// event makes an event of text, which is one JSON value.
func (r *Reader) event(text []byte, inEvents bool) (*Event, error) {
	if text[0] != '{' {
		return nil, r.reject(ReasonType, text, 0, errors.New("an event must be an object"))
	}
	e := &Event{Raw: bytes.Clone(text), Input: r.input, Line: r.window.line, Offset: r.window.offset}
	if at := r.planter.plant(&e.tree, e.Raw, r.limits.MaxDepth); at >= 0 {
		return nil, r.reject(ReasonDepth, text, at, r.tooDeep())
	}
	reason, err := e.fillIn(inEvents)
	if err != nil {
		return nil, r.reject(reason, text, 0, err)
	}
	if reason == reasonEmptyList {
		return nil, nil
	}
	return e, nil
}

// reasonEmptyList is no reason to reject: the object is an EventList without items.
const reasonEmptyList Reason = "empty list"

// fillIn sets the fields that repeat what is in the event. An event is unusable, and rejected, when it is not certain to
// be an audit event, or when nothing tells its time. All else is taken as it comes, since what is odd may be hostile and
// must be seen by the rules: an auditID or stage that is no string counts as absent here.
func (e *Event) fillIn(inEvents bool) (Reason, error) {
	root := e.Root()
	e.DuplicateKeys = e.tree.duplicates
	kind := root.Get("kind")
	switch {
	case kind.Kind() == String && kind.Text() == "Event":
	case kind.Kind() == String && kind.Text() == "EventList" && !inEvents:
		if k := root.Get("items").Kind(); k != Absent && k != Null {
			return ReasonType, fmt.Errorf("the items of an EventList must be an array, not %s", k)
		}
		return reasonEmptyList, nil
	case kind.Exists():
		return ReasonKind, fmt.Errorf("kind is %.40q, not Event or EventList", kind.Text())
	case !inEvents:
		return ReasonKind, errors.New("no kind; it must be Event or EventList")
	}
	stamp := root.Get("stageTimestamp")
	if stamp.Kind() != String {
		return ReasonTime, fmt.Errorf("stageTimestamp is %s, not an RFC 3339 time", stamp.Kind())
	}
	at, err := time.Parse(time.RFC3339Nano, stamp.Text())
	if err != nil {
		return ReasonTime, fmt.Errorf("stageTimestamp %.40q is no RFC 3339 time", stamp.Text())
	}
	e.Time = at.UTC()
	e.AuditID = textIfString(root.Get("auditID"))
	e.Stage = textIfString(root.Get("stage"))
	return "", nil
}

func textIfString(v Value) string {
	if v.Kind() != String {
		return ""
	}
	return v.Text()
}

// fault is an error in a value so many bytes from its begin.
type fault struct {
	reason Reason
	at     int
	err    error
}

func (f *fault) Error() string { return f.err.Error() }

// errMore says that a value goes on behind the bytes at hand.
var errMore = errors.New("the value goes on")

// attempt judges the value at the begin of text. The error is errMore or a *fault. A value that is only no good as UTF-8
// comes with its size.
func (r *Reader) attempt(walk walker, text []byte) (walked, error) {
	got, err := walk(r.decode(text, strict))
	if err == nil {
		return got, nil
	}
	first := faultIn(err)
	if first == nil {
		return walked{}, errMore
	}
	if first.reason == ReasonDepth {
		return walked{}, first
	}
	// Is it JSON but for the UTF-8? Then it costs this value and not the document.
	got, err = walk(r.decode(text, lenient))
	if err != nil {
		if f := faultIn(err); f != nil {
			return walked{}, f
		}
		return walked{}, errMore
	}
	if got.opensList {
		return got, nil // what an EventList says besides its items is not used
	}
	first.reason = ReasonUTF8
	return got, first
}

// decode returns the decoder at the begin of text.
func (r *Reader) decode(text []byte, options []jsontext.Options) *jsontext.Decoder {
	r.bytes = *bytes.NewBuffer(text) // jsontext reads a bytes.Buffer in place
	r.decoder.Reset(&r.bytes, options...)
	return &r.decoder
}

// faultIn returns the fault that an error of jsontext tells; nil when it only tells that the bytes ended.
func faultIn(err error) *fault {
	var s *jsontext.SyntacticError
	if !errors.As(err, &s) {
		return nil // io.EOF
	}
	switch s.Err {
	case io.ErrUnexpectedEOF:
		return nil
	case errNesting():
		return &fault{ReasonDepth, int(s.ByteOffset), fmt.Errorf("%w: more than %d levels", errDepth, maxDepth)}
	}
	err = s.Err
	if s.JSONPointer != "" {
		err = fmt.Errorf("%w within %.80q", err, s.JSONPointer)
	}
	return &fault{ReasonSyntax, int(s.ByteOffset), err}
}

// errNesting is jsontext's error for too deep nesting, which it does not export.
var errNesting = sync.OnceValue(func() error {
	text := strings.Repeat("[", maxDepth+1)
	_, err := jsontext.NewDecoder(strings.NewReader(text)).ReadValue()
	var s *jsontext.SyntacticError
	if errors.As(err, &s) {
		return s.Err
	}
	return errDepth
})

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
