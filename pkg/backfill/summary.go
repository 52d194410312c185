package backfill

import (
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// Summary counts a backfill.
type Summary struct {
	Events     int64 // read, and in the store now: those of this run, and those that were there
	Known      int64 // of these were there already
	Detections int64 // that the rules found in the events
	Redacted   int64 // events that held secrets, which are not stored
	Faults     int64 // rules that failed on an event: defects of this program
	Unstorable int64 // events that no store can hold; not part of Events
	Expired    int64 // events older than is kept, filed under the time of the import
	Ahead      int64 // events more than an hour in the future, likewise
	Bytes      int64 // read, as stored
	Elapsed    time.Duration
	From, To   time.Time // the earliest and latest time of an event; zero without any
	Rejected   map[audit.Reason]int64
	Unsynced   bool // the last Sync failed: the counts are of what was written, on disk or not
}

func newSummary() *Summary { return &Summary{Rejected: map[audit.Reason]int64{}} }

// Refused is the number of items refused, whatever the reason.
func (s *Summary) Refused() (n int64) {
	for _, c := range s.Rejected {
		n += c
	}
	return n
}

func (s *Summary) add(e *record.Event) {
	s.Detections += int64(len(e.Detections))
	s.Faults += int64(len(e.Faults))
	if len(e.Redacted) > 0 {
		s.Redacted++
	}
	switch {
	case e.Flags&record.Expired != 0:
		s.Expired++
	case e.Flags&record.Ahead != 0:
		s.Ahead++
	}
	if at := e.Event.Time; s.From.IsZero() || at.Before(s.From) {
		s.From = at
	}
	if at := e.Event.Time; at.After(s.To) {
		s.To = at
	}
}
