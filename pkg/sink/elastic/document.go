package elastic

import (
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// lane tells the data streams apart.
type lane int

const (
	events lane = iota
	detections
	entries // events of GKE as Elastic's integration has them
	lanes
)

// key names a document among those that are not settled.
type key struct {
	lane lane
	id   string
}

// document is one on its way. Its fields behind size are touched only by who carries
// the batch that it is in.
type document struct {
	key
	body  []byte // a line without its end
	event *record.Event
	index int       // of the detection
	born  time.Time // no index that was closed to writing before can hold it; zero: any can
	size  int64     // bytes of memory that it counts for

	looked  bool      // for in the indices before from, and not found there
	from    string    // the write index at that time; "": unknown
	blind   bool      // an earlier index may hold it, and could not be asked
	tried   time.Time // when the last attempt without a clear answer ended; zero: none
	sifted  string    // the write index when it was found nowhere from from on
	landed  string    // an index, not from, that has it: the others have to be looked at
	created bool      // by us, in landed

	reduced bool
	failed  int  // times that it failed inside the server
	suspect bool // others of the same request did not
	done    bool
}

// clocks is how far an event's time may be off: an API server's clock may be an hour
// ahead before the event is filed under another time, and Elasticsearch's, which the
// times of indices are of, an hour behind.
const clocks = 2 * time.Hour

// encoder makes documents; ecs, but in tests.
type encoder struct {
	id          func(*record.Event) string
	event       func([]byte, *record.Event, *ecs.Options) []byte
	reduced     func([]byte, *record.Event, *ecs.Options, string) []byte
	detectionID func(*record.Event, int) string
	detection   func([]byte, *record.Event, int, *ecs.Options) []byte

	isEntry      func(*record.Event) bool // has a document among the entries, under the ID of the event's
	entry        func([]byte, *record.Event, *ecs.Options) []byte
	reducedEntry func([]byte, *record.Event, *ecs.Options, string) []byte
}

var ecsEncoder = encoder{
	ecs.ID, ecs.AppendEvent, ecs.AppendReduced, ecs.DetectionID, ecs.AppendDetection,
	ecs.FromGKE, ecs.AppendGCPAudit, ecs.AppendReducedGCPAudit,
}

// overhead is what a document costs in memory besides its text.
const overhead = 512

// leastShare is how many events are worth a goroutine.
const leastShare = 32

// encode makes the documents of events, on all processors.
func (s *Sink) encode(batch []*record.Event) []*document {
	made := make([][]*document, len(batch))
	ways := max(1, min(runtime.GOMAXPROCS(0), len(batch)/leastShare))
	var work sync.WaitGroup
	for way := range ways {
		work.Go(func() {
			var scratch []byte
			for i := way; i < len(batch); i += ways {
				made[i], scratch = s.documents(batch[i], scratch)
			}
		})
	}
	work.Wait()
	var all []*document
	for _, docs := range made {
		all = append(all, docs...)
	}
	return all
}

// documents makes those of one event.
func (s *Sink) documents(e *record.Event, scratch []byte) ([]*document, []byte) {
	born := e.Event.Time
	if !born.IsZero() {
		born = born.Add(-clocks)
	}
	if e.Flags&record.Ahead != 0 {
		born = time.Time{}
	}
	kept := keep(e)
	var docs []*document
	if s.wanted(e) {
		scratch = s.encoder.event(scratch[:0], e, &s.cfg.Documents)
		docs = append(docs, &document{key: key{events, s.encoder.id(e)}, body: bytes.Clone(scratch), event: kept, born: born})
	}
	for i := range e.Detections {
		scratch = s.encoder.detection(scratch[:0], e, i, &s.cfg.Documents)
		docs = append(docs, &document{key: key{detections, s.encoder.detectionID(e, i)}, body: bytes.Clone(scratch), event: kept, index: i, born: born})
	}
	if s.cfg.GCPAudit && !e.Derived() && s.encoder.isEntry(e) {
		scratch = s.encoder.entry(scratch[:0], e, &s.cfg.Documents)
		docs = append(docs, &document{key: key{entries, s.encoder.id(e)}, body: bytes.Clone(scratch), event: kept, born: born})
	}
	for i, d := range docs {
		d.size = int64(len(d.body) + overhead)
		if i == 0 {
			d.size += int64(len(e.Event.Raw)) // is kept for a second shape, and for the dead letters
		}
	}
	return docs, scratch
}

// keep gives what is kept of an event: all but its parsed form, which is larger than
// the event and can be had again.
func keep(e *record.Event) *record.Event {
	kept, bare := *e, audit.Event{
		Raw: e.Event.Raw, AuditID: e.Event.AuditID, Stage: e.Event.Stage, Time: e.Event.Time, DuplicateKeys: e.Event.DuplicateKeys,
		Cluster: e.Event.Cluster, Review: e.Event.Review, Input: e.Event.Input, Line: e.Event.Line, Offset: e.Event.Offset,
	}
	kept.Event = &bare
	return &kept
}

// wanted reports whether an event has a document of its own.
func (s *Sink) wanted(e *record.Event) bool {
	if s.cfg.DetectionsOnly || e.Derived() { // the latter is there as an event of its own
		return false
	}
	return !s.cfg.DropRequestReceived || e.Event.Stage != "RequestReceived" || len(e.Detections) > 0
}

// what says of what the document is, for dead letters.
func (d *document) what() string {
	switch d.lane {
	case events:
		return "the event"
	case entries:
		return "the event as " + ecs.GCPAudit
	}
	return fmt.Sprintf("detection %d (%.100q)", d.index, d.event.Detections[d.index].Rule.Name)
}

// reducible tells whether the document has another shape to be tried.
func (d *document) reducible() bool { return d.lane != detections && !d.reduced }

const (
	actionBegin   = `{"create":{"_id":"`
	actionEnd     = "\"}}\n"
	actionEndOnly = "\",\"require_data_stream\":true}}\n"
	lineBytes     = len(actionBegin) + len(actionNoPipe) + len(actionEndOnly) + 1

	// Where Elastic's integration is installed its stream has a pipeline, which makes
	// documents of log entries and would spoil what is one already.
	actionNoPipe = "\",\"pipeline\":\"_none"
)

// bytes is what the document adds to a bulk request.
func (d *document) bytes() int { return lineBytes + len(d.id) + len(d.body) }

// appendBulk appends the lines that create documents at a time. IDs are ours, with nothing
// in them to escape.
func appendBulk(dst []byte, docs []*document, streamsOnly bool, now time.Time) []byte {
	end := actionEnd
	if streamsOnly {
		end = actionEndOnly
	}
	for _, d := range docs {
		dst = append(append(dst, actionBegin...), d.id...)
		if d.lane == entries {
			dst = append(dst, actionNoPipe...)
		}
		dst = append(dst, end...)
		start := len(dst)
		dst = append(append(dst, d.body...), '\n')
		ecs.Ingest(dst[start:], now)
	}
	return dst
}
