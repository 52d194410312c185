package store

import (
	"errors"
	"fmt"
	"time"
)

// ErrStop, returned by a function that takes rows, ends a query without an error.
var ErrStop = errors.New("store: no more rows are wanted")

// ErrClosed is the error of all that is asked of a store after Close.
var ErrClosed = errors.New("store: it is closed")

// InUse is the error of Open when another process, or another store of this one, has
// the folder.
type InUse struct {
	Dir string
	PID string // of the process that has it, as it wrote it down; may be empty
}

// Error says what is wrong and what to do.
func (e InUse) Error() string {
	who := "another process"
	if e.PID != "" {
		who = "process " + e.PID
	}
	return fmt.Sprintf("store: %s is in use by %s; stop that, or ask it", e.Dir, who)
}

// TooNew is the error of Open when a later version of the program wrote the folder.
type TooNew struct {
	Dir           string
	Format, Knows int
}

// Error says what is wrong and what to do.
func (e TooNew) Error() string {
	return fmt.Sprintf("store: %s has format %d, and this version of the program knows formats up to %d; "+
		"start the later version again, or move the folder away to begin a new one", e.Dir, e.Format, e.Knows)
}

// ReadOnly is the error of Write while less than the floor of the disk is free.
// Nothing has been stored; it may be tried again later.
type ReadOnly struct {
	Dir         string
	Free, Floor int64 // bytes
}

// Error says what is wrong and what to do.
func (e ReadOnly) Error() string {
	return fmt.Sprintf("store: %d bytes are free on the disk of %s and %d are to stay free; "+
		"make room, or keep rows for a shorter time", e.Free, e.Dir, e.Floor)
}

// OutOfRetention is the error of Write when the times of rows are older than the store
// keeps, or too far in the future. All other rows have been written; these have not
// and will not be with these times.
type OutOfRetention struct {
	Rows         []int     // their places in the batch, ascending
	Least, Most  time.Time // the times that the store takes
	First, Newer time.Time // the oldest and the newest of those rows
}

// Error says what is wrong and what to do.
func (e OutOfRetention) Error() string {
	return fmt.Sprintf("store: %d rows of %s to %s are not within %s to %s, which the store keeps; file them under another time",
		len(e.Rows), stamp(e.First), stamp(e.Newer), stamp(e.Least), stamp(e.Most))
}

// BadRow is the error of Write for a row that no store can hold. Nothing of the batch
// has been stored.
type BadRow struct {
	Row int // its place in the batch
	Why string
}

// Error says what is wrong and what to do.
func (e BadRow) Error() string { return fmt.Sprintf("store: row %d of the batch %s", e.Row, e.Why) }

// BadPattern is the error of a query with a Regexp that is none.
type BadPattern struct {
	Pattern string
	Err     error
}

// Error says what is wrong and what to do.
func (e BadPattern) Error() string {
	return fmt.Sprintf("store: %q is not a regular expression: %v", e.Pattern, e.Err)
}

// Unwrap is what the parser of patterns says.
func (e BadPattern) Unwrap() error { return e.Err }

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
