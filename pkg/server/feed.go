package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/sink"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// feed hands a sink what the log delivers to its cursor, and tells the log, in
// its own terms, what became of it.
type feed struct {
	sink       sink.Counted
	out        sink.Sink // sink, or what is behind it
	detections bool      // the sink wants only events with detections
	barrier    spool.Barrier
	logger     *slog.Logger

	unreadable atomic.Uint64 // items of records that could not be read
	failing    atomic.Bool   // the last attempt failed, and that is told
}

func (f *feed) counters() sink.Counters { return f.sink.Counters() }

// run hands the sink what the log has, from the sink's cursor on.
func (f *feed) run(ctx context.Context, log *spool.Log) error {
	return log.ConsumeBehind(ctx, f.sink.Name(), f.handle, f.barrier)
}

// errUnreadable is why a record becomes a dead letter of the sink.
var errUnreadable = errors.New("the record cannot be read")

// handle settles a delivery; a spool.Handler.
func (f *feed) handle(ctx context.Context, d spool.Delivery) error {
	events, broken := f.decode(d)
	if len(events) > 0 {
		err := inLogTerms(f.sink.Write(ctx, events))
		f.tell(ctx, err)
		if err != nil {
			return err
		}
	}
	if len(broken) == 0 {
		return nil
	}
	// What could be read is written; the record, with what could not, is kept.
	f.unreadable.Add(uint64(len(broken)))
	err := errors.Join(broken...)
	f.logger.Error("record not readable, kept as a dead letter", "sink", f.sink.Name(), "sequence", d.First, "error", err)
	return spool.Permanent{Err: fmt.Errorf("%w: %w", errUnreadable, err)}
}

// tell says in the service's own log what became of a write: once when an output begins
// to fail and once when it is over, whatever the attempts between, and each time that
// one gives something up.
func (f *feed) tell(ctx context.Context, err error) {
	var never spool.Permanent
	switch {
	case err == nil:
		if f.failing.CompareAndSwap(true, false) {
			f.logger.Info("output takes what the log has again", "output", f.sink.Name())
		}
	case ctx.Err() != nil: // the service ends, or the log is opened anew
	case errors.As(err, &never):
		f.logger.Error("output will never take a record, which is kept as a dead letter", "output", f.sink.Name(), "error", err)
	case f.failing.CompareAndSwap(false, true):
		f.logger.Warn("output fails; the log keeps what it has not taken, and it is tried again", "output", f.sink.Name(), "error", err)
	}
}

func (f *feed) decode(d spool.Delivery) (events []*record.Event, broken []error) {
	for i := range d.Records {
		r := &d.Records[i]
		if r.Kind == spool.KindUnreadable {
			continue // a dead letter already
		}
		s := record.Stored{Source: r.Kind, Cluster: r.Cluster, Received: r.Received, Ruleset: r.Ruleset, Extra: r.Extra}
		for _, it := range r.Events {
			if !f.detections || len(it.Detections) > 0 {
				s.Items = append(s.Items, record.Item(it))
			}
		}
		if len(s.Items) == 0 {
			continue
		}
		some, errs := record.Decode(s)
		events, broken = append(events, some...), append(broken, errs...)
	}
	return events, broken
}

// inLogTerms turns a sink's errors into the log's. A sink's error of another kind
// is one to be tried again: the log backs off.
func inLogTerms(err error) error {
	var later sink.Recoverable
	var never sink.Permanent
	switch {
	case errors.As(err, &later):
		return spool.Recoverable{After: later.After, Err: err}
	case errors.As(err, &never):
		return spool.Permanent{Err: err}
	}
	return err
}
