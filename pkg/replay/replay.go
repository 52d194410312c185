package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// Stdin is the name of the input that stands for standard input.
const Stdin = "-"

// Options say what to replay and what to do with what is found. Alert is
// called in the order of the events, all callbacks from one goroutine.
type Options struct {
	Inputs   []string // files, or Stdin
	Stdin    io.Reader
	Matcher  *match.Matcher
	Strict   bool   // of two equal keys the first counts, as in Falco; give the matcher the same
	Cluster  string // the cluster that the events are from; "" where they tell none
	Hostname string // evt.hostname
	Limits   audit.Limits

	Alert    func(*alert.Alert) error // an error ends the replay
	Rejected func(*audit.Rejection)   // for each item refused; may be nil
	Fault    func(*audit.Event, match.Fault)
	Progress func(Progress) // from time to time; may be nil
	Now      func() time.Time
}

// Progress tells how far a replay is.
type Progress struct {
	Bytes   int64 // read so far, as stored (compressed where the files are)
	Total   int64 // of all inputs; 0 when it can not be known
	Events  int64
	Alerts  int64
	Elapsed time.Duration
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

// Run replays the inputs one after the other. The summary covers what was
// read also where the error is set: the context's, the one Alert returned, or
// the [InputError] of each input that could not be read, joined; the other
// inputs are read all the same.
func Run(ctx context.Context, opt Options) (*Summary, error) {
	r := &run{Options: opt, summary: newSummary(), start: opt.Now()}
	r.total = totalSize(opt.Inputs)
	var unreadable []error
	var err error
	for _, input := range opt.Inputs {
		err = r.input(ctx, input)
		if ie := (*InputError)(nil); errors.As(err, &ie) {
			unreadable = append(unreadable, ie)
			err = nil
		}
		if err != nil {
			break
		}
	}
	r.summary.Elapsed = opt.Now().Sub(r.start)
	return r.summary, errors.Join(append(unreadable, err)...)
}

type run struct {
	Options
	summary  *Summary
	start    time.Time
	reported time.Time // of the last progress
	total    int64
	done     int64 // bytes of the inputs before this one
	first    time.Time
}

// totalSize adds up the files; 0 when one of the inputs has no size.
func totalSize(inputs []string) int64 {
	var total int64
	for _, name := range inputs {
		st, err := os.Stat(name)
		if name == Stdin || err != nil || !st.Mode().IsRegular() {
			return 0
		}
		total += st.Size()
	}
	return total
}

func (r *run) input(ctx context.Context, name string) error {
	src := r.Stdin
	if name != Stdin {
		f, err := os.Open(name)
		if err != nil {
			return &InputError{Input: name, Err: err}
		}
		defer f.Close()
		src = f
	}
	feed := newFeed(ctx, audit.NewReader(src, name, r.Limits))
	defer feed.stop()
	for {
		batch, err := feed.next(ctx)
		if err != nil {
			return err
		}
		for i := range batch.items {
			if err := r.item(&batch.items[i]); err != nil {
				return err
			}
		}
		r.summary.Bytes = r.done + batch.offset
		r.progress()
		if batch.err == nil {
			continue
		}
		r.done += batch.offset
		if batch.err == io.EOF {
			return nil
		}
		return &InputError{Input: name, Err: batch.err}
	}
}

func (r *run) item(it *item) error {
	if it.rejection != nil {
		r.summary.reject(it.rejection)
		if r.Rejected != nil {
			r.Rejected(it.rejection)
		}
		return nil
	}
	return r.event(it.event)
}

func (r *run) event(e *audit.Event) error {
	e.Cluster = r.Cluster
	if r.Strict && e.DuplicateKeys {
		firstKeys(e)
	}
	r.summary.Events++
	if r.summary.Events == 1 {
		r.first = e.Time
	}
	c := field.Context{Event: e, Num: uint64(r.summary.Events), First: r.first, Hostname: r.Hostname}
	res := r.Matcher.Match(&c)
	for _, f := range res.Faults {
		r.summary.Faults++
		if r.Fault != nil {
			r.Fault(e, f)
		}
	}
	for _, d := range res.Detections {
		r.summary.detect(d)
		if err := r.Alert(&alert.Alert{Event: e, Detection: d}); err != nil {
			return fmt.Errorf("replay: writing an alert: %w", err)
		}
	}
	return nil
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

// progressInterval is how often Progress is called at most.
const progressInterval = 200 * time.Millisecond

func (r *run) progress() {
	if r.Progress == nil {
		return
	}
	now := r.Now()
	if now.Sub(r.reported) < progressInterval {
		return
	}
	r.reported = now
	r.Progress(Progress{Bytes: r.summary.Bytes, Total: r.total, Events: r.summary.Events, Alerts: r.summary.Alerts, Elapsed: now.Sub(r.start)})
}
