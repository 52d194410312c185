package alert

import (
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// Alert is a detection with the event that it is about.
type Alert struct {
	Event     *audit.Event
	Detection match.Detection
	Late      time.Duration // how long after it happened the event came, where that is too long for an alarm; 0: in time
}

// Options shape all lines.
type Options struct {
	Hostname string // what Falco's line names as its host
	ISO8601  bool   // full dates in Falco's text, as time_format_iso_8601 does
	Raw      bool   // Falco's text line with control characters as they are, as Falco prints them
	Color    bool   // the answer line with terminal colours
}

const (
	clockLayout = "15:04:05.000000000"
	isoLayout   = "2006-01-02T15:04:05.000000000-0700"
	jsonLayout  = "2006-01-02T15:04:05.000000000Z"
)

// AppendText appends Falco's text line.
func AppendText(dst []byte, a *Alert, opt Options) []byte {
	if opt.Raw {
		return appendFalcoText(dst, a, opt)
	}
	return appendPrintable(dst, string(appendFalcoText(nil, a, opt)))
}

func appendFalcoText(dst []byte, a *Alert, opt Options) []byte {
	layout := clockLayout
	if opt.ISO8601 {
		layout = isoLayout
	}
	dst = a.Event.Time.UTC().AppendFormat(dst, layout)
	dst = append(dst, ": "...)
	dst = append(dst, a.Detection.Rule.Priority.String()...)
	dst = append(dst, ' ')
	return append(dst, a.Detection.Output...)
}

// eventNanos is the time of an event as output_fields hold it.
func eventNanos(t time.Time) uint64 { return uint64(t.UnixNano()) }
