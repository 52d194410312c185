package sink

import "time"

// Recoverable is what Write returns when the same events may be written later.
// So may any error that is not Permanent; this one says when.
type Recoverable struct {
	After time.Duration // how long to wait; 0: the caller backs off by itself
	Err   error
}

// Error implements error.
func (e Recoverable) Error() string { return e.Err.Error() }

// Unwrap returns what was wrong.
func (e Recoverable) Unwrap() error { return e.Err }

// Permanent is what Write returns when some of the events never will be written,
// and all others are. To find out which, write them again in smaller parts: those
// that are written already are left out.
type Permanent struct {
	Err error
}

// Error implements error.
func (e Permanent) Error() string { return e.Err.Error() }

// Unwrap returns what was wrong.
func (e Permanent) Unwrap() error { return e.Err }
