package match

import (
	"slices"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// Options tell how rules are applied.
type Options struct {
	First        bool     // stop at the first rule that matches, as Falco's rule_matching: first
	Strict       bool     // evaluate exactly as Falco, faults included; events must be read with the same setting
	AppendFields []string // fields added to the output fields of every detection
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

// Matcher judges events by the plan made of the rules. It is immutable and
// safe for concurrent use.
type Matcher struct {
	plain  *Plain // makes the detections, and judges events on which the plan fails
	beside *rules.Ruleset
	prog   *program
	index  *index
	states sync.Pool
}

// New compiles the enabled rules of a set, but for those that need more than one
// event.
func New(rs *rules.Ruleset, cat *field.Catalogue, opt Options) (*Matcher, error) {
	return NewBeside(rs, nil, cat, opt)
}

// NewBeside compiles the enabled rules of a set as New does, and those of another
// beside them: [Matcher.MatchBeside] judges both in one go, where what they share
// is judged once.
func NewBeside(rs, beside *rules.Ruleset, cat *field.Catalogue, opt Options) (*Matcher, error) {
	plain, err := NewPlain(rs, cat, opt)
	if err != nil {
		return nil, err
	}
	if beside != nil {
		others, err := NewPlain(beside, cat, Options{Strict: opt.Strict})
		if err != nil {
			return nil, err
		}
		plain.rules = append(plain.rules, others.rules...)
	}
	prog, err := compile(plain, cat, opt.Strict)
	if err != nil {
		return nil, err
	}
	m := &Matcher{plain: plain, beside: beside, prog: prog, index: newIndex(prog)}
	m.states.New = func() any { return newState(prog, m.index) }
	return m, nil
}

// Match judges one event. The context's Strict is set to the matcher's. Where
// nothing matches nothing is allocated.
func (m *Matcher) Match(c *field.Context) Result {
	res, _ := m.match(nil, c)
	return res
}

// match appends the numbers of the rules beside that hold.
func (m *Matcher) match(dst []int32, c *field.Context) (Result, []int32) {
	c.Strict = m.plain.opt.Strict
	st := m.states.Get().(*state)
	defer m.states.Put(st)
	if !m.run(st, c) {
		return m.plain.match(dst, c)
	}
	own, _ := slices.BinarySearch(st.hits, int32(m.plain.own))
	if len(st.hits) == 0 {
		return Result{}, dst
	}
	var res Result
	if own > 0 {
		res.Detections = make([]Detection, 0, own)
	}
	for _, id := range st.hits[:own] {
		d, err := m.plain.detect(&m.plain.rules[id], c)
		if err != nil {
			return m.plain.match(dst, c)
		}
		res.Detections = append(res.Detections, d)
	}
	for _, id := range st.hits[own:] {
		dst = append(dst, id-int32(m.plain.own))
	}
	return res, dst
}

// run collects the rules that match in st.hits. It tells false when a panic
// cut it short: the plain evaluator then finds out which rule it was.
func (m *Matcher) run(st *state, c *field.Context) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
		st.c = nil
	}()
	st.begin(c)
	m.index.candidates(st)
	first := m.plain.opt.First
	for _, id := range st.candidates {
		if first && len(st.hits) > 0 && id < int32(m.plain.own) {
			continue
		}
		if st.node(m.prog.rules[id].root) {
			st.hits = append(st.hits, id)
			if first && m.beside == nil {
				break
			}
		}
	}
	return true
}
