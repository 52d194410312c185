// Package sink says what a sink is: whatever detections go out to.
//
// It holds the contract between sinks and what feeds them, and what is the same
// for all of them: that an event that comes again is not written again, and what
// is counted. The sinks themselves are packages below. The durable log stays out:
// who feeds a sink turns its errors into the log's.
//
// # Promise
//
// Write returns nil when all detections of the events are where they belong: on
// disk, taken by the receiver, or handed to the kernel for a stream. So a cursor
// that moves after it loses nothing. What failed comes again as a whole and may be
// written twice only where nobody can know whether it was written: after a crash, a
// lost answer, or a disk that broke.
package sink
