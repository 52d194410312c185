package match

import (
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// Plain judges events by evaluating every rule from its tree as it stands. It
// is what a [Matcher] must agree with. It is immutable and safe for concurrent
// use.
type Plain struct {
	rules  []rule
	own    int // of the rules, those that make detections; the rest are looked at beside them
	append []output
	opt    Options
}

type rule struct {
	rule   *rules.Rule
	when   node
	output []segment
	fields []output
}

// NewPlain compiles the enabled rules of a set for evaluation one by one, but for
// those that need more than one event.
func NewPlain(rs *rules.Ruleset, cat *field.Catalogue, opt Options) (*Plain, error) {
	m := &Plain{opt: opt}
	b := builder{cat: cat, strict: opt.Strict}
	for _, r := range rs.Rules {
		if !r.Enabled || r.Stateful() {
			continue // what one event cannot tell is for package correlate
		}
		compiled, err := b.rule(r)
		if err != nil {
			return nil, fmt.Errorf("match: rule %q: %w", r.Name, err)
		}
		m.rules = append(m.rules, compiled)
	}
	m.own = len(m.rules)
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
func (m *Plain) Match(c *field.Context) Result {
	res, _ := m.match(nil, c)
	return res
}

// match appends the numbers of the rules beside that hold.
func (m *Plain) match(dst []int32, c *field.Context) (Result, []int32) {
	var res Result
	c.Strict = m.opt.Strict
	for i := range m.rules[:m.own] {
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
	dst, res.Faults = holding(dst, res.Faults, m.rules[m.own:], c)
	return res, dst
}

// judge keeps a panic in one rule from costing the event or the other rules.
func (m *Plain) judge(r *rule, c *field.Context) (d Detection, hit bool, err error) {
	defer caught(r, &err)
	if !r.when.eval(c) {
		return d, false, nil
	}
	return m.detection(r, c), true, nil
}

// detect makes the detection of a rule that is known to match.
func (m *Plain) detect(r *rule, c *field.Context) (d Detection, err error) {
	defer caught(r, &err)
	return m.detection(r, c), nil
}

func caught(r *rule, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("match: panic in rule %q: %v", r.rule.Name, p)
	}
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
