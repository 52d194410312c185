package ingest

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// Given is what a source has read itself: events that it made of something else, such as
// the entries of a cloud's log.
type Given struct {
	Source   string // what took it in, as in Body
	Received time.Time
	Events   []*audit.Event // Cluster, Labels and SourceID are theirs; not to be written before TakeGiven returns
	Refused  []Refused      // what no event could be made of
	Judge    Judge          // what these are judged by, where they have been already; nil: as all others
}

// Refused is something that should have been an event and is none. It becomes a dead
// letter.
type Refused struct {
	Cluster string // "" where nobody can tell
	Reason  audit.Reason
	Err     error // what is wrong with it
	Raw     []byte
}

// part is what is given of one cluster, under the same labels.
type part struct {
	cluster string
	labels  map[string]string
	events  []*audit.Event
	refused []Refused
}

// TakeGiven stores what is given and not stored yet, as [Intake.Take] does; its errors are
// the same. Labels that are configured for a cluster go before those that the events have.
func (in *Intake) TakeGiven(ctx context.Context, g Given) (Receipt, error) {
	if g.Received.IsZero() {
		g.Received = in.cfg.Now()
	}
	var sum Receipt
	for _, p := range g.parts() {
		r, err := in.takePart(ctx, &g, p)
		sum.Events += r.Events
		sum.Known += r.Known
		sum.Dead += r.Dead
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// parts sorts by cluster and labels, in the order in which they appear. There are few.
func (g *Given) parts() (parts []*part) {
	find := func(cluster string, labels map[string]string) *part {
		for i := len(parts) - 1; i >= 0; i-- {
			if parts[i].cluster == cluster && maps.Equal(parts[i].labels, labels) {
				return parts[i]
			}
		}
		p := &part{cluster: cluster, labels: labels}
		parts = append(parts, p)
		return p
	}
	for _, e := range g.Events {
		p := find(e.Cluster, e.Labels)
		p.events = append(p.events, e)
	}
	for _, r := range g.Refused {
		p := find(r.Cluster, nil)
		p.refused = append(p.refused, r)
	}
	return parts
}

// takePart stores what is of one cluster, in records of bounded size.
func (in *Intake) takePart(ctx context.Context, g *Given, p *part) (Receipt, error) {
	c := *in.clusterOf(p.cluster)
	if len(p.labels) > 0 {
		labels := maps.Clone(p.labels)
		maps.Copy(labels, c.labels)
		c.extra = record.EncodeExtra(labels)
	}
	body := &Body{Source: g.Source, Cluster: p.cluster, Received: g.Received}
	t := &taking{in: in, ctx: ctx, body: body, cluster: &c, count: in.counters.of(c.label, g.Source), by: in.cfg.Judge}
	if g.Judge != nil {
		t.by = g.Judge
	}
	t.letters = letters{text: in.cfg.Judge.Text, whole: c.whole, count: t.count}
	size, err := t.given(p)
	t.count.taken(size, t.receipt, err)
	return t.receipt, err
}

func (t *taking) given(p *part) (size int, err error) {
	if err := t.cluster.rate.take(t.in.cfg.Now(), len(p.events)); err != nil {
		return 0, err
	}
	for _, r := range p.refused {
		size += len(r.Raw)
		t.letters.refused(r)
	}
	d := t.in.desks.Get().(*desk)
	defer t.in.desks.Put(d)
	for events := p.events; len(events) > 0; {
		n, bytes := 0, 0
		for n < len(events) && n < pieceEvents && bytes < pieceBytes {
			bytes += len(events[n].Raw)
			n++
		}
		size += bytes
		if err := t.store(d, events[:n], t.letters.take()); err != nil {
			return size, err
		}
		events = events[n:]
	}
	return size, t.store(d, nil, t.letters.take())
}

// refused makes a letter of something that a source refused. There is no bound but that of
// what sources give at once: the source forgets what is given here.
func (l *letters) refused(r Refused) {
	l.count.deadLetter(string(r.Reason))
	l.add(fmt.Sprintf("%s: %v", r.Reason, r.Err), r.Raw)
}
