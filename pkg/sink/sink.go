package sink

import (
	"context"

	"github.com/kubewitness/kubewitness/pkg/record"
)

// Sink takes events with their detections. One Write runs at a time; the other
// methods may be called beside it.
type Sink interface {
	// Name tells sinks apart: in the log's cursors, in metrics, in messages.
	Name() string
	// Write writes the detections of events, in their order as far as the sink keeps
	// one. Errors are Recoverable or Permanent, for errors.As. It does not write to the
	// events, and keeps them no longer than until they are settled.
	Write(ctx context.Context, events []*record.Event) error
	// Close lets go of files and connections. A Write after it is Recoverable.
	Close() error
}

// Counted is a sink that counts.
type Counted interface {
	Sink
	Counters() Counters
}

// Counters count since the sink was made. What a sink has not is 0.
type Counters struct {
	Writes   uint64 // that returned nil
	Failed   uint64 // writes that have to come again: Recoverable
	Rejected uint64 // writes that were Permanent
	Events   uint64 // events of writes that returned nil, without Repeated
	Repeated uint64 // events left out because they had been written before

	Detections uint64 // detections written
	Skipped    uint64 // detections left out because an earlier write, which failed as a whole, had written them
	Refused    uint64 // times that a receiver refused a detection for good
	Folded     uint64 // detections that are in the count of another's line; part of Detections
	Late       uint64 // detections left out because their events came too late
	Joined     uint64 // detections left out because the other event of the same request had them before
	Bytes      uint64 // of lines and requests written

	Completed uint64 // broken lines of a file that were ended by a line break
	Withdrawn uint64 // half-written deliveries that were taken back out of a file
	Reopened  uint64 // times that a file was opened anew
}
