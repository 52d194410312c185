package ingest

import (
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/join"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// desk is memory to take a body on, used again for the next.
type desk struct {
	batch  audit.Batch
	all    []audit.Identity
	on     []*flight
	seen   []Sighting     // those that nobody else is storing
	mine   []*audit.Event // the same
	events []*audit.Event // those of them that are not stored yet
	ids    []audit.Identity
	items  []spool.Item
	met    []join.Meeting // of the events, those that can be joined
}

// sort puts the events that nobody else is storing on a flight, and those of them
// that are not stored yet on the desk. It returns the others, and whom to wait for.
func (t *taking) sort(d *desk, events []*audit.Event) (f *flight, others []*audit.Event, wait map[*flight]bool) {
	d.all, d.seen, d.mine, d.events, d.ids = d.all[:0], d.seen[:0], d.mine[:0], d.events[:0], d.ids[:0]
	for _, e := range events {
		e.Cluster = t.body.Cluster
		d.all = append(d.all, e.Identity())
	}
	f, d.on = t.in.flights.board(d.all, d.on[:0])
	for i, e := range events {
		switch on := d.on[i]; on {
		case nil:
			d.seen = append(d.seen, Sighting{ID: d.all[i], Time: e.Time})
			d.mine = append(d.mine, e)
		case f: // twice in one body
			t.receipt.Known++
		default:
			if wait == nil {
				wait = map[*flight]bool{}
			}
			wait[on] = true
			others = append(others, e)
		}
	}
	t.in.cfg.Ledger.Known(t.body.Cluster, t.body.Source, d.seen)
	for i, s := range d.seen {
		if !s.Known {
			d.events = append(d.events, d.mine[i])
			d.ids = append(d.ids, s.ID)
		}
	}
	return f, others, wait
}

// store stores events that are not stored yet, and dead letters, and says so.
func (t *taking) store(d *desk, events []*audit.Event, dead []spool.DeadLetter) error {
	for {
		others, wait, err := t.storeMine(d, events, dead)
		if err != nil || len(others) == 0 {
			return err
		}
		for f := range wait {
			select {
			case <-f.landed:
			case <-t.ctx.Done():
				return t.ctx.Err()
			}
		}
		events, dead = others, nil // known by now, unless the other failed
	}
}

// storeMine stores what nobody else is storing, and returns the rest.
func (t *taking) storeMine(d *desk, events []*audit.Event, dead []spool.DeadLetter) (others []*audit.Event, wait map[*flight]bool, err error) {
	f, others, wait := t.sort(d, events)
	defer t.in.flights.land(f)
	if len(d.events) > 0 || len(dead) > 0 {
		rec := spool.Record{
			Kind: t.body.Source, Cluster: t.body.Cluster, Received: t.body.Received, Extra: t.cluster.extra, Dead: dead,
		}
		if len(d.events) > 0 {
			d.met = t.in.cfg.Join.Meet(t.body.Source, d.events, d.met[:0])
			rec.Events, rec.Ruleset = t.items(d)
		}
		// What the items point to is not to be held by memory that is kept.
		defer func() {
			clear(rec.Events)
			clear(d.met)
			d.met = d.met[:0]
		}()
		before := t.receipt.Events
		if err := t.append(rec); err != nil {
			return nil, nil, err
		}
		t.kept(d, t.receipt.Events-before)
		t.in.cfg.Ledger.Stored(t.body.Cluster, t.body.Source, d.seen)
	}
	t.receipt.Known += len(d.seen) - len(d.events)
	return others, wait, nil
}

// items judges the events on the desk.
func (t *taking) items(d *desk) (items []spool.Item, ruleset []byte) {
	judged, ruleset := t.judge(d.events, d.ids)
	d.items = slices.Grow(d.items[:0], len(judged))
	for i, it := range judged {
		switch age := t.body.Received.Sub(d.events[i].Time); {
		case age > t.in.cfg.Retention:
			it.Flags |= record.Expired
			t.count.expired.Add(1)
		case age < -maxAhead:
			it.Flags |= record.Ahead
			t.count.ahead.Add(1)
		}
		d.items = append(d.items, spool.Item(it))
	}
	for _, m := range d.met {
		if l := t.in.cfg.Join.Link(m); l != nil {
			d.items[m.Index].Notes = record.WithLink(d.items[m.Index].Notes, l)
		}
	}
	return d.items, ruleset
}

// kept tells what events were joined with that they are on disk; where one became a dead
// letter instead, nobody knows which, and their detections may be told twice.
func (t *taking) kept(d *desk, stored int) {
	if stored != len(d.events) {
		return
	}
	for _, m := range d.met {
		t.in.cfg.Join.Kept(m, record.RuleNames(d.items[m.Index].Detections))
	}
}

// append gives a record to the log, in parts when it is too large for it. An event
// that is too large alone becomes a dead letter: refused, it would be sent again and
// again, and everything with it.
func (t *taking) append(rec spool.Record) error {
	err := t.in.cfg.Log.Append(t.ctx, rec)
	switch {
	case err == nil:
		t.receipt.Events += len(rec.Events)
		t.receipt.Dead += len(rec.Dead)
		return nil
	case !tooLarge(err):
		return err
	case len(rec.Events) > 1 || len(rec.Events) == 1 && len(rec.Dead) > 0:
		half := len(rec.Events) / 2
		return t.appendParts(rec, half, 0)
	case len(rec.Dead) > 1:
		return t.appendParts(rec, 0, len(rec.Dead)/2)
	case len(rec.Events) == 1:
		rec.Dead = []spool.DeadLetter{t.letters.oversize(rec.Events[0].Raw, err)}
		rec.Events = nil
		return t.append(rec)
	case len(rec.Dead) == 1 && len(rec.Dead[0].Raw) > 0:
		cut := rec.Dead[0]
		cut.Raw = cut.Raw[:min(len(cut.Raw)/2, letterBytes)]
		rec.Dead = []spool.DeadLetter{cut}
		return t.append(rec)
	}
	return err // a log that takes nothing at all
}

// appendParts appends so many of a record's events and dead letters, then the rest.
func (t *taking) appendParts(rec spool.Record, events, dead int) error {
	first := rec
	first.Events, first.Dead = rec.Events[:events], rec.Dead[:dead]
	rec.Events, rec.Dead = rec.Events[events:], rec.Dead[dead:]
	if len(first.Events)+len(first.Dead) == 0 { // one event with dead letters: each alone
		first.Events, rec.Events = rec.Events, nil
	}
	if err := t.append(first); err != nil {
		return err
	}
	return t.append(rec)
}

// Sighting is an event that a source gave.
type Sighting struct {
	ID    audit.Identity
	Time  time.Time // the event's own
	Known bool      // stored before; set by Ledger.Known
}
