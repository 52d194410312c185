package policy

import (
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// demand is a kind of events that a rule needs: one for most rules, one for each step of a sequence.
type demand struct {
	expr    condition.Expr
	quick   condition.Expr // the same, what tells classes apart first
	what    string         // "" where the rule has only one
	stage   string         // the only one at which it is looked for; "" for whatever the condition says
	stages  []string       // further stages of the same requests that the rule must see
	some    bool           // any of these events will do, as for one who waits for silence
	literal literals
}

// demandsOf gives what a rule needs. A rule about several events does not look at one without the values that it counts by.
func demandsOf(r *rules.Rule) []demand {
	s := r.State
	var out []demand
	switch {
	case s == nil:
		out = []demand{{expr: r.Condition}}
	case s.Kind == rules.Sequence:
		for i, step := range s.Steps {
			out = append(out, demand{expr: having(step.Condition, step.By, step.Differs), what: "step " + string(rune('1'+i))})
		}
	case s.Kind == rules.Absence && s.Timers != nil:
		var verbs []condition.Literal
		for verb := range s.Timers {
			verbs = append(verbs, condition.Literal{Text: verb})
		}
		slices.SortFunc(verbs, func(a, b condition.Literal) int { return strings.Compare(a.Text, b.Text) })
		of := &condition.Check{Left: &condition.Field{Name: "ka.verb"}, Op: condition.In, Values: verbs, List: true}
		out = []demand{{expr: &condition.And{Terms: []condition.Expr{r.Condition, of}}, stage: RequestReceived, stages: allStages}}
	default:
		silence := s.Kind == rules.Absence
		out = []demand{{expr: having(r.Condition, s.By, slices.Concat(s.Distinct, s.Terms)), some: silence}}
	}
	if r.ReadsSeen {
		out = append(out, seenDemand())
	}
	for i := range out {
		out[i].literal, out[i].quick = literalsOf(out[i].expr), quick(out[i].expr)
	}
	return out
}

// quick puts in front what fails for most classes.
func quick(e condition.Expr) condition.Expr {
	and, ok := e.(*condition.And)
	if !ok {
		return e
	}
	terms := flat(and, nil)
	rank := func(e condition.Expr) int {
		if c, ok := e.(*condition.Check); ok {
			if f, ok := c.Left.(*condition.Field); ok && slices.Contains([]string{"ka.stage", "ka.verb", "ka.target.resource", "ka.target.subresource"}, f.Name) {
				return 0
			}
		}
		return 1
	}
	slices.SortStableFunc(terms, func(a, b condition.Expr) int { return rank(a) - rank(b) })
	return &condition.And{Terms: terms}
}

// flat gives the terms of an And, and of those in it.
func flat(and *condition.And, out []condition.Expr) []condition.Expr {
	for _, t := range and.Terms {
		if inner, ok := t.(*condition.And); ok {
			out = flat(inner, out)
		} else {
			out = append(out, t)
		}
	}
	return out
}

// having adds that all of some fields exist, and one of others.
func having(e condition.Expr, all, one []*condition.Field) condition.Expr {
	terms := []condition.Expr{e}
	exists := func(f *condition.Field) condition.Expr { return &condition.Check{Left: f, Op: condition.Exists} }
	for _, f := range all {
		terms = append(terms, exists(f))
	}
	var any []condition.Expr
	for _, f := range one {
		any = append(any, exists(f))
	}
	switch {
	case len(any) == 1:
		terms = append(terms, any[0])
	case len(any) > 1:
		terms = append(terms, &condition.Or{Terms: any})
	}
	if len(terms) == 1 {
		return e
	}
	return &condition.And{Terms: terms}
}

// seenDemand is what tells of a pod before somebody enters it.
func seenDemand() demand {
	e, err := condition.Parse(`ka.stage = ResponseComplete and ka.verb in (create, update, patch) and ka.target.resource = pods
		and (not ka.target.subresource exists or ka.target.subresource = ephemeralcontainers) and kw.pod.containers.name exists`)
	if err != nil {
		panic(err) // the text stands above
	}
	return demand{expr: e, what: "the pod, written before"}
}

// literals are the texts that a condition compares members with.
type literals map[string][]string

func literalsOf(e condition.Expr) literals {
	out := literals{}
	condition.Walk(e, func(e condition.Expr) bool {
		c, ok := e.(*condition.Check)
		if !ok {
			return true
		}
		f, ok := c.Left.(*condition.Field)
		if !ok {
			return true
		}
		at := place(f)
		switch f.Name {
		case "kw.object.apigroup":
			at = "/objectRef/apiGroup"
		case "kw.uri.path":
			at = "/requestURI"
		}
		for _, v := range c.Values {
			if at != "" && !slices.Contains(out[at], v.Text) {
				out[at] = append(out[at], v.Text)
			}
		}
		return true
	})
	return out
}
