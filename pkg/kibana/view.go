package kibana

import "github.com/kubewitness/kubewitness/pkg/ecs"

// View is a data view, by its ID.
type View string

// The two data views. Documents have links to the first.
const (
	Events     View = ecs.EventsView
	Detections View = "kubewitness-detections"
)

var views = []View{Events, Detections}

// Dataset is that of the documents which the view shows.
func (v View) Dataset() string {
	if v == Detections {
		return ecs.Detections
	}
	return ecs.AuditLogs
}

// Pattern is the names of the view's data streams.
func (v View) Pattern() string { return ecs.Stream(v.Dataset(), "*") }

func (v View) name() string {
	if v == Detections {
		return "kubewitness: detections"
	}
	return "kubewitness: audit events"
}

// object leaves the search driver's copies of columns out of what Discover shows; they
// are hundreds, and hold nothing that is not elsewhere in the document.
func (v View) object() Object {
	return Object{
		Type: "index-pattern", ID: string(v), CoreVersion: coreVersion, TypeVersion: dataViewVersion, References: []Reference{},
		Attributes: map[string]any{
			"title":         v.Pattern(),
			"name":          v.name(),
			"timeFieldName": "@timestamp",
			"allowNoIndex":  true,
			"fields":        "[]",
			"sourceFilters": text([]map[string]string{{"value": "kubewitness.fields.*"}}),
			"fieldFormatMap": text(map[string]any{
				"event.url": map[string]any{"id": "url", "params": map[string]any{"labelTemplate": "page of the event"}},
			}),
			"fieldAttrs":      "{}",
			"runtimeFieldMap": "{}",
			"typeMeta":        "{}",
		},
	}
}
