package audit

import (
	"errors"
	"fmt"
	"sync"
)

// Converter makes events of items that are none themselves: of the entries in which a log service wraps them. It is used
// by one [Reader] at a time.
type Converter interface {
	// Concerns tells whether a piece of an input may hold such items. It is quick, and true in vain now and then.
	Concerns(piece []byte) bool
	// Convert returns the events that an object without a kind holds: none when it is passed over, or kept until what
	// belongs to it has come. The error is [ErrForeign] for an object that is nothing of the converter's, else what is
	// wrong with the item; events may come with it. The item must not be kept.
	Convert(item []byte) ([]Converted, error)
	// Flush returns the events of what was kept. It is called at the end of an input.
	Flush() []Converted
}

// Converted is an event that a [Converter] made.
type Converted struct {
	Raw      []byte            // one JSON object of kind Event, on one line
	Cluster  string            // as in [Event]
	Labels   map[string]string // as in [Event]
	Identity Identity          // that of what it was made of
}

// checkers are readers that read nothing and know whether bytes are an event.
var checkers = sync.Pool{New: func() any {
	r := new(Reader)
	r.reset(Limits{})
	return r
}}

// Event reads what was converted as an event that came as it is; for who has no [Reader]. The event keeps Raw.
func (c Converted) Event() (*Event, error) {
	r := checkers.Get().(*Reader)
	defer checkers.Put(r)
	return r.converted(c)
}

// ErrForeign is a [Converter]'s error for an item that is not for it.
var ErrForeign = errors.New("not for this converter")

// ConvertWith lets the reader take what a converter makes of items that are no events. Such events have the place of the
// item that completed them, and the limits hold for the item. It must be called before the first Next.
func (r *Reader) ConvertWith(c Converter) { r.converter = c }

// convert hands the item at the position to the converter and keeps the events for the next calls of Next.
func (r *Reader) convert(text []byte) error {
	made, err := r.converter.Convert(text)
	if errors.Is(err, ErrForeign) {
		return err
	}
	if brokenErr := r.keep(made); err == nil {
		err = brokenErr
	}
	if err != nil {
		return r.reject(ReasonEntry, text, 0, err)
	}
	return nil
}

// flush takes what the converter has kept, at the end of the input.
func (r *Reader) flush() {
	if r.converter != nil {
		_ = r.keep(r.converter.Flush()) // what it makes is valid; there is no place to tell otherwise
	}
}

// keep makes events of what was converted.
func (r *Reader) keep(made []Converted) (err error) {
	for _, c := range made {
		e, eventErr := r.converted(c)
		if eventErr != nil {
			err = eventErr
			continue
		}
		r.ready = append(r.ready, e)
	}
	return err
}

// converted reads an event that was converted as one that came as it is.
func (r *Reader) converted(c Converted) (*Event, error) {
	got, f := r.attempt(walkEvent, c.Raw)
	switch {
	case f != nil && f.err != nil:
		return nil, fmt.Errorf("the converted event: %w", f.err)
	case f != nil || got.size != len(c.Raw) || got.kind != kindEvent:
		return nil, errors.New("the converted event is none")
	}
	at, err := stageTime(got.members.stageTimestamp.in(c.Raw))
	if err != nil {
		return nil, fmt.Errorf("the converted event: %w", err)
	}
	e := new(Event)
	r.fill(e, c.Raw, got, at)
	e.Cluster, e.Labels, e.SourceID = c.Cluster, c.Labels, c.Identity
	return e, nil
}
