package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
)

// compileState gives what a rule with a stateful key says of several events; own is
// the rule's condition. It is fine, with nil, for a rule without.
func (c *compiler) compileState(item *ruleItem, own condition.Expr) (*State, verdict) {
	in := item.state
	if in == nil {
		return nil, fine
	}
	out := &State{Kind: in.kind, Within: in.within, Suppress: in.suppress, Count: in.count, Learning: in.learning, Timers: in.timers, Line: in.at.last().line}
	verdict := fine
	for _, part := range []struct {
		in   []fieldText
		into *[]*condition.Field
	}{{in.by, &out.By}, {in.distinct, &out.Distinct}, {in.terms, &out.Terms}} {
		verdict = max(verdict, c.stateFields(item, part.in, part.into))
	}
	for i := range in.steps {
		step, v := c.step(item, &in.steps[i], own)
		if len(in.steps[i].by) == 0 {
			step.By = out.By
		}
		out.Steps = append(out.Steps, step)
		verdict = max(verdict, v)
	}
	return out, verdict
}

func (c *compiler) step(item *ruleItem, in *stepItem, own condition.Expr) (Step, verdict) {
	var out Step
	verdict := max(c.stateFields(item, in.by, &out.By), c.stateFields(item, in.differs, &out.Differs))
	if in.noCond {
		return out, failed
	}
	as := *item // the rule, with this step's condition
	as.condAt = in.condAt
	p := &prepared{condition: c.parsed(in.cond)}
	p.steps = c.steps(p.condition.tree, p.condition.text, in.condAt, item.source)
	tree, v := c.condition(&as, p)
	if v == fine {
		out.Condition = &condition.And{Terms: []condition.Expr{own, tree}}
	}
	return out, max(verdict, v)
}

// stateFields reads fields that a stateful key names.
func (c *compiler) stateFields(item *ruleItem, in []fieldText, into *[]*condition.Field) verdict {
	cat, _ := c.all.catalogue(item.source)
	outcome := fine
	for _, f := range in {
		fl, err := stateField(f.text, cat)
		if err == nil {
			*into = append(*into, fl)
			continue
		}
		var bad *condition.CompileError
		msg := err.Error()
		if errors.As(err, &bad) {
			msg = bad.Msg // also where the rule is to be skipped for unknown fields: Falco never sees this one
		}
		c.fail(ErrYAMLValidate, f.at, msg)
		outcome = failed
	}
	return outcome
}

func stateField(text string, cat condition.Catalogue) (*condition.Field, error) {
	o, err := condition.ParseField(text)
	if err != nil {
		return nil, fmt.Errorf("'%s' is no field: %w", text, err)
	}
	fl, ok := o.(*condition.Field)
	if !ok {
		return nil, fmt.Errorf("'%s' is a transformer, and must be a field", text)
	}
	if _, err := condition.TypeOf(o, cat); err != nil {
		return nil, err
	}
	if info, _ := cat.Field(fl.Name); info.State == condition.OfCount {
		return nil, fmt.Errorf("'%s' has a value only when the rule has fired", text)
	}
	return fl, nil
}

// reads tells which of the fields that need other events a rule reads.
func (c *compiler) reads(item *ruleItem, r *Rule) (seen, counted bool) {
	cat, _ := c.all.catalogue(item.source)
	note := func(f *condition.Field) {
		info, _ := cat.Field(f.Name)
		seen = seen || info.State == condition.OfBefore
		counted = counted || info.State == condition.OfCount
	}
	condition.WalkFields(r.Condition, note)
	for _, f := range r.Format.Fields {
		note(f)
	}
	if r.State == nil {
		return seen, counted
	}
	for _, list := range [][]*condition.Field{r.State.By, r.State.Distinct, r.State.Terms} {
		for _, f := range list {
			note(f)
		}
	}
	for _, s := range r.State.Steps {
		condition.WalkFields(s.Condition, note)
		for _, f := range slices.Concat(s.By, s.Differs) {
			note(f)
		}
	}
	return seen, counted
}

// judgeState tells what is wrong with a rule as a whole that needs more than one
// event, or seems to. It is false where that is an error.
func (c *compiler) judgeState(item *ruleItem, r *Rule) bool {
	if c.strict {
		return true // it is one of Falco's, whatever its keys
	}
	seen, counted := c.reads(item, r)
	r.ReadsSeen = seen
	if bad := c.countedIn(item, r.Condition); bad != "" {
		c.failHint(ErrCompileCondition, item.condAt, fmt.Sprintf("'%s' has a value only in the output, when the rule has fired", bad),
			"say in the kw_ key how many events it takes")
		return false
	}
	for i := range r.steps() {
		if bad := c.countedIn(item, r.State.Steps[i].Condition); bad != "" {
			c.fail(ErrCompileCondition, item.state.steps[i].condAt, fmt.Sprintf("'%s' has a value only in the output, when the rule has fired", bad))
			return false
		}
	}
	if counted && r.State == nil {
		c.failHint(ErrCompileOutput, item.outputAt, "kw.correlate.* have values only in rules with "+strings.Join(stateKeys[:], ", "),
			"give the rule one of these keys, or leave the field out")
		return false
	}
	if r.State != nil && (!item.skipUnknown || !readsOurs(r)) {
		c.warn(WarnStateInFalco, item.state.at, fmt.Sprintf(
			"Falco ignores %s and would fire on every event that meets the condition: let the output have a kw.* field, such as %%kw.correlate.count, and give the rule skip-if-unknown-filter: true, so that Falco skips it",
			r.State.Kind.Key()))
	}
	return true
}

func (r *Rule) steps() []Step {
	if r.State == nil {
		return nil
	}
	return r.State.Steps
}

// countedIn gives a field in a condition that has a value only in outputs.
func (c *compiler) countedIn(item *ruleItem, e condition.Expr) (name string) {
	cat, _ := c.all.catalogue(item.source)
	condition.WalkFields(e, func(f *condition.Field) {
		if info, _ := cat.Field(f.Name); info.State == condition.OfCount {
			name = f.Name
		}
	})
	return name
}

// readsOurs tells whether a rule's condition or output reads a field that Falco does
// not have.
func readsOurs(r *Rule) bool {
	ours := false
	note := func(f *condition.Field) { ours = ours || strings.HasPrefix(f.Name, "kw.") }
	condition.WalkFields(r.Condition, note)
	for _, f := range r.Format.Fields {
		note(f)
	}
	return ours
}
