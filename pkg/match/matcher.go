package match

import (
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// Options tell how rules are applied.
type Options struct {
	First        bool     // stop at the first rule that matches, as Falco's rule_matching: first
	Strict       bool     // evaluate exactly as Falco, faults included; events must be read with the same setting
	AppendFields []string // fields added to the output fields of every detection
}

// Matcher judges events. It is immutable and safe for concurrent use.
type Matcher struct {
	rules  []rule
	append []output
	opt    Options
}

type rule struct {
	rule   *rules.Rule
	when   node
	output []segment
	fields []output
}

// Detection is a rule that matched an event.
type Detection struct {
	Rule   *rules.Rule
	Output string        // the rule's output with its place holders filled in
	Fields []OutputField // the fields of the output, then the appended ones; each key once
}

// Fault is a rule that could not be judged. It is a defect of this program;
// the event and the other rules are not affected.
type Fault struct {
	Rule *rules.Rule
	Err  error
}

// Result is what the rules say of an event.
type Result struct {
	Detections []Detection // in the order of the rules
	Faults     []Fault
}

// New compiles the enabled rules of a set.
func New(rs *rules.Ruleset, cat *field.Catalogue, opt Options) (*Matcher, error) {
	m := &Matcher{opt: opt}
	b := builder{cat: cat, strict: opt.Strict}
	for _, r := range rs.Rules {
		if !r.Enabled {
			continue
		}
		compiled, err := b.rule(r)
		if err != nil {
			return nil, fmt.Errorf("match: rule %q: %w", r.Name, err)
		}
		m.rules = append(m.rules, compiled)
	}
	for _, name := range opt.AppendFields {
		out, err := b.namedOutput(name)
		if err != nil {
			return nil, fmt.Errorf("match: appended field %q: %w", name, err)
		}
		m.append = append(m.append, out)
	}
	return m, nil
}

// Match judges one event. The context's Strict is set to the matcher's.
func (m *Matcher) Match(c *field.Context) Result {
	var res Result
	c.Strict = m.opt.Strict
	for i := range m.rules {
		r := &m.rules[i]
		d, hit, err := m.judge(r, c)
		if err != nil {
			res.Faults = append(res.Faults, Fault{Rule: r.rule, Err: err})
			continue
		}
		if hit {
			res.Detections = append(res.Detections, d)
			if m.opt.First {
				break
			}
		}
	}
	return res
}

// judge keeps a panic in one rule from costing the event or the other rules.
func (m *Matcher) judge(r *rule, c *field.Context) (d Detection, hit bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("match: panic in rule %q: %v", r.rule.Name, p)
		}
	}()
	if !r.when.eval(c) {
		return d, false, nil
	}
	return m.detection(r, c), true, nil
}

func (b *builder) rule(r *rules.Rule) (rule, error) {
	when, err := b.node(r.Condition)
	if err != nil {
		return rule{}, err
	}
	out := rule{rule: r, when: when}
	out.output, out.fields, err = b.format(r.Format)
	return out, err
}
