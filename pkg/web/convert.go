package web

import (
	"encoding/json"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/record"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// eventOf gives a hit the shape of the API.
func eventOf(h *search.Hit) api.Event {
	e := h.Event
	out := api.Event{
		ID: h.ID, Time: e.Filed().UTC(), Cluster: e.Event.Cluster, Sentence: h.Answer.Sentence(), Answer: h.Answer,
		Detections: detectionsOf(e.ID, e.Detections),
		Labels:     e.Labels, Source: e.Source, Received: e.Received.UTC(), Ruleset: e.Ruleset,
		Redacted: e.Redacted, Faults: e.Faults, Event: json.RawMessage(e.Event.Raw),
	}
	if e.Link != nil {
		out.Told = e.Link.Told
	}
	if e.Flags&record.Expired != 0 {
		out.Flags = append(out.Flags, api.FlagExpired)
	}
	if e.Flags&record.Ahead != 0 {
		out.Flags = append(out.Flags, api.FlagAhead)
	}
	if e.Late() {
		out.Flags = append(out.Flags, api.FlagLate)
	}
	return out
}

func detectionsOf(id audit.Identity, found []match.Detection) []api.Detection {
	out := make([]api.Detection, 0, len(found))
	for _, d := range found {
		fields := make(map[string]any, len(d.Fields))
		for _, f := range d.Fields {
			fields[f.Key] = f.Value
		}
		out = append(out, api.Detection{
			ID: record.DetectionID(id, d.Rule.Name), Rule: d.Rule.Name, Priority: d.Rule.Priority.String(),
			Tags: orNone(d.Rule.Tags), Output: d.Output, OutputFields: fields,
		})
	}
	return out
}

// orNone makes lists that are empty so in JSON too.
func orNone[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func summaryOf(s search.Summary) api.Summary {
	return api.Summary{
		Hits: s.Hits, Next: s.Next, Partial: s.Partial, Why: s.Why, Hidden: s.Hidden, HiddenBy: s.HiddenBy, Unreadable: s.Unreadable,
		Scanned: s.Scanned, Reached: s.Reached.UTC(),
	}
}

func facetsOf(facets []search.Facet) []api.Facet {
	out := make([]api.Facet, 0, len(facets))
	for _, f := range facets {
		out = append(out, api.Facet{Field: f.Field, Values: valuesOf(f.Values), More: f.More})
	}
	return out
}

func valuesOf(values []search.FacetValue) []api.FacetValue {
	out := make([]api.FacetValue, 0, len(values))
	for _, v := range values {
		out = append(out, api.FacetValue{Value: v.Value, Events: v.Events})
	}
	return out
}

func bucketsOf(buckets []search.Bucket) []api.Bucket {
	out := make([]api.Bucket, 0, len(buckets))
	for _, b := range buckets {
		out = append(out, api.Bucket{Start: b.Start.UTC(), Events: b.Events})
	}
	return out
}

func clauseOf(x *match.Explanation) api.Clause {
	out := api.Clause{Text: x.Text, Verdict: x.Verdict}
	for _, v := range x.Values {
		out.Values = append(out.Values, api.ClauseValue{Operand: v.Operand, Absent: v.Absent, List: v.List, Items: orNone(v.Items)})
	}
	for _, t := range x.Terms {
		out.Terms = append(out.Terms, clauseOf(t))
	}
	return out
}
