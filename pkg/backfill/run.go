package backfill

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
)

// Source is what events say they were taken in by.
const Source = "import"

// maxAhead is how far in the future an event's own time may lie, as it is for events
// that come in live.
const maxAhead = time.Hour

// Sink is where the events go: *embedded.Sink.
type Sink interface {
	Write(ctx context.Context, events []*record.Event) error
	Sync(ctx context.Context) error // what Write took is on disk
	Counters() sink.Counters
}

// Config says how to read, judge and store.
//
// Rejected and Progress are called from the goroutine that called Run.
type Config struct {
	Judge     *judge.Judge
	Sink      Sink // nobody else writes to it meanwhile: its counts are read
	Workers   int  // goroutines that judge; 0: one
	Limits    audit.Limits
	Cluster   string                 // the cluster that the events are from; "": the one that they tell, or none
	Labels    map[string]string      // of the cluster, besides those that events tell
	Entries   audit.Converter        // what makes events of a log service's entries; may be nil
	Retention time.Duration          // older events are filed under the time of the import; 0: all under their own
	Rejected  func(*audit.Rejection) // for each item refused; may be nil
	Progress  func(Progress)         // from time to time; may be nil
	Now       func() time.Time       // called from several goroutines
}

// Progress tells how far a backfill is.
type Progress struct {
	Bytes    int64 // read so far, as stored (compressed where the inputs are)
	Total    int64 // of all inputs; 0 when it cannot be known
	Events   int64 // read and settled: stored, or known
	Known    int64 // of these were in the store already
	Rejected int64
	From, To time.Time // the earliest and latest time of an event; zero before the first
	Elapsed  time.Duration
}

// Run puts what the inputs hold into the sink and ends with a Sync. The summary tells
// what is on disk also where the error is set: the context's, the sink's, or the
// [InputError] of each input that could not be read, joined; the other inputs are read
// all the same. A run that has ended early may be done again: what is stored is known
// by then.
func Run(ctx context.Context, cfg Config, inputs []Input) (*Summary, error) {
	r := &run{Config: cfg, inputs: inputs, start: cfg.Now(), before: cfg.Sink.Counters(), summary: newSummary()}
	r.total = totalSize(inputs)
	err := r.all(ctx)
	// What was written is worth keeping however it ended.
	if syncErr := cfg.Sink.Sync(context.WithoutCancel(ctx)); syncErr != nil {
		r.summary.Unsynced = true
		err = errors.Join(err, fmt.Errorf("backfill: what was written is not on disk for certain; import it again: %w", syncErr))
	}
	r.count()
	r.summary.Elapsed = cfg.Now().Sub(r.start)
	return r.summary, errors.Join(append(r.unreadable, err)...)
}

type run struct {
	Config
	inputs     []Input
	start      time.Time
	reported   time.Time     // of the last progress
	before     sink.Counters // of the sink
	total      int64
	bytes      atomic.Int64
	summary    *Summary
	unreadable []error // inputs, and events that no store can hold
}

// all runs a reader, the workers and, here, the writer. A batch waits in two places
// at most, so that memory is bounded by the number of workers.
func (r *run) all(ctx context.Context) error {
	parent := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := max(1, r.Workers)
	read, judged := make(chan *batch, 1), make(chan *batch, 1)
	go r.read(ctx, read)
	var working sync.WaitGroup
	for range workers {
		working.Go(func() { r.work(ctx, read, judged) })
	}
	go func() {
		working.Wait()
		close(judged)
	}()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(parent)
		case b, more := <-judged:
			switch {
			case parent.Err() != nil:
				return context.Cause(parent)
			case !more:
				return nil
			}
			if err := r.settle(ctx, b); err != nil {
				return err
			}
		}
	}
}

// settle stores a batch and counts it.
func (r *run) settle(ctx context.Context, b *batch) error {
	for _, rej := range b.rejections {
		r.summary.Rejected[rej.Reason]++
		if r.Rejected != nil {
			r.Rejected(rej)
		}
	}
	if b.err != nil {
		r.unreadable = append(r.unreadable, b.err)
	}
	if len(b.unreadable) > 0 {
		return fmt.Errorf("backfill: %w", errors.Join(b.unreadable...))
	}
	if len(b.judged) > 0 {
		if err := r.store(ctx, b.judged); err != nil {
			return err
		}
	}
	r.count()
	r.progress()
	return nil
}

// store stores events. What no store can hold is told and counted, and keeps nobody
// from going on.
func (r *run) store(ctx context.Context, events []*record.Event) error {
	before := r.Sink.Counters()
	// A batch is written whole or not at all as far as a signal is concerned.
	err := r.Sink.Write(context.WithoutCancel(ctx), events)
	var permanent sink.Permanent
	switch {
	case errors.As(err, &permanent):
		after := r.Sink.Counters()
		r.summary.Unstorable += int64(len(events)) - int64(after.Events+after.Repeated-before.Events-before.Repeated)
		r.unreadable = append(r.unreadable, fmt.Errorf("backfill: %w", err))
	case err != nil:
		return fmt.Errorf("backfill: storing events: %w", err)
	}
	for _, e := range events {
		r.summary.add(e)
	}
	return nil
}

// count takes over what the sink and the reader count.
func (r *run) count() {
	now := r.Sink.Counters()
	r.summary.Known = int64(now.Repeated - r.before.Repeated)
	r.summary.Events = int64(now.Events-r.before.Events) + r.summary.Known
	r.summary.Bytes = r.bytes.Load()
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
	s := r.summary
	r.Progress(Progress{
		Bytes: s.Bytes, Total: r.total, Events: s.Events, Known: s.Known, Rejected: s.Refused(),
		From: s.From, To: s.To, Elapsed: now.Sub(r.start),
	})
}
