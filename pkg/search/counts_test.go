package search

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/operator"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// countedFields are the facets that are held against the events, with and without column.
var countedFields = []string{"ka.user.name", "ka.user.groups", "kw.response.code", "rule", "priority", "tag", "cluster"}

// countedAlike holds Histogram and Facets against the events that were wanted.
func countedAlike(t *testing.T, f *fixture, s *Searcher, p Principal, text string, want []string) {
	t.Helper()
	step := 7 * time.Minute
	starts := map[time.Time]uint64{}
	wanted := map[string]bool{}
	for _, id := range want {
		wanted[id] = true
	}
	for i, r := range f.rows {
		if wanted[r.ID] {
			n := f.events[i].Filed().UnixNano() // since 1970, where Truncate counts from the year 1
			starts[time.Unix(0, n-n%int64(step)).UTC()]++
		}
	}
	var buckets []Bucket
	for at, n := range starts {
		buckets = append(buckets, Bucket{Start: at, Events: n})
	}
	slices.SortFunc(buckets, func(a, b Bucket) int { return a.Start.Compare(b.Start) })
	got, _, err := s.Histogram(t.Context(), p, Request{Condition: text}, step)
	require.NoError(t, err, text)
	require.Equal(t, len(buckets), len(got), text)
	for i := range buckets {
		require.True(t, buckets[i].Start.Equal(got[i].Start) && buckets[i].Events == got[i].Events, "%s: %v, not %v", text, got[i], buckets[i])
	}
	for _, fields := range [][]string{countedFields, {"jevt.value[/verb]", "ka.verb", "evt.time"}} {
		facets, _, err := s.Facets(t.Context(), p, Request{Condition: text}, fields, 5)
		require.NoError(t, err, text)
		for i, name := range fields {
			require.Equal(t, wantFacet(t, f, name, wanted, 5), facets[i], "%s: %s", text, name)
		}
	}
}

func wantFacet(t *testing.T, f *fixture, name string, wanted map[string]bool, limit int) Facet {
	t.Helper()
	counts := map[string]uint64{}
	for i, r := range f.rows {
		if !wanted[r.ID] {
			continue
		}
		for v := range wantValues(t, f, name, i) {
			counts[v]++
		}
	}
	out := Facet{Field: name}
	for v, n := range counts {
		out.Values = append(out.Values, FacetValue{v, n})
	}
	slices.SortFunc(out.Values, func(a, b FacetValue) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), strings.Compare(a.Value, b.Value))
	})
	if len(out.Values) > limit {
		out.Values, out.More = out.Values[:limit], true
	}
	return out
}

func wantValues(t *testing.T, f *fixture, name string, i int) map[string]bool {
	t.Helper()
	e, out := f.events[i], map[string]bool{}
	switch name {
	case "cluster":
		out[e.Event.Cluster] = true
	case "rule", "tag", "priority":
		best := 8
		for _, d := range e.Detections {
			best = min(best, int(d.Rule.Priority))
			if name == "rule" {
				out[d.Rule.Name] = true
			}
			for _, tag := range d.Rule.Tags {
				if name == "tag" {
					out[tag] = true
				}
			}
		}
		if name == "priority" && best < 8 {
			for _, d := range e.Detections {
				if int(d.Rule.Priority) == best {
					out[strings.ToLower(d.Rule.Priority.String())] = true
				}
			}
		}
	default:
		o, err := condition.ParseField(name)
		require.NoError(t, err)
		fl := o.(*condition.Field)
		known, _ := field.Default().Lookup(fl.Name)
		arg := field.Arg{}
		if fl.HasArg {
			arg, err = known.ParseArg(fl.Arg)
			require.NoError(t, err)
		}
		for _, item := range known.Extract(contextOf(e.Event, "host"), arg) {
			out[operator.CutNUL(item.Text)] = true
		}
	}
	return out
}
