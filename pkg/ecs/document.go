package ecs

import "github.com/kubewitness/kubewitness/pkg/record"

// Data sets: data streams are "logs-" + data set + "-" + namespace.
const (
	AuditLogs  = "kubernetes.audit_logs"
	Detections = "kubewitness.detections"
)

// Stream is the name of the data stream of a data set.
func Stream(dataset, namespace string) string { return "logs-" + dataset + "-" + namespace }

// Options are what documents of a stream have in common.
type Options struct {
	Namespace  string // data_stream.namespace; without "-"
	EventURL   string // prefix of an event's page, its ID follows: event.url; "": none
	KibanaURL  string // prefix of Kibana, its base path included; "": no deep links
	NoOriginal bool   // leave event.original, the whole event as stored, out
}

// ID is the _id of an event's document: the hex digits of its identity.
func ID(e *record.Event) string { return "" }

// AppendEvent appends the document of an event, one line of JSON without its end.
func AppendEvent(dst []byte, e *record.Event, o *Options) []byte { return dst }

// AppendReduced appends the document of an event that was refused in its full shape:
// only fields that take any text, the whole event unindexed, and the reason.
func AppendReduced(dst []byte, e *record.Event, o *Options, reason string) []byte { return dst }

// DetectionID is the _id of the document of an event's i-th detection.
func DetectionID(e *record.Event, i int) string { return "" }

// AppendDetection appends the document of an event's i-th detection.
func AppendDetection(dst []byte, e *record.Event, i int, o *Options) []byte { return dst }
