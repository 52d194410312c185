package audit

import (
	"bytes"
	"strings"
	"time"
)

// Event is one audit.k8s.io event, as received.
//
// An event may be read by several goroutines once its Root has been called.
type Event struct {
	Raw           []byte            // exactly as received, without the white space around it; owned by the event, never written
	AuditID       string            // "" when absent; chosen by the client if it likes, so neither unique nor a UUID
	Stage         string            // RequestReceived, ResponseStarted, ResponseComplete, Panic; "" when absent
	Time          time.Time         // stageTimestamp, UTC, nanoseconds
	DuplicateKeys bool              // some object in it holds two equal keys, at any depth
	Cluster       string            // set by the source; the event itself does not know
	Labels        map[string]string // of the cluster, where the source tells; shared, not to be changed
	SourceID      Identity          // by which the source tells events apart; zero where it does not
	Review        string            // uid of the admission review of the same request, where the two were joined
	Input         string            // file name, "-" or peer, for messages
	Line          int64             // line where it begins, counted from 1
	Offset        int64             // byte where it begins, counted from 0, after decompression

	tree tree // over Raw; without nodes until Root is called; from a Reader with raw, which is then known to be valid
}

// Clone returns a copy of an event that shares no memory with it: to keep what a [Batch] gave.
func (e *Event) Clone() *Event {
	c := &Event{
		Raw: bytes.Clone(e.Raw), AuditID: strings.Clone(e.AuditID), Stage: strings.Clone(e.Stage), Time: e.Time,
		DuplicateKeys: e.DuplicateKeys, Cluster: e.Cluster, Labels: e.Labels, SourceID: e.SourceID, Review: strings.Clone(e.Review),
		Input: e.Input, Line: e.Line, Offset: e.Offset,
	}
	if e.tree.raw != nil {
		c.tree.raw, c.tree.duplicates = c.Raw, e.tree.duplicates
	}
	return c
}

// Root returns the event as a JSON value. It is parsed once and kept. It is absent when Raw is no valid JSON, which
// cannot be with events from a [Reader].
func (e *Event) Root() Value {
	switch {
	case len(e.tree.nodes) > 0:
	case e.tree.raw != nil: // the Reader checked it
		e.tree.grow()
	default:
		t, err := parseTree(e.Raw)
		if err != nil {
			return Value{}
		}
		e.tree.raw, e.tree.nodes, e.tree.duplicates = t.raw, t.nodes, t.duplicates
	}
	return Value{tree: &e.tree}
}

// Limits bound what a [Reader] accepts. The zero value stands for the defaults.
type Limits struct {
	MaxEvent int64 // bytes of one event; 0 means 16 MiB, more than 1 GiB means 1 GiB
	MaxDepth int   // levels of nesting of one event; 0, and more than 10000, mean 10000
}

const (
	defaultMaxEvent = 16 << 20
	highestMaxEvent = 1 << 30
)

// orDefault returns the limits with defaults filled in.
func (l Limits) orDefault() Limits {
	if l.MaxEvent <= 0 {
		l.MaxEvent = defaultMaxEvent
	}
	l.MaxEvent = min(l.MaxEvent, highestMaxEvent)
	if l.MaxDepth <= 0 || l.MaxDepth > maxDepth {
		l.MaxDepth = maxDepth
	}
	return l
}
