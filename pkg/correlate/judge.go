package correlate

import (
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// Judge judges a run of events by all rules of a set: what one event tells by the
// matcher, the rest by a stream. It is for one goroutine at a time, but for Look.
type Judge struct {
	matcher *match.Matcher
	rules   *Rules
	stream  *Stream
}

// NewJudge makes a judge of a set's matcher and its stateful rules, which may be nil.
func NewJudge(m *match.Matcher, r *Rules, opt Options) *Judge {
	if r == nil {
		r = &Rules{}
	}
	return &Judge{matcher: m, rules: r, stream: NewStream(r, opt)}
}

// Judge judges the next event: its own detections, and what it made stateful rules
// find, which may be about events before it. What is found is valid until the next
// call.
func (j *Judge) Judge(c *field.Context) (match.Result, []Found) {
	res, o := j.Look(c, audit.Identity{})
	return res, j.Settle(c, o)
}

// Look is the part of Judge that can be done for many events at once. The event's identity
// is computed, where it matters, if none is given.
func (j *Judge) Look(c *field.Context, id audit.Identity) (match.Result, *Observation) {
	if looked := j.rules.Looked(); looked == nil || j.matcher.Beside() != looked {
		res := j.matcher.Match(c)
		return together(res, j.rules.Look(c, id))
	}
	var room [8]int32
	res, met := j.matcher.MatchBeside(room[:0], c)
	return res, j.rules.observe(c, id, met, nil)
}

// together adds the faults of what was looked at by itself.
func together(res match.Result, o *Observation) (match.Result, *Observation) {
	if o != nil {
		res.Faults = append(res.Faults, o.Faults...)
	}
	return res, o
}

// Settle is the part of Judge that has to be done for one event after the other.
func (j *Judge) Settle(c *field.Context, o *Observation) []Found { return j.stream.Observe(c, o) }

// Stateful tells whether there are rules for which events must be settled.
func (j *Judge) Stateful() bool { return j.rules.Len() > 0 }

// End gives what is found since no event comes any more.
func (j *Judge) End() []Found { return j.stream.End() }

// Counters are those of the stream.
func (j *Judge) Counters() Counters { return j.stream.Counters() }
