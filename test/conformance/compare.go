package conformance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Kind says in what way two runs differ.
type Kind string

// The kinds of differences.
const (
	Missing       Kind = "missing alert"
	Unexpected    Kind = "alert Falco does not give"
	Twice         Kind = "alert given twice"
	OtherPriority Kind = "other priority"
	OtherOutput   Kind = "other output"
	OtherFields   Kind = "other output_fields"
	OtherTags     Kind = "other tags"
	OtherTime     Kind = "other time"
)

// Difference is one thing in which a run is not as Falco's.
type Difference struct {
	Kind      Kind
	Event     int64
	Rule      string
	Want, Got string // the part that differs, as JSON; "" where there is no alert on that side
}

// Report is the outcome of a comparison.
type Report struct {
	Wanted      int          // alerts that Falco gave
	Found       int          // of these, the ones that are there, equal or not
	Differences []Difference // by kind, event and rule
}

// Same reports whether the run is as Falco's.
func (r Report) Same() bool { return len(r.Differences) == 0 }

// id ties an alert of one run to that of the other: a rule fires at most once
// for an event.
type id struct {
	event int64
	rule  string
}

// Compare compares the alerts of a run with those that Falco gave. The order of
// alerts does not count; every part of an alert does.
func Compare(want, got []Alert) Report {
	wanted, _ := byID(want)
	given, twice := byID(got)
	r := Report{Wanted: len(wanted)}
	for k, w := range wanted {
		g, ok := given[k]
		if !ok {
			r.add(Missing, k, w.Output, nil)
			continue
		}
		r.Found++
		r.compareAlert(k, w, g)
	}
	for k, g := range given {
		if _, ok := wanted[k]; !ok {
			r.add(Unexpected, k, nil, g.Output)
		}
	}
	for _, a := range twice {
		r.add(Twice, id{a.Event, a.Rule}, nil, a.Output)
	}
	slices.SortStableFunc(r.Differences, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Rule, b.Rule))
	})
	return r
}

// byID returns the alerts by their id, the first of equal ones, and the others.
func byID(alerts []Alert) (m map[id]Alert, twice []Alert) {
	m = make(map[id]Alert, len(alerts))
	for _, a := range alerts {
		k := id{a.Event, a.Rule}
		if _, ok := m[k]; ok {
			twice = append(twice, a)
			continue
		}
		m[k] = a
	}
	return m, twice
}

func (r *Report) compareAlert(k id, w, g Alert) {
	for _, part := range []struct {
		kind      Kind
		want, got any
	}{
		{OtherPriority, w.Priority, g.Priority},
		{OtherOutput, w.Output, g.Output},
		{OtherTags, w.Tags, g.Tags},
		{OtherTime, w.Time, g.Time},
	} {
		if !reflect.DeepEqual(part.want, part.got) {
			r.add(part.kind, k, part.want, part.got)
		}
	}
	if !reflect.DeepEqual(w.Fields, g.Fields) {
		r.add(OtherFields, k, without(w.Fields, g.Fields), without(g.Fields, w.Fields))
	}
}

// without returns the fields of a that b has not, or has with another value.
func without(a, b map[string]any) map[string]any {
	rest := map[string]any{}
	for name, v := range a {
		if other, ok := b[name]; !ok || !reflect.DeepEqual(v, other) {
			rest[name] = v
		}
	}
	return rest
}

// add notes a difference; nil stands for a side without an alert.
func (r *Report) add(kind Kind, k id, want, got any) {
	r.Differences = append(r.Differences, Difference{Kind: kind, Event: k.event, Rule: k.rule, Want: text(want), Got: text(got)})
}

func text(v any) string {
	if v == nil {
		return ""
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err.Error() // not for what came out of JSON
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// String tells each kind of difference with its first examples, and closes with
// one line that counts.
func (r Report) String() string {
	const examples, width = 5, 400
	var b strings.Builder
	for rest := r.Differences; len(rest) > 0; {
		n := 0
		for n < len(rest) && rest[n].Kind == rest[0].Kind {
			n++
		}
		fmt.Fprintf(&b, "%s: %d\n", rest[0].Kind, n)
		for _, d := range rest[:min(n, examples)] {
			fmt.Fprintf(&b, "   event %d, rule %q\n", d.Event, d.Rule)
			if d.Want != "" {
				fmt.Fprintf(&b, "      want %.*s\n", width, d.Want)
			}
			if d.Got != "" {
				fmt.Fprintf(&b, "      got  %.*s\n", width, d.Got)
			}
		}
		rest = rest[n:]
	}
	fmt.Fprintf(&b, "%d of %d alerts as Falco, %d differences\n", r.Found, r.Wanted, len(r.Differences))
	return b.String()
}
