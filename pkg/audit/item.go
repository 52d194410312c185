package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// item reads the value at the position, which must be an event or, outside of lists of events, can be an EventList.
func (r *Reader) item(inEvents bool) (*Event, error) {
	walk := walkDocument
	if inEvents {
		walk = walkEvent
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
	return r.event(got, inEvents)
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
	return string(unquote(text)), nil
}

// judge finds the end of the value at the position, reading on as needed, and rejects the value when it is no JSON or
// beyond the limits.
func (r *Reader) judge(walk walker) (walked, error) {
	var x extent
	for {
		text, last := r.visible()
		got, f := r.attempt(walk, text)
		switch {
		case f == nil && (last || got.size < len(text) || !isDigit(text[got.size-1])):
			if int64(got.size) > r.limits.MaxEvent {
				return walked{}, r.passOver(r.reject(ReasonSize, text, 0, r.tooLong()), len(text))
			}
			return got, nil
		case f != nil && f != &more:
			return walked{}, r.refuse(got, f, text)
		case last && len(text) == len(r.window.buf) && r.window.err != io.EOF:
			return walked{}, r.end()
		case last:
			return walked{}, r.refuse(got, &fault{ReasonSyntax, len(text), io.ErrUnexpectedEOF}, text)
		case int64(len(text)) > r.limits.MaxEvent:
			return walked{}, r.passOver(r.reject(ReasonSize, text, 0, r.tooLong()), len(text))
		}
		r.gather(&x, 2*len(text))
	}
}

// visible returns the bytes from the position on that a value may take, as far as they are read, and one more than the
// limit at most; last tells that there will be no more.
//
// That is the whole input, unless too much was already read in vain: bytes are judged again when lines look like the
// begin of a document of many lines and are not, and a hostile input could make every line look so. From then on every
// line must be a document.
func (r *Reader) visible() (text []byte, last bool) {
	w := &r.window
	text, last = w.buf, w.err != nil
	if r.vain > w.offset+4*r.limits.MaxEvent {
		if n := bytes.IndexByte(text, '\n'); n >= 0 {
			text, last = text[:n], true
		}
	}
	if most := r.limits.MaxEvent + 1; int64(len(text)) > most {
		text, last = text[:most], false
	}
	return text, last
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
		return r.passOver(rej, f.at)
	default:
		r.window.advance(got.size)
	}
	return rej
}

