package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/correlate"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// Options say what to replay and what to do with what is found.
//
// Line is called from several goroutines; its alert is only valid during the
// call. Everything else is called, and Out written, from the one goroutine
// that called Run, in the order of the input.
type Options struct {
	Source
	Matcher  *match.Matcher
	Stateful *correlate.Rules // what needs more than one event; may be nil
	Workers  int              // goroutines that decode and match

	Line     func(dst []byte, a *alert.Alert) []byte // appends an alert, without the line break
	Out      io.Writer                               // gets the lines of one or more events at a time
	Fault    func(input string, line int64, f match.Fault)
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

// Run replays the inputs one after the other. The summary covers what was
// read also where the error is set: the context's, one of writing, or the
// [InputError] of each input that could not be read, joined; the other inputs
// are read all the same.
func Run(ctx context.Context, opt Options) (*Summary, error) {
	r := &run{Options: opt, summary: newSummary(), start: opt.Now(), total: opt.totalSize()}
	r.judging = correlate.NewJudge(opt.Matcher, opt.Stateful, correlate.Options{Hostname: opt.Hostname})
	err := r.all(ctx)
	r.summary.Elapsed = opt.Now().Sub(r.start)
	return r.summary, errors.Join(append(r.unreadable, err)...)
}

type run struct {
	Options
	judging    *correlate.Judge
	summary    *Summary
	start      time.Time
	reported   time.Time // of the last progress
	total      int64
	done       int64 // bytes of the inputs before this one
	unreadable []error
}

// all runs a reader, the workers and, here, the sequencer.
func (r *run) all(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers := max(1, r.Workers)
	f := &feed{
		run:    r,
		toWork: make(chan *task, workers),
		inTurn: make(chan *task, 2*workers),
		free:   make(chan memory, 4*workers),
		last:   make(chan mark, 1),
	}
	f.last <- mark{}
	go f.read(ctx)
	for range workers {
		go r.work(ctx, f.toWork)
	}
	for {
		t, err := f.next(ctx)
		if t == nil && err == nil {
			return r.end()
		}
		if t == nil {
			return err
		}
		if err := r.settle(t); err != nil {
			cancel(err)
			return err
		}
		f.recycle(t)
	}
}

// next waits for the next task in turn to be done; nil at the end of all
// inputs, or with the error that ended the replay. A reader that waits for
// input keeps nobody from leaving.
func (f *feed) next(ctx context.Context) (*task, error) {
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case t := <-f.inTurn:
		if t == nil {
			return nil, context.Cause(ctx) // the reader also stops when the replay has ended
		}
		<-t.done
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return t, nil
	}
}

// recycle keeps a task's memory for later ones.
func (f *feed) recycle(t *task) {
	if t.batch == nil || cap(t.piece.data) > 2*pieceSize || cap(t.lines) > 2*pieceSize {
		return
	}
	select {
	case f.free <- memory{buf: t.piece.data[:0], batch: t.batch, lines: t.lines, hits: t.hits}:
	default:
	}
}

// settle writes what a task found and counts it.
func (r *run) settle(t *task) error {
	for _, rej := range t.rejections {
		r.summary.reject(rej)
		if r.Rejected != nil {
			r.Rejected(rej)
		}
	}
	for _, f := range t.faults {
		r.summary.Faults++
		if r.Fault != nil {
			r.Fault(f.input, f.line, f.fault)
		}
	}
	r.summary.Events += t.events
	if len(t.seen) > 0 {
		r.correlate(t)
	}
	if err := r.write(t.lines); err != nil {
		return err
	}
	for _, rule := range t.hits {
		r.summary.detect(rule)
	}
	r.summary.Bytes = r.done + t.read
	if t.err != nil {
		r.done += t.read
		if t.err != io.EOF {
			r.unreadable = append(r.unreadable, t.err)
		}
	}
	r.progress()
	return nil
}

func (r *run) write(lines []byte) error {
	if len(lines) == 0 {
		return nil
	}
	if _, err := r.Out.Write(lines); err != nil {
		return fmt.Errorf("replay: writing alerts: %w", err)
	}
	return nil
}

// correlate judges the events of a task by the stateful rules, and puts the alerts of
// these behind those of the event that made them fire.
func (r *run) correlate(t *task) {
	var lines []byte
	from, m := 0, t.begin
	for i := range t.seen {
		seen := &t.seen[i]
		var c field.Context
		r.context(&c, t.event(i), &m)
		found := r.judging.Settle(&c, seen.observation)
		if len(found) == 0 {
			continue
		}
		lines = append(lines, t.lines[from:seen.end]...)
		from = seen.end
		lines = r.found(lines, t, found)
	}
	if from > 0 || len(lines) > 0 {
		t.lines = append(lines, t.lines[from:]...)
	}
}

// found appends the alerts of stateful rules.
func (r *run) found(lines []byte, t *task, found []correlate.Found) []byte {
	for _, f := range found {
		t.hits = append(t.hits, f.Detection.Rule)
		lines = append(r.Line(lines, &alert.Alert{Event: f.Event, Detection: f.Detection}), '\n')
	}
	return lines
}

// end tells what is found since no event comes any more.
func (r *run) end() error {
	var t task
	if err := r.write(r.found(nil, &t, r.judging.End())); err != nil {
		return err
	}
	for _, rule := range t.hits {
		r.summary.detect(rule)
	}
	return nil
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
