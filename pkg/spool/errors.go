package spool

import (
	"fmt"
	"time"
)

// Why the log is full; Full.Reason.
const (
	FullDisk  = "disk"  // free disk space is below Config.FreeFloor, or there is none
	FullLog   = "log"   // Config.MaxBytes are unsettled
	FullQuota = "quota" // the cluster's share of the log is used up
	FullQueue = "queue" // more is waiting to be written than Config.MaxQueued
)

// Full says that a record was not stored for want of room: HTTP 429.
type Full struct {
	Reason     string        // FullDisk, FullLog, FullQuota or FullQueue
	Detail     string        // the figures, in words
	RetryAfter time.Duration // when to try again
}

// Error implements error.
func (e Full) Error() string {
	return fmt.Sprintf("spool: full (%s): %s; try again in %v", e.Reason, e.Detail, e.RetryAfter)
}

// Unknown says that nobody knows whether a record was stored: HTTP 503, and a
// repetition that may make a duplicate. It does not unwrap: a Full that broke the
// wait is the answer to the next record, not to this one.
type Unknown struct {
	Cause error // what was waited for, or what ended the wait
}

// Error implements error.
func (e Unknown) Error() string {
	return fmt.Sprintf("spool: the record may or may not be stored: %v", e.Cause)
}

// Poisoned says that the store is broken for good: HTTP 503, not ready, and the
// process must end. A second fsync after a failed one reports a success that is
// none, so nothing is tried again before a restart has read the disk.
type Poisoned struct {
	Cause error // what broke it
}

// Error implements error.
func (e Poisoned) Error() string {
	return fmt.Sprintf("spool: broken until the next start: %v", e.Cause)
}

// Unwrap returns the cause.
func (e Poisoned) Unwrap() error { return e.Cause }

// Draining says that the log takes nothing more because it is being closed, or is
// closed: HTTP 503. The record was not stored.
type Draining struct{}

// Error implements error.
func (Draining) Error() string { return "spool: closing, nothing more is taken" }

// TooLarge says that a record exceeds Config.MaxRecord and never will be stored:
// HTTP 413.
type TooLarge struct {
	Size, Limit int // bytes
}

// Error implements error.
func (e TooLarge) Error() string {
	return fmt.Sprintf("spool: the record has %d bytes, the limit is %d; raise max_record or send less at once", e.Size, e.Limit)
}

// Recoverable is what a handler returns, anywhere in its error's chain, when the
// same delivery may succeed later. So may any error that is not Permanent; this one
// says when.
type Recoverable struct {
	After time.Duration // 0: the log backs off by itself
	Err   error
}

// Error implements error.
func (e Recoverable) Error() string { return fmt.Sprintf("recoverable: %v", e.Err) }

// Unwrap returns what was wrong.
func (e Recoverable) Unwrap() error { return e.Err }

// Permanent is what a handler returns when a delivery never will succeed. A
// delivery of several records comes again record by record, so that only those that
// fail alone become dead letters.
type Permanent struct {
	Err error
}

// Error implements error.
func (e Permanent) Error() string { return fmt.Sprintf("permanent: %v", e.Err) }

// Unwrap returns what was wrong.
func (e Permanent) Unwrap() error { return e.Err }

// InUse says that an embedded log cannot be opened because another process has it.
type InUse struct {
	Dir string // folder of the log
}

// Error implements error.
func (e InUse) Error() string {
	return fmt.Sprintf("spool: %s: another process has it open; end it first", e.Dir)
}
