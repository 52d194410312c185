package mutate

import (
	"fmt"
	"slices"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/scope"
)

// Request is a request to make an object, or to update one.
type Request struct {
	Object      audit.Value // as it would be stored
	Old         audit.Value // before an update; absent: there was none
	Subresource string
	// Event makes the event of the request, with an object in the place of its own.
	Event func(object audit.Value) (*audit.Event, error)
}

// Change is what is done to an object.
type Change struct {
	Entries []string // that did something, in the order of the file
	Patch   []byte   // RFC 6902; nil: nothing is to be changed
	Object  []byte   // as it is then
}

// Bounds.
const (
	maxObject = 3 << 20   // bytes; API servers take no more
	maxPatch  = 512 << 10 // bytes
	maxRounds = 8
)

// Apply says what is to be done to an object. The error is a [*Failure]: nothing is done.
func (f *File) Apply(r *Request) (c Change, err error) {
	defer func() {
		if p := recover(); p != nil {
			c, err = Change{}, failure(Fault, "%v", p)
		}
	}()
	var d *document
	done := make([]bool, len(f.entries))
	object := r.Object
	for range maxRounds {
		due, err := f.due(r, object)
		if err != nil {
			return c, err
		}
		if len(due) == 0 {
			return f.change(d, done), nil
		}
		if d == nil {
			if len(object.Raw()) > maxObject {
				return c, failure(Size, "the object has more than %d bytes", maxObject)
			}
			if d, err = readDocument(object); err != nil {
				return c, &Failure{Reason: Shape, Err: err}
			}
		}
		before := len(d.ops)
		if err := f.round(d, r, due, done); err != nil {
			return c, err
		}
		if len(d.ops) == before {
			return f.change(d, done), nil
		}
		if object, err = audit.ParseValue(d.encode()); err != nil {
			return c, &Failure{Reason: Shape, Err: err}
		}
	}
	return c, failure(Restless, "after %d rounds entries still change what others did: %q", maxRounds, f.names(done))
}

// round carries out the entries that are due.
func (f *File) round(d *document, r *Request, due []int, done []bool) error {
	for _, i := range due {
		t, err := targetOf(d, r)
		if t == nil || err != nil {
			return err
		}
		before := len(d.ops)
		for _, a := range f.entries[i].actions {
			if err := a.apply(t); err != nil {
				return err
			}
			if d.size > maxPatch {
				return failure(Size, "the patch has more than %d bytes", maxPatch)
			}
		}
		done[i] = done[i] || len(d.ops) > before
	}
	return nil
}

func (f *File) change(d *document, done []bool) (c Change) {
	if d == nil || len(d.ops) == 0 {
		return c
	}
	return Change{Entries: f.names(done), Patch: d.patch(), Object: d.encode()}
}

func (f *File) names(done []bool) (names []string) {
	for i, is := range done {
		if is {
			names = append(names, f.entries[i].Name)
		}
	}
	return names
}

// due are the numbers of the entries that hold for the request, were its object this one.
func (f *File) due(r *Request, object audit.Value) (due []int, err error) {
	if len(f.entries) == 0 {
		return nil, nil
	}
	e, err := r.Event(object)
	if err != nil {
		return nil, &Failure{Reason: Shape, Err: err}
	}
	hits, faults := f.matcher.Hits(nil, &field.Context{Event: e})
	if len(faults) > 0 {
		return nil, &Failure{Reason: Fault, Err: fmt.Errorf("%s: %w", faults[0].Rule.Name, faults[0].Err)}
	}
	if len(hits) == 0 && !f.always {
		return nil, nil
	}
	about := scope.RequestOf(e)
	for i := range f.entries {
		x := &f.entries[i]
		if (x.rule < 0 || slices.Contains(hits, int32(x.rule))) && x.scope.Covers(&about) {
			due = append(due, i)
		}
	}
	return due, nil
}
