// Package record is what a record of the durable log says about its events:
// what the judge writes and every sink reads.
//
// It encodes and decodes and knows what an event carries with it. The log, to
// which all of this is bytes, the judging and the sinks stay outside; so does
// what a detection looks like to people, which is package alert's.
//
// # Byte formats
//
// An [Item]'s notes:
//
//	1 byte    version, 1
//	32 bytes  identity of the event as it came, before anything was redacted
//	...       nothing, or a JSON object:
//	          "redacted"  JSON pointers of the places where secrets were
//	          "faults"    rules that failed on the event, with the error
//	          "link"      what joins it with the other event of the same request; see [Link]
//
// An Item's detections: nothing, or a JSON array with an object for each:
//
//	"rule", "priority", "source", "tags", "output"
//	"fields"  the output fields in their order, each a pair [key, value];
//	          a value is null, a text, a number, a boolean, or an array of texts
//
// A record's extra: nothing, or a JSON object:
//
//	"labels"  the labels of the cluster
//
// Readers pass over keys that they do not know, so that a later version can add
// some. The files under testdata/golden are read by every version to come.
package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// Item is one event of a record. It has the fields of the log's own item.
type Item struct {
	Flags      uint64 // Expired, Ahead, Derived
	Raw        []byte // the event as stored, its secrets redacted
	Detections []byte // what the rules found; nil: nothing
	Notes      []byte // what else is known about it
}

// Bits of Item.Flags. An event with one of the first two is filed under the time at
// which it was received, since its own would put it where nobody looks, or where it is
// thrown away at once.
const (
	Expired uint64 = 1 << iota // its own time is older than what is kept
	Ahead                      // its own time lies more than an hour in the future
	// Derived says that this is no event but what several events have told together: the
	// event is the one that told it last and is in the log as one of its own, and the
	// identity is that of the finding. Who counts events leaves it out.
	Derived
)

// Sources that others than the one that takes in know by name. SourceCorrelate is that of
// what is Derived.
const (
	SourceWebhook   = "webhook"
	SourceFile      = "file"
	SourceAdmission = "admission"
	SourceMutation  = "mutation"
	SourceCorrelate = "correlate"
)

// Event is one event out of the log, for sinks.
type Event struct {
	Event      *audit.Event      // as stored; Cluster is set
	ID         audit.Identity    // of the event as it came
	Source     string            // what took it in: SourceWebhook and others
	Received   time.Time         // when
	Labels     map[string]string // of its cluster; shared, not to be changed
	Ruleset    string            // digest of the rules that judged it, in hex
	Detections []match.Detection // their rules hold name, priority, source and tags only
	Faults     []string          // rules that failed on it, with the error
	Redacted   []string          // JSON pointers of the places where secrets were
	Link       *Link             // to the other event of the same request; nil: none is known. Event.Review is set by it
	Flags      uint64            // Expired, Ahead, Derived
}

// Filed is the time under which the event is filed: its own, or the time at
// which it was received where its own is out of bounds.
func (e *Event) Filed() time.Time {
	if e.Flags&(Expired|Ahead) != 0 {
		return e.Received
	}
	return e.Event.Time
}

// Derived tells whether this is no event of its own.
func (e *Event) Derived() bool { return e.Flags&Derived != 0 }

// LateAfter is the age at arrival beyond which an event is late.
const LateAfter = time.Hour

// Late tells whether the event came more than an hour after it happened, as from a log
// that was held up, or read from long ago. Unlike Expired it changes nothing about where
// the event is filed.
func (e *Event) Late() bool { return e.Received.Sub(e.Event.Time) > LateAfter }

// Stored is a record of the log.
type Stored struct {
	Source   string
	Cluster  string
	Received time.Time
	Ruleset  []byte
	Extra    []byte
	Items    []Item
}

// Decode reads the items of a record. An item that cannot be read gives an error
// and no event; the others are not affected.
func Decode(s Stored) (events []*Event, errs []error) {
	labels, err := decodeExtra(s.Extra)
	if err != nil {
		errs = append(errs, err)
	}
	read := readEvents(s.Items, s.Source)
	ruleset := hex.EncodeToString(s.Ruleset)
	for i := range s.Items {
		e := &Event{Source: s.Source, Received: s.Received, Labels: labels, Ruleset: ruleset}
		if read != nil {
			e.Event = read[i]
		}
		if err := e.decode(&s.Items[i], s.Cluster); err != nil {
			errs = append(errs, fmt.Errorf("record: item %d of %d, cluster %q, received %s: %w",
				i+1, len(s.Items), s.Cluster, s.Received.Format(time.RFC3339Nano), err))
			continue
		}
		events = append(events, e)
	}
	return events, errs
}

func (e *Event) decode(it *Item, cluster string) (err error) {
	e.Flags = it.Flags
	if err := e.decodeNotes(it.Notes); err != nil {
		return err
	}
	if e.Detections, err = decodeDetections(it.Detections); err != nil {
		return err
	}
	if e.Event == nil {
		if e.Event, err = readEvent(it.Raw, e.Source); err != nil {
			return fmt.Errorf("event: %w", err)
		}
	}
	e.Event.Cluster = cluster
	if e.Link != nil {
		e.Event.Review = e.Link.Review
	}
	return nil
}

// DetectionID is the identity of a rule's detection in an event: 32 hex digits.
// It is the same whenever and wherever the event is judged.
func DetectionID(id audit.Identity, rule string) string {
	h := sha256.New()
	h.Write(id[:])
	io.WriteString(h, rule)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

type extra struct {
	Labels map[string]string `json:"labels,omitempty"`
}

// EncodeExtra writes what belongs to all events of a record; nil where there is
// nothing to say.
func EncodeExtra(labels map[string]string) []byte {
	if len(labels) == 0 {
		return nil
	}
	b, _ := json.Marshal(extra{labels}) // a map of texts cannot fail
	return b
}

func decodeExtra(b []byte) (map[string]string, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var x extra
	if err := json.Unmarshal(b, &x); err != nil {
		return nil, fmt.Errorf("record: extra: %w", err)
	}
	return x.Labels, nil
}
