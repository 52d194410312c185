package web

import (
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// request reads what to search for.
func (c *call) request(p *params) search.Request {
	r := search.Request{Condition: p.text("q"), Text: p.text("text")}
	r.From, r.To = c.span(p)
	r.Clusters = p.list("cluster")
	r.Rules = p.list("rule")
	r.Detections = p.truth("detections")
	r.Priority = priority(p)
	return r
}

// priority reads the least priority asked for, nil for none.
func priority(p *params) *rules.Priority {
	v := p.text("priority")
	if v == "" {
		return nil
	}
	least, err := rules.ParsePriority(v)
	if err != nil {
		p.fail("priority", "priority: %q is none; there are emergency, alert, critical, error, warning, notice, informational and debug", clip(v))
	}
	return &least
}

// span reads a time from, to, or since.
func (c *call) span(p *params) (from, to time.Time) {
	from, to = p.time("from"), p.time("to")
	if since := p.duration("since"); since > 0 {
		if !from.IsZero() {
			p.fail("since", "from and since both say where to begin; give one of them")
		}
		from = c.cfg.Now().UTC().Add(-since)
	}
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		p.fail("to", "to is not behind from")
	}
	return from, to
}

// steps are what a histogram may choose from by itself.
var steps = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute,
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

const (
	usualBuckets = 120  // that a histogram has at most which chooses its step
	mostBuckets  = 5000 // that one has at most
	usualSpan    = 30 * 24 * time.Hour
	leastStep    = time.Second
)

// step reads the step of a histogram from a time to another.
func (c *call) step(p *params, from, to time.Time) time.Duration {
	if to.IsZero() {
		to = c.cfg.Now()
	}
	open := from.IsZero()
	span := to.Sub(from)
	if open {
		span = usualSpan
	}
	step := p.duration("step")
	switch {
	case step == 0:
		i := slices.IndexFunc(steps, func(s time.Duration) bool { return span <= s*usualBuckets })
		if i >= 0 {
			return steps[i]
		}
		days := span/(24*time.Hour*usualBuckets) + 1
		return days * 24 * time.Hour
	case step < leastStep || step%time.Second != 0:
		p.fail("step", "step: write whole seconds, such as 1s, 5m or 1h")
	case open && step < time.Hour:
		p.fail("step", "step: below 1h it needs from or since")
	case span/step > mostBuckets:
		p.fail("step", "step: that makes more than %d buckets; ask for a longer step or a shorter time", mostBuckets)
	}
	return step
}

// accepted chooses the media type of the answer among those on offer, the first of which
// is the usual one.
func (c *call) accepted(offers ...string) (string, error) {
	if t := accept(c.r.Header.Values("Accept"), offers); t != "" {
		return t, nil
	}
	p := problem(api.ProblemAccept, "the answer comes as "+list(offers))
	return "", p
}
