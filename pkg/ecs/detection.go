package ecs

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// DetectionID is the _id of the document of an event's i-th detection.
func DetectionID(e *record.Event, i int) string {
	return record.DetectionID(e.ID, e.Detections[i].Rule.Name)
}

// AppendDetection appends the document of an event's i-th detection.
func AppendDetection(dst []byte, e *record.Event, i int, o *Options) []byte {
	w := newWriter(e, o)
	defer w.release()
	d := &e.Detections[i]
	start := len(dst)
	dst = append(dst, '{')
	dst = w.head(dst, Detections)
	dst = list(dst, `"tags":`, d.Rule.Tags)
	dst = w.event(dst, "alert")
	dst[len(dst)-2] = ',' // severity is one more member of event
	dst = number(dst[:len(dst)-1], `"severity":`, severities[min(d.Rule.Priority, rules.Debug)])
	dst[len(dst)-1] = '}'
	dst = append(dst, `,"rule":{`...)
	mark := len(dst)
	dst = member(dst, `"name":`, d.Rule.Name)
	dst = member(dst, `"ruleset":`, e.Ruleset)
	if len(dst) > mark {
		dst = dst[:len(dst)-1]
	}
	dst = append(dst, "},"...)
	dst = appendThreat(dst, d.Rule.Tags)
	dst = w.context(dst, contextShape())
	dst = openObject(dst, `"kubewitness":`)
	dst = w.known(dst)
	dst = w.answered(dst)
	dst = w.detection(dst, d, i)
	dst = list(dst, `"odd":`, w.odd)
	dst = closeObject(dst, start)
	return append(dst[:len(dst)-1], '}')
}

// detection appends what the rule found.
func (w *writer) detection(dst []byte, d *match.Detection, i int) []byte {
	dst = append(dst, `"detection":{"id":"`...)
	dst = append(append(dst, DetectionID(w.e, i)...), `"},`...)
	if d.Rule.Name != "" {
		dst = list(dst, `"rules":`, []string{d.Rule.Name})
	}
	if w.e.Link.HasTold(d.Rule.Name) {
		dst = list(dst, `"told":`, []string{d.Rule.Name})
	}
	dst = list(dst, `"tags":`, d.Rule.Tags)
	dst = member(dst, `"priority":`, strings.ToLower(d.Rule.Priority.String()))
	dst = member(dst, `"output":`, d.Output)
	mark := len(dst)
	dst = openObject(dst, `"output_fields":`)
	for k := range d.Fields {
		dst = w.outputField(dst, d.Fields[:k], &d.Fields[k])
	}
	dst = closeObject(dst, mark)
	if w.o.KibanaURL != "" {
		dst = member(dst, `"kibana_url":`, w.kibanaURL())
	}
	return dst
}

// outputField appends a field of the output; of equal keys, the first.
func (w *writer) outputField(dst []byte, before []match.OutputField, f *match.OutputField) []byte {
	if f.Value == nil || slices.ContainsFunc(before, func(b match.OutputField) bool { return b.Key == f.Key }) {
		return dst
	}
	if !flatKey(f.Key, 0) {
		w.isOdd(ourPrefix + "output_fields")
		return dst
	}
	dst = append(appendText(dst, f.Key), ':')
	switch v := f.Value.(type) {
	case string:
		dst = appendText(dst, v)
	case []string:
		dst = appendTexts(dst, v)
	case bool:
		dst = append(strconv.AppendBool(append(dst, '"'), v), '"')
	case uint64:
		dst = append(strconv.AppendUint(append(dst, '"'), v, 10), '"')
	default:
		dst = append(dst, "null"...)
	}
	return append(dst, ',')
}

// severities are event.severity of the priorities: Elastic's own rules have 21, 47, 73
// and 99 for low, medium, high and critical.
var severities = [...]int64{
	rules.Emergency: 99, rules.Alert: 95, rules.Critical: 90, rules.Error: 73,
	rules.Warning: 47, rules.Notice: 21, rules.Informational: 10, rules.Debug: 1,
}

// EventsView is the id of the data view in Kibana on the stream of events, of all
// namespaces.
const EventsView = "kubewitness-events"

// kibanaURL is the event in Discover, with an hour around it. All that goes into it is
// digits and our own.
func (w *writer) kibanaURL() string {
	const layout = "2006-01-02T15:04:05.000Z"
	at := within(w.e.Filed()).UTC()
	return w.o.KibanaURL + "/app/discover#/?_g=(time:(from:'" + within(at.Add(-30*time.Minute)).Format(layout) + "',to:'" + within(at.Add(30*time.Minute)).Format(layout) +
		"'))&_a=(index:" + EventsView + ",query:(language:kuery,query:'kubewitness.id:%22" + w.id + "%22'))"
}
