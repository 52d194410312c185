package page

import (
	"context"
	"fmt"
	"time"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// Shape of the histogram, in units of its drawing.
const (
	maxBars   = 64
	barWidth  = 10
	barGap    = 1
	barHeight = 96
)

// steps are the lengths of bars that people can read.
var steps = []time.Duration{
	time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 2 * day, 7 * day, 28 * day, 91 * day, 364 * day,
}

// stepFor is the shortest step that needs no more than maxBars bars for a time.
func stepFor(d time.Duration) time.Duration {
	for _, s := range steps {
		if d/s < maxBars-1 {
			return s
		}
	}
	return steps[len(steps)-1]
}

// chart is a histogram: bars over time, each of layers that lie on one another.
type chart struct {
	Title         string
	Layers        []layer
	Bars          []bar
	Width, Height int
	Step          string
	From, To      time.Time
	Total, Most   uint64 // of all bars, of the highest
	Partial       bool
}

// layer is one kind of what is counted.
type layer struct {
	Class, Name string
}

type bar struct {
	Start, End time.Time
	X          int
	Total      uint64
	Parts      []part // from the ground up; only those with something in them
	Counts     []uint64
	Link       string
	Title      string
}

type part struct {
	Class     string
	Y, Height float64
}

// histogram is a part of the answers: what a request finds, with step-long buckets.
type histogram struct {
	layer layer
	at    map[time.Time]uint64
}

// dear is how many events a count reads one by one before it is not done again for each
// layer.
const dear = 20_000

// layersOf are the requests that a chart is made of, from the ground up: each finds
// what the one before finds, less the lower part of it.
func layersOf(q query, r search.Request) (layers []layer, requests []search.Request) {
	if !r.Detections {
		fired := r
		fired.Detections = true
		return []layer{{"quiet", "no rule fired"}, {"fired", "a rule fired"}}, []search.Request{r, fired}
	}
	least := func(p rules.Priority) search.Request {
		x := r
		if x.Priority == nil || *x.Priority > p {
			x.Priority = &p
		}
		return x
	}
	return []layer{{"low", "Notice and below"}, {"warning", "Warning"}, {"high", "Error and above"}},
		[]search.Request{r, least(rules.Warning), least(rules.Error)}
}

// chart counts what a query finds over time.
func (p *pages) chart(ctx context.Context, who search.Principal, q query, r search.Request) (*chart, error) {
	from, to, err := p.extent(ctx, who, r)
	if err != nil || from.IsZero() {
		return nil, err
	}
	step := stepFor(to.Sub(from))
	layers, requests := layersOf(q, r)
	c := &chart{Step: stepText(step), From: aligned(from, step), To: to}
	var parts []histogram
	for i, req := range requests {
		buckets, sum, err := p.Search.Histogram(ctx, who, req, step)
		if err != nil {
			return nil, err
		}
		h := histogram{layer: layers[i], at: map[time.Time]uint64{}}
		for _, b := range buckets {
			h.at[b.Start.UTC()] = b.Events
			if i == 0 {
				c.Total += b.Events
				if end := b.Start.Add(step).UTC(); end.After(c.To) {
					c.To = end // events may lie a little in the future
				}
			}
		}
		c.Partial = c.Partial || sum.Partial
		parts = append(parts, h)
		if sum.Scanned > dear {
			layers, parts[0].layer.Name = layers[:1], what(q)
			layers[0] = parts[0].layer
			break
		}
	}
	c.Layers = layers
	c.draw(q, r, step, parts)
	c.Title = fmt.Sprintf("%s over time, a bar for each %s", what(q), c.Step)
	return c, nil
}

// extent is the time that a chart of a request covers: as the request says where that
// is not long, else as far as there is something. The zero times say that nothing is
// there.
func (p *pages) extent(ctx context.Context, who search.Principal, r search.Request) (from, to time.Time, err error) {
	from, to = r.From, r.To
	if to.IsZero() {
		to = p.Now()
	}
	if !from.IsZero() && to.Sub(from) <= 31*day {
		return from.UTC(), to.UTC(), nil
	}
	buckets, _, err := p.Search.Histogram(ctx, who, r, day)
	if err != nil || len(buckets) == 0 {
		return time.Time{}, time.Time{}, err
	}
	first, last := buckets[0].Start, buckets[len(buckets)-1].Start.Add(day)
	if last.Sub(first) <= 2*day {
		return p.narrow(ctx, who, r, first, last)
	}
	if from.Before(first) {
		from = first
	}
	return from.UTC(), earlier(last, to).UTC(), nil
}

// narrow looks more closely at a short time of which little may be in use.
func (p *pages) narrow(ctx context.Context, who search.Principal, r search.Request, from, to time.Time) (time.Time, time.Time, error) {
	const closer = time.Minute
	buckets, _, err := p.Search.Histogram(ctx, who, r, closer)
	if err != nil || len(buckets) == 0 {
		return from.UTC(), to.UTC(), err
	}
	return buckets[0].Start.UTC(), buckets[len(buckets)-1].Start.Add(closer).UTC(), nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// aligned is the begin of the bucket that a time falls into; buckets count from 1970.
func aligned(t time.Time, step time.Duration) time.Time {
	whole := int64(step / time.Second)
	over := t.Unix() % whole
	if over < 0 {
		over += whole
	}
	return time.Unix(t.Unix()-over, 0).UTC()
}

// draw makes the bars.
func (c *chart) draw(q query, r search.Request, step time.Duration, parts []histogram) {
	for _, n := range parts[0].at {
		c.Most = max(c.Most, n)
	}
	x := 0
	for at := c.From; at.Before(c.To) && len(c.Bars) < 2*maxBars; at = at.Add(step) {
		c.Bars = append(c.Bars, c.bar(q, r, at, step, x, parts))
		x += barWidth
	}
	c.Width, c.Height = x, barHeight
}

func (c *chart) bar(q query, r search.Request, at time.Time, step time.Duration, x int, parts []histogram) bar {
	b := bar{Start: at, End: at.Add(step), X: x, Total: parts[0].at[at]}
	y := float64(barHeight)
	for i, h := range parts {
		n := h.at[at]
		if i+1 < len(parts) {
			n -= min(n, parts[i+1].at[at])
		}
		b.Counts = append(b.Counts, n)
		if n == 0 {
			continue
		}
		height := max(float64(n)/float64(c.Most)*barHeight, 1.5) // what is there can be seen
		y -= height
		b.Parts = append(b.Parts, part{Class: h.layer.Class, Y: max(y, 0), Height: height})
	}
	if b.Total > 0 {
		from, to := bounded(r, b.Start, b.End)
		b.Link = q.with(during(from, to)).with(func(q *query) { q.Show = show(q) }).link()
		b.Title = fmt.Sprintf("%s: %s", at.Format("2006-01-02 15:04:05"), count(b.Total))
	}
	return b
}

// bounded is a time within the bounds of a request.
func bounded(r search.Request, from, to time.Time) (time.Time, time.Time) {
	if from.Before(r.From) {
		from = r.From
	}
	if !r.To.IsZero() && to.After(r.To) {
		to = r.To
	}
	return from, to
}

// show is what a query shows, spelled out.
func show(q *query) string {
	if q.Show == "" && q.detections() {
		return "detections"
	}
	return q.Show
}

// what names what a query counts.
func what(q query) string {
	if q.detections() {
		return "Events with detections"
	}
	return "Events"
}

func stepText(d time.Duration) string {
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d == day:
		return "day"
	case d > time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d == time.Hour:
		return "hour"
	case d > time.Minute:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	case d == time.Minute:
		return "minute"
	case d > time.Second:
		return fmt.Sprintf("%d seconds", d/time.Second)
	}
	return "second"
}