// passOver moves behind the value at the position, of which so many bytes were judged, without judging it further. It
// returns the value's rejection.
func (r *Reader) passOver(rej *Rejection, judged int) error {
	w := &r.window
	var x extent
	for !x.ended {
		w.advance(x.feed(w.buf))
		if len(w.buf) == 0 && !w.fill() {
			break
		}
	}
	if x.broken {
		r.vain += int64(judged)
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
	return fmt.Errorf("more than %d levels", r.limits.MaxDepth)
}

// event makes an event of the value at the position.
//
// An event is rejected when it is not certain to be an audit event, and when nothing tells its time. All else is taken
// as it comes, since what is odd may be hostile and must be seen by the rules: an auditID or stage that is no string
// counts as absent here.
func (r *Reader) event(got walked, inEvents bool) (*Event, error) {
	w := &r.window
	text := w.buf[:got.size]
	refuse := func(reason Reason, cause error) error { return r.reject(reason, text, 0, cause) }
	if text[0] != '{' {
		return nil, refuse(ReasonType, errors.New("an event must be an object"))
	}
	if got.kind == kindEventList && !inEvents {
		return nil, r.noItems(got, text)
	}
	if got.kind == kindAbsent && !inEvents && r.converter != nil {
		if err := r.convert(text); !errors.Is(err, ErrForeign) {
			return nil, err
		}
	}
	if got.kind != kindEvent && !(got.kind == kindAbsent && inEvents) {
		return nil, refuse(ReasonKind, wrongKind(got, text))
	}
	at, err := stageTime(got.members.stageTimestamp.in(text))
	if err != nil {
		return nil, refuse(ReasonTime, err)
	}
	if r.limits.MaxDepth < maxDepth {
		if at := tooDeep(text, r.limits.MaxDepth); at >= 0 {
			return nil, r.reject(ReasonDepth, text, at, r.tooDeep())
		}
	}
	e := r.newEvent()
	raw := text[:len(text):len(text)]
	if !r.inPlace {
		raw = bytes.Clone(text)
	}
	r.fill(e, raw, got, at)
	return e, nil
}

// fill makes e the event at the position that raw is, of which is known what got says. A Batch uses e again: what only
// converted events have is never set there.
func (r *Reader) fill(e *Event, raw []byte, got walked, at time.Time) {
	e.Raw, e.AuditID, e.Stage, e.Time = raw, stringIn(got.members.auditID.in(raw)), stringIn(got.members.stage.in(raw)), at
	e.DuplicateKeys, e.Review, e.Input, e.Line, e.Offset = got.duplicates, "", r.input, r.window.line, r.window.offset
	e.tree.raw, e.tree.duplicates = raw, got.duplicates
	if got.planted {
		e.tree.nodes, e.tree.members = append(e.tree.nodes[:0], r.glance.nodes...), r.glance.members
	}
	if !got.duplicates { // else there may be several of a body
		e.tree.bodies[0].span, e.tree.bodies[1].span = got.members.requestObject, got.members.responseObject
	}
}

// noItems judges an EventList that has no array of items: it may have none at all, or null.
func (r *Reader) noItems(got walked, text []byte) error {
	items := got.members.items.in(text)
	if len(items) == 0 || items[0] == 'n' {
		return nil
	}
	return r.reject(ReasonType, text, 0, errors.New("the items of an EventList must be an array"))
}

// wrongKind returns the error for an object that is no event.
func wrongKind(got walked, text []byte) error {
	if got.kind == kindAbsent {
		return errors.New("no kind; it must be Event or EventList")
	}
	return fmt.Errorf("kind is %.40s; it must be Event or EventList", got.members.kind.in(text))
}

// stageTime returns the time in a member as it stands in the source.
func stageTime(member []byte) (time.Time, error) {
	if len(member) == 0 {
		return time.Time{}, errors.New("no stageTimestamp")
	}
	if member[0] == '"' {
		if t, err := time.Parse(time.RFC3339Nano, stringIn(member)); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("stageTimestamp %.40s is no RFC 3339 time", member)
}

// stringIn returns the content of a member as it stands in the source; "" if it is no string.
func stringIn(member []byte) string {
	if len(member) == 0 || member[0] != '"' {
		return ""
	}
	if bytes.IndexByte(member, '\\') < 0 {
		return alias(member[1 : len(member)-1])
	}
	return alias(unquote(member))
}

// fault is an error in a value so many bytes from its begin.
type fault struct {
	reason Reason
	at     int
	err    error
}

// more is the fault of a value that goes on behind the bytes at hand.
var more fault

// attempt judges the value at the begin of text. A value that is only no good as UTF-8 comes with its size.
func (r *Reader) attempt(walk walker, text []byte) (walked, *fault) {
	if walk != walkValue {
		if got, ok := r.glance.read(text, walk == walkDocument, r.inPlace); ok {
			return got, nil
		}
	}
	got, err := walk.read(r.scanner.at(text, strict))
	if err == nil {
		return got, nil
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		got, err = walk.read(r.scanner.at(text, duplicates))
		got.duplicates = true
		if err == nil {
			return got, nil
		}
	}
	first := faultIn(err)
	if first.reason != ReasonSyntax {
		return walked{}, first
	}
	// Is it JSON but for the UTF-8? Then it costs this value and not the document.
	got, err = walk.read(r.scanner.at(text, lenient))
	switch {
	case err != nil:
		return walked{}, faultIn(err)
	case got.opensList:
		return got, nil // what an EventList says besides its items is not used
	case utf8.Valid(text[:got.size]):
		// Halves of surrogate pairs, spelled as escapes: the API server takes and logs them in a patch, so refusing them
		// would be a way to hide.
		_, err = walk.read(r.scanner.at(text, halves))
		got.duplicates = errors.Is(err, jsontext.ErrDuplicateName)
		return got, nil
	}
	first.reason = ReasonUTF8
	return got, first
}

// faultIn returns the fault that an error of jsontext tells; &more when it only tells that the bytes ended.
func faultIn(err error) *fault {
	var s *jsontext.SyntacticError
	if !errors.As(err, &s) {
		return &more // io.EOF
	}
	switch s.Err {
	case io.ErrUnexpectedEOF:
		return &more
	case errNesting():
		return &fault{ReasonDepth, int(s.ByteOffset), fmt.Errorf("more than %d levels", maxDepth)}
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
	return errors.New("unknown")
})

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
