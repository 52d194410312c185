package redact

import (
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// Printer makes what a detection shows again, from the redacted event. The
// verdict stands: no condition is judged.
//
// To look for the secrets in the finished texts would not do: an output can
// show a whole object, indented anew, a part of a text, a text cut to a width,
// in capitals or decoded; and marks put into other texts wherever a secret's
// value happens to stand tell what the value is. Printed from an event without
// secrets, an output has none, whatever its fields do.
//
// It is immutable and safe for concurrent use.
type Printer struct {
	outputs map[*rules.Rule]output
}

// output prints the detections of one rule.
type output struct {
	rule  *rules.Rule // the one that was loaded
	plain *match.Plain
}

// always holds for every event.
const always = "evt.num exists or not evt.num exists"

// NewPrinter prepares the outputs of the enabled rules. The arguments are those
// that the matcher is made of.
func NewPrinter(rs *rules.Ruleset, cat *field.Catalogue, opt match.Options) (*Printer, error) {
	tautology, err := condition.Parse(always)
	if err != nil {
		return nil, fmt.Errorf("redact: %w", err)
	}
	p := &Printer{outputs: map[*rules.Rule]output{}}
	for _, r := range rs.Rules {
		if !r.Enabled {
			continue
		}
		print := *r
		print.Condition = tautology
		plain, err := match.NewPlain(&rules.Ruleset{Rules: []*rules.Rule{&print}}, cat, opt)
		if err != nil {
			return nil, fmt.Errorf("redact: %w", err)
		}
		p.outputs[r] = output{rule: r, plain: plain}
	}
	return p, nil
}

// Detection returns d as it may be stored and shown. c is the context that d was
// found in, stored the same event as [Redactor.Redacted] gave it. When that is
// the event itself, d is returned as it is.
//
// A detection of a rule that the printer does not know, or whose output cannot be
// made, keeps its rule and the keys of its fields; every value and the output
// become [Marker].
func (p *Printer) Detection(c *field.Context, stored *audit.Event, d match.Detection) match.Detection {
	if stored == c.Event {
		return d
	}
	out, ok := p.outputs[d.Rule]
	if !ok {
		return blind(d)
	}
	again := *c
	again.Event = stored
	res := out.plain.Match(&again)
	if len(res.Detections) != 1 {
		return blind(d)
	}
	made := res.Detections[0]
	made.Rule = out.rule
	return made
}

// blind is a detection that shows nothing of its event.
func blind(d match.Detection) match.Detection {
	fields := make([]match.OutputField, len(d.Fields))
	for i, f := range d.Fields {
		fields[i] = match.OutputField{Key: f.Key, Value: Marker}
	}
	return match.Detection{Rule: d.Rule, Output: Marker, Fields: fields}
}
