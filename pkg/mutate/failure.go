package mutate

import "fmt"

// Reason is why an object is left as it was; in counters.
type Reason string

// The reasons.
const (
	Size     Reason = "size"     // the object, or what would be done to it, is too large
	Restless Reason = "restless" // entries undo each other's work, or go on for ever
	Shape    Reason = "shape"    // it is no object as the API server has them
	Fault    Reason = "fault"    // a defect of this program
)

// Reasons are all of them.
var Reasons = []Reason{Size, Restless, Shape, Fault}

// Failure is the error for an object that is left as it was.
type Failure struct {
	Reason Reason
	Err    error
}

// Error tells what went wrong; it quotes nothing of the object but names of members.
func (f *Failure) Error() string { return "mutate: " + f.Err.Error() }

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

func failure(reason Reason, format string, args ...any) error {
	return &Failure{Reason: reason, Err: fmt.Errorf(format, args...)}
}

func shaped(pointer, want string) error { return failure(Shape, "%.200q is not %s", pointer, want) }
