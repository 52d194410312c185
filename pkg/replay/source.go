package replay

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// Stdin is the name of the input that stands for standard input.
const Stdin = "-"

// Source says which events to read, and as what.
type Source struct {
	Inputs   []string // files, or Stdin
	Stdin    io.Reader
	Strict   bool   // of two equal keys the first counts, as in Falco; give the matcher the same
	Cluster  string // the cluster that the events are from; "": the one that they tell, or none
	Hostname string // evt.hostname
	Limits   audit.Limits
	Entries  audit.Converter        // what makes events of a log service's entries; may be nil
	Rejected func(*audit.Rejection) // for each item refused; may be nil
}

// InputError is an input that could not be read, or not to its end.
type InputError struct {
	Input string
	Err   error
}

// Error names the input.
func (e *InputError) Error() string {
	if pe := (*fs.PathError)(nil); errors.As(e.Err, &pe) && pe.Path == e.Input {
		return e.Err.Error() // it names the file itself
	}
	return e.Input + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *InputError) Unwrap() error { return e.Err }

// open opens an input; close is a no-op for standard input.
func (s *Source) open(name string) (r io.Reader, close func() error, err error) {
	if name == Stdin {
		return s.Stdin, func() error { return nil }, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, &InputError{Input: name, Err: err}
	}
	return f, f.Close, nil
}

// totalSize adds up the files; 0 when one of the inputs has no size.
func (s *Source) totalSize() int64 {
	var total int64
	for _, name := range s.Inputs {
		st, err := os.Stat(name)
		if name == Stdin || err != nil || !st.Mode().IsRegular() {
			return 0
		}
		total += st.Size()
	}
	return total
}

// mark is what the events of a source count from.
type mark struct {
	num   uint64    // events before
	first time.Time // time of the first event of all
}

// context sets c to the next event and moves the mark over it.
func (s *Source) context(c *field.Context, e *audit.Event, m *mark) {
	e.Cluster = cmp.Or(s.Cluster, e.Cluster)
	if s.Strict && e.DuplicateKeys {
		firstKeys(e)
	}
	if m.num++; m.num == 1 {
		m.first = e.Time
	}
	*c = field.Context{Event: e, Num: m.num, First: m.first, Hostname: s.Hostname}
}

// firstKeys takes the envelope's members from the first of equal keys, which
// is where Falco's parser finds them.
func firstKeys(e *audit.Event) {
	root := e.Root().FirstKeys()
	e.AuditID = root.Get("auditID").Text()
	e.Stage = root.Get("stage").Text()
	if t, err := time.Parse(time.RFC3339Nano, root.Get("stageTimestamp").Text()); err == nil {
		e.Time = t.UTC()
	}
}

// Events calls f for every event, one after the other. It ends at the first
// error: the context's, f's, or an [InputError].
func Events(ctx context.Context, s Source, f func(*field.Context) error) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	var m mark
	for _, name := range s.Inputs {
		if err := s.events(ctx, s.read(reading, name), &m, f); err != nil {
			return err
		}
	}
	return nil
}

// found is what an input has next.
type found struct {
	event *audit.Event
	err   error // an *audit.Rejection, or how the input ended: io.EOF or an *InputError
}

// read reads an input in a goroutine of its own, so that one that gives
// nothing keeps nobody from leaving.
func (s *Source) read(ctx context.Context, name string) <-chan found {
	to := make(chan found, 1)
	go func() {
		src, closeInput, err := s.open(name)
		if err != nil {
			to <- found{err: err}
			return
		}
		defer closeInput()
		r := audit.NewReader(src, name, s.Limits)
		if s.Entries != nil {
			r.ConvertWith(s.Entries)
		}
		for {
			e, err := r.Next()
			rej := (*audit.Rejection)(nil)
			end := err != nil && !errors.As(err, &rej)
			if end && err != io.EOF {
				err = &InputError{Input: name, Err: err}
			}
			select {
			case to <- found{e, err}:
			case <-ctx.Done():
				return
			}
			if end {
				return
			}
		}
	}()
	return to
}

func (s *Source) events(ctx context.Context, from <-chan found, m *mark, f func(*field.Context) error) error {
	for {
		var next found
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case next = <-from:
		}
		var rej *audit.Rejection
		switch {
		case next.err == nil:
			var c field.Context
			s.context(&c, next.event, m)
			if err := f(&c); err != nil {
				return err
			}
		case next.err == io.EOF:
			return nil
		case errors.As(next.err, &rej):
			if s.Rejected != nil {
				s.Rejected(rej)
			}
		default:
			return next.err
		}
	}
}
