package ecs

import (
	"encoding/hex"
	"math"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/row"
)

// Data sets, beside GCPAudit: data streams are "logs-" + data set + "-" + namespace.
const (
	AuditLogs  = "kubernetes.audit_logs"
	Detections = "kubewitness.detections"
)

// version is the version of ECS whose fields documents have.
const version = "8.17.0"

// Stream is the name of the data stream of a data set.
func Stream(dataset, namespace string) string { return "logs-" + dataset + "-" + namespace }

// Options are what documents of a stream have in common.
type Options struct {
	Namespace  string         // data_stream.namespace; without "-"
	EventURL   string         // prefix of an event's page, its ID follows: event.url; "": none
	KibanaURL  string         // prefix of Kibana, its base path and space included, without "/" behind; "": no deep links
	NoOriginal bool           // leave event.original, the whole event as stored, out
	Proxies    []netip.Prefix // trusted proxies: source.ip is the last address that is none of theirs
}

// ID is the _id of an event's document: the hex digits of its identity.
func ID(e *record.Event) string { return hex.EncodeToString(e.ID[:]) }

// AppendEvent appends the document of an event, one line of JSON without its end.
func AppendEvent(dst []byte, e *record.Event, o *Options) []byte {
	w := newWriter(e, o)
	defer w.release()
	start := len(dst)
	dst = append(dst, '{')
	dst = w.head(dst, AuditLogs)
	dst = w.event(dst, "event")
	dst = w.context(dst, eventShape())
	dst = openObject(dst, `"kubewitness":`)
	dst = w.known(dst)
	dst = w.answered(dst)
	dst = w.flattened(dst, `"annotations":`, "annotations", w.root.Get("annotations"))
	dst = w.columns(dst)
	dst = w.joined(dst)
	dst = list(dst, `"odd":`, w.odd)
	dst = closeObject(dst, start)
	return append(dst[:len(dst)-1], '}')
}

// writer writes one document. What it says of an event is worked out once.
type writer struct {
	e          *record.Event
	o          *Options
	root       audit.Value
	answer     audit.Answer
	sentence   string
	id         string
	duplicates bool     // some object of the event has equal keys
	odd        []string // fields that a value did not fit
	texts      []string // scratch
}

var writers = sync.Pool{New: func() any { return new(writer) }}

func newWriter(e *record.Event, o *Options) *writer {
	w := writers.Get().(*writer)
	w.e, w.o, w.root, w.answer, w.id = e, o, e.Event.Root(), e.Event.Answer(), ID(e)
	w.sentence, w.duplicates = w.answer.Sentence(), e.Event.DuplicateKeys
	return w
}

// release gives the writer back. It keeps nothing of the event.
func (w *writer) release() {
	clear(w.texts[:cap(w.texts)])
	*w = writer{odd: w.odd[:0], texts: w.texts[:0]}
	writers.Put(w)
}

// isOdd notes that a value did not fit a field.
func (w *writer) isOdd(name string) {
	if !slices.Contains(w.odd, name) {
		w.odd = append(w.odd, name)
	}
}

// head appends what documents of all shapes begin with.
func (w *writer) head(dst []byte, dataset string) []byte {
	dst = append(dst, `"@timestamp":`...)
	dst = appendTime(dst, within(w.e.Filed()))
	dst = append(dst, `,"data_stream":{"type":"logs","dataset":"`...)
	dst = append(dst, dataset...)
	dst = append(dst, `","namespace":`...)
	dst = appendText(dst, w.o.Namespace)
	dst = append(dst, `},"ecs":{"version":"`+version+`"},`...)
	dst = member(dst, `"message":`, w.sentence)
	return dst
}

// The years in which a date of Elasticsearch's can be written with four digits.
var (
	earliest = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

func within(t time.Time) time.Time {
	switch {
	case t.Before(earliest):
		return earliest
	case t.After(latest):
		return latest
	}
	return t
}

// nanos is a time in nanoseconds since 1970; what is too far away is as far as can be.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	}
	return t.UnixNano()
}

// known appends what is known of the event besides what stands in it.
func (w *writer) known(dst []byte) []byte {
	e := w.e
	dst = member(dst, `"id":`, w.id)
	dst = number(dst, `"filed":`, nanos(e.Filed()))
	dst = append(dst, `"last_stage":`...)
	if isLast(w.answer.When.Stage) {
		dst = append(dst, "true,"...)
	} else {
		dst = append(dst, "false,"...)
	}
	dst = member(dst, `"sentence":`, w.sentence)
	dst = member(dst, `"source":`, e.Source)
	dst = append(dst, `"received":`...)
	dst = append(appendTime(dst, within(e.Received)), ',')
	if e.Flags != 0 {
		dst = number(dst, `"flags":`, int64(e.Flags))
	}
	if e.Late() {
		dst = append(dst, `"late":true,`...)
	}
	dst = member(dst, `"ruleset":`, e.Ruleset)
	dst = list(dst, `"redacted":`, e.Redacted)
	return list(dst, `"faults":`, e.Faults)
}

// joined appends what joins the event with the other one of its request.
func (w *writer) joined(dst []byte) []byte {
	l := w.e.Link
	if l == nil {
		return dst
	}
	dst = list(dst, `"told":`, l.Told)
	return member(dst, `"link":`, row.LinkText(l))
}

// isLast tells whether a stage is the last of its request.
func isLast(stage string) bool { return stage == "ResponseComplete" || stage == "Panic" }

// flattened appends an object whose keys clients choose, below kubewitness.
func (w *writer) flattened(dst []byte, key, name string, v audit.Value) []byte {
	mark := len(dst)
	dst = append(dst, key...)
	start := len(dst)
	if dst = w.flat(dst, ourPrefix+name, v); len(dst) == start {
		return dst[:mark]
	}
	return append(dst, ',')
}
