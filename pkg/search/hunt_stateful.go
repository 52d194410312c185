package search

import (
	"github.com/kubewitness/kubewitness/pkg/correlate"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// correlate shows an event to the rules about several events, as the service does when it
// comes: those with a time that no clock goes by are left out there too.
func (h *hunt) correlate(j *judged) {
	if !h.stateful || j.event == nil || j.event.Flags&(record.Expired|record.Ahead) != 0 {
		return
	}
	e := j.event.Event
	own := e.Time
	_, e.Time = j.event.Counts()
	defer func() { e.Time = own }()
	for _, f := range h.run.Settle(contextOf(e, h.hostname), j.seen) {
		if f.Event == e {
			j.found = append(j.found, f.Detection)
		} else {
			j.before = append(j.before, f)
		}
	}
}

// end gives what rules say since no event follows.
func (h *hunt) end(sum *Summary, yield func(*Hit, []match.Detection) error) error {
	if !h.stateful {
		return nil
	}
	return settleBefore(h.run.End(), sum, yield)
}

// settleBefore gives what is about events that were read before.
func settleBefore(found []correlate.Found, sum *Summary, yield func(*Hit, []match.Detection) error) error {
	for _, f := range found {
		sum.Hits++
		e := &record.Event{Event: f.Event, ID: f.Trigger}
		if err := yield(hitOf(e), []match.Detection{f.Detection}); err != nil {
			return err
		}
	}
	return nil
}
