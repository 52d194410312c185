package gcp

import (
	"errors"
	"fmt"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// Result is the event that an entry holds.
type Result struct {
	Raw      []byte            // one JSON object, audit.k8s.io/v1 Event, on one line
	Cluster  string            // name of the cluster; "" when the entry names none, or something that is no name of one
	Labels   map[string]string // project_id, location, cluster_name, as far as known
	Identity audit.Identity    // of the entry: the same for each conversion of it, whatever becomes of the conversion
	Time     time.Time         // stageTimestamp, UTC, microseconds

	Truncated bool // parts of the entry were missing
}

// Converted is the event for who reads it.
func (r Result) Converted() audit.Converted {
	return audit.Converted{Raw: r.Raw, Cluster: r.Cluster, Labels: r.Labels, Identity: r.Identity}
}

// NotKubernetes is the error for an entry that is no audit entry of the Kubernetes API: of another log, or of another
// service, such as container.googleapis.com, the API that makes and deletes clusters. It is no fault of the entry.
type NotKubernetes struct {
	What string // the service, or the end of the log's name; a word for all others
}

// Error names the service or log.
func (e *NotKubernetes) Error() string {
	return fmt.Sprintf("gcp: no audit entry of the Kubernetes API but of %q", e.What)
}

// Malformed is the error for an entry of which no event can be made although it should be one.
type Malformed struct {
	Err error // what is wrong
}

// Error tells what is wrong.
func (e *Malformed) Error() string { return "gcp: malformed log entry: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *Malformed) Unwrap() error { return e.Err }

func malformed(format string, args ...any) error { return &Malformed{fmt.Errorf(format, args...)} }

// Converter converts entries, each for itself. It holds nothing and may be used by several goroutines.
//
// An entry that is a part of a larger one (LogEntry.split) gives an event that is marked as truncated; a [Stream] puts the
// parts together first.
type Converter struct{}

// Convert converts one LogEntry, spelled as JSON by Google's rules for protocol buffers. The error is a [*NotKubernetes]
// or a [*Malformed]. The result shares no memory with entry.
func (Converter) Convert(entry []byte) (Result, error) {
	v, err := audit.ParseValue(entry)
	if err != nil {
		return Result{}, &Malformed{err}
	}
	e, err := readEntry(v)
	if err != nil {
		return Result{}, err
	}
	return e.result()
}

// caught makes a defect of the conversion one entry's alone, of which it tells no more: what
// the panic says may be made of the entry.
func caught(err *error) {
	if p := recover(); p != nil {
		*err = &Malformed{fmt.Errorf("the conversion failed with a %T; a defect of this program", p)}
	}
}

// rebuilt makes the event of an entry that holds none. It is a variable so that a test can
// give it a defect.
var rebuilt = func(e *entry) []byte { return newEvent(e).append(nil) }

// result makes the event of an entry.
func (e *entry) result() (r Result, err error) {
	defer caught(&err)
	r = Result{Cluster: e.cluster(), Labels: e.clusterLabels(), Identity: e.identity(), Time: e.at.Truncate(time.Microsecond), Truncated: e.part.missing()}
	if e.native.Exists() {
		r.Raw = append(r.Raw, e.native.Compact()...)
		at, err := time.Parse(time.RFC3339Nano, e.native.Get("stageTimestamp").Text())
		if err != nil {
			return Result{}, &Malformed{errors.New("the audit event in jsonPayload has no stageTimestamp")}
		}
		r.Time = at.UTC()
		return r, nil
	}
	r.Raw = rebuilt(e)
	return r, nil
}
