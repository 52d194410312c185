// Package ingest takes in bodies of audit events: it decodes them, passes over
// what is stored already, has the rest judged, and gives it to the durable log.
// What comes in and is no event becomes a dead letter. A body is taken when all
// of it is on disk, and not before.
//
// Where bodies come from is told in the folders below: HTTP, files. Rules, what
// they find and what is secret are the Judge's; where events go from the log is
// not known here.
package ingest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/join"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

// Sources that the Ledger tells apart, for Body.Source. Others are taken as they come.
const (
	SourceWebhook = record.SourceWebhook
	SourceFile    = record.SourceFile
)

// DefaultRetention is how old an event may be before it is filed under the time it
// was received.
const DefaultRetention = 30 * 24 * time.Hour

// maxAhead is how far in the future an event's own time may lie.
const maxAhead = time.Hour

// Log is where records go; a *spool.Log. Append returns nil only when the record is
// on disk, and keeps nothing of it afterwards.
type Log interface {
	Append(ctx context.Context, r spool.Record) error
}

// Cluster says what is known about a cluster, and how much it may send.
type Cluster struct {
	Name             string
	Labels           map[string]string // stored with all of its events
	EventsPerSecond  float64           // over time; 0: no limit
	Burst            int               // events at once; 0: those of one second
	WholeDeadLetters bool              // keep dead letters whole and not their first 4 KiB only
}

// Config is what an Intake works with. Log, Judge, Ledger and Now are required.
type Config struct {
	Log       Log
	Judge     Judge
	Ledger    *Ledger
	Join      *join.Table   // of events and reviews of one request; nil: there are no reviews
	Limits    audit.Limits  // of a single event
	Clusters  []Cluster     // others may send too, without labels and limits
	Retention time.Duration // 0: DefaultRetention
	Now       func() time.Time
}

// Body is one piece of input: events in any form that package audit reads,
// decompressed.
type Body struct {
	Source   string // what took it in: SourceWebhook, SourceFile; few different ones
	Cluster  string // the cluster that it is about
	Peer     string // who sent it, for messages
	Data     []byte // must not be written before Take returns
	Received time.Time
	Fault    error // what is wrong with the body as a whole, such as a torn compression; the body is kept as a dead letter, too
}

// Receipt says what became of a body's content.
type Receipt struct {
	Events int // stored now
	Known  int // stored before, and not again
	Dead   int // dead letters
}

// Intake takes bodies in. It is safe for concurrent use.
type Intake struct {
	cfg      Config
	clusters map[string]*cluster
	others   *cluster // all that are not configured
	counters counters
	flights  flights
	desks    sync.Pool // of *desk
}

// cluster is what belongs to one cluster, or to all that are not configured.
type cluster struct {
	label  string            // its name in counters
	labels map[string]string // as configured
	extra  []byte            // of its records
	rate   *rateLimit
	whole  bool
}

// New makes an Intake. It panics when a required part of the configuration is
// missing, which is a defect of the program.
func New(cfg Config) *Intake {
	if cfg.Log == nil || cfg.Judge == nil || cfg.Ledger == nil || cfg.Now == nil {
		panic("ingest: Log, Judge, Ledger and Now are required")
	}
	if cfg.Retention <= 0 {
		cfg.Retention = DefaultRetention
	}
	in := &Intake{cfg: cfg, clusters: map[string]*cluster{}, others: &cluster{label: OtherClusters}}
	for _, c := range cfg.Clusters {
		in.clusters[c.Name] = &cluster{
			label: c.Name, labels: c.Labels, extra: record.EncodeExtra(c.Labels),
			rate: newRateLimit(c.EventsPerSecond, c.Burst), whole: c.WholeDeadLetters,
		}
	}
	in.desks.New = func() any { return new(desk) }
	return in
}

// clusterOf returns what belongs to a cluster.
func (in *Intake) clusterOf(name string) *cluster {
	if c, ok := in.clusters[name]; ok {
		return c
	}
	return in.others
}

// Take stores what is in a body and not stored yet. It returns nil only when all of
// it is on disk; dead letters count as stored. A body with nothing in it is taken,
// too. Otherwise the error is, for errors.As, a [RateLimited], or the log's own: a
// spool.Full, Draining, Poisoned or Unknown, or the context's. Then some of the body
// may be stored all the same, and the sender is to send it again.
func (in *Intake) Take(ctx context.Context, b Body) (Receipt, error) {
	if b.Received.IsZero() {
		b.Received = in.cfg.Now()
	}
	c := in.clusterOf(b.Cluster)
	t := &taking{in: in, ctx: ctx, body: &b, cluster: c, count: in.counters.of(c.label, b.Source), by: in.cfg.Judge}
	t.letters = letters{data: b.Data, text: in.cfg.Judge.Text, whole: c.whole, count: t.count}
	receipt, err := t.run()
	t.count.taken(len(b.Data), receipt, err)
	return receipt, err
}

// taking is one Take under way.
type taking struct {
	in      *Intake
	ctx     context.Context
	body    *Body
	cluster *cluster
	count   *count
	by      Judge
	letters letters
	receipt Receipt
}

func (t *taking) run() (Receipt, error) {
	if err := t.cluster.rate.check(t.in.cfg.Now()); err != nil {
		return Receipt{}, err
	}
	if t.body.Fault != nil {
		t.letters.body(t.body.Fault)
	}
	var err error
	if things(t.body.Data, maxAtOnce) > maxAtOnce {
		err = t.inPieces()
	} else {
		err = t.atOnce()
	}
	return t.receipt, err
}

// atOnce takes a body of ordinary size in memory that is used again.
func (t *taking) atOnce() error {
	d := t.in.desks.Get().(*desk)
	defer func() {
		if len(t.body.Data) <= maxKept {
			t.in.desks.Put(d)
		}
	}()
	d.batch.Decode(t.body.Data, t.begin(), t.in.cfg.Limits)
	if err := t.cluster.rate.take(t.in.cfg.Now(), len(d.batch.Events)); err != nil {
		return err
	}
	events := d.batch.Events
	for _, rej := range d.batch.Rejections {
		for len(events) > 0 && events[0].Offset < rej.Offset {
			t.letters.passed(events[0])
			events = events[1:]
		}
		t.letters.reject(rej)
	}
	if len(events) > 0 {
		t.letters.passed(events[0])
	}
	return t.store(d, d.batch.Events, append(t.letters.take(), t.letters.rest()...))
}

// inPieces takes a body with very many things in it piece by piece, each a record of
// its own.
func (t *taking) inPieces() error {
	d := new(desk)
	r := newBodyReader(t.body.Data, t.begin(), t.in.cfg.Limits)
	for more := true; more; {
		var events []*audit.Event
		for bytes := 0; more && len(events) < pieceEvents && bytes < pieceBytes; {
			e, err := r.Next()
			var rej *audit.Rejection
			switch {
			case err == nil:
				events = append(events, e)
				bytes += len(e.Raw)
				t.letters.passed(e)
			case errors.As(err, &rej):
				t.letters.reject(rej)
				more = !t.letters.givenUp()
			default:
				more = false
			}
		}
		t.cluster.rate.pay(t.in.cfg.Now(), len(events))
		if err := t.store(d, events, t.letters.take()); err != nil {
			return err
		}
	}
	return t.store(d, nil, t.letters.rest())
}

func (t *taking) begin() audit.Position { return audit.Position{Input: t.body.Peer, Line: 1} }
