package ruletest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/correlate"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// Runner runs tests by a set of rules.
type Runner struct {
	set      *ruleset.Set
	matcher  *match.Matcher
	stateful *correlate.Rules
	strict   bool
	known    map[string]bool // names of all rules, also of those that Falco skips
}

// NewRunner makes a runner of rules without errors. strict: they were loaded as Falco does;
// known are then the names of the rules that tests may name though they were skipped.
func NewRunner(set *ruleset.Set, strict bool, known []string) (*Runner, error) {
	m, stateful, err := set.Compiled(false, nil)
	if err != nil {
		return nil, err
	}
	r := &Runner{set: set, matcher: m, stateful: stateful, strict: strict, known: map[string]bool{}}
	for _, name := range known {
		r.known[name] = true
	}
	for _, rule := range set.Rules.Rules {
		r.known[rule.Name] = true
	}
	return r, nil
}

// Rules are the rules that tests are run by.
func (r *Runner) Rules() *rules.Ruleset { return r.set.Rules }

// Result is what came of a test.
type Result struct {
	Test       *Test
	Missing    []Missing
	Unexpected []Found
	Wrong      []Wrong
	Faults     []string // rules that could not be judged: defects of this program
}

// Passed tells whether all was as expected.
func (r *Result) Passed() bool {
	return len(r.Missing)+len(r.Unexpected)+len(r.Wrong)+len(r.Faults) == 0
}

// Missing is a detection that was expected and is not there.
type Missing struct {
	Rule        string
	Want, Got   int
	Event       *audit.Event // on which the rule came nearest to firing; nil: see Disabled
	Clauses     []string     // of its condition that kept it from firing, with what they were judged on
	NotEnabled  bool
	WrittenLine int
}

// Found is a detection with its event.
type Found struct {
	Event *audit.Event
	match.Detection
}

// Wrong is a detection that is there and says something else.
type Wrong struct {
	Found
	Text string
}

// Check tells of names in a test file that no rule has.
func (r *Runner) Check(f *File) error {
	var ps Problems
	check := func(n Named) {
		if !r.known[n.Rule] {
			ps = append(ps, &Problem{File: f.Name, Line: n.Line, Column: n.Column,
				Text: fmt.Sprintf("no rule %q; %s", n.Rule, didYouMean(n.Rule, r.names()))})
		}
	}
	for _, t := range f.Tests {
		for _, n := range t.named() {
			check(n)
		}
	}
	for _, a := range f.About {
		check(a.Named)
	}
	slices.SortStableFunc(ps, func(a, b *Problem) int { return a.Line - b.Line })
	ps = slices.CompactFunc(ps, func(a, b *Problem) bool { return *a == *b })
	if len(ps) == 0 {
		return nil
	}
	return ps[:min(len(ps), maxProblems)]
}

func (r *Runner) names() (names []string) {
	for name := range r.known {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// named are all names of rules in a test.
func (t *Test) named() []Named {
	all := slices.Clone(t.Rules)
	for _, w := range t.Want {
		all = append(all, w.Named)
	}
	return all
}

// Run runs a test of the rules that stand in the file named rulesFile.
func (r *Runner) Run(t *Test, rulesFile string) *Result {
	res := &Result{Test: t}
	got, order := r.judge(res, t)
	wants := map[string]int{}
	for _, w := range t.Want {
		wants[w.Rule] += w.Times
		for _, found := range got[w.Rule] {
			res.Wrong = append(res.Wrong, w.differences(found)...)
		}
	}
	for _, name := range order {
		rule := r.set.Rules.Rule(name)
		about := rule != nil && rule.File == rulesFile || slices.ContainsFunc(t.named(), func(n Named) bool { return n.Rule == name })
		if about && len(got[name]) > wants[name] {
			res.Unexpected = append(res.Unexpected, got[name][wants[name]:]...)
		}
	}
	r.missing(res, wants, got)
	return res
}

// Detections gives what the rules find in the events of a test.
func (r *Runner) Detections(t *Test) (all []Found) {
	got, order := r.judge(&Result{}, t)
	for _, name := range order {
		all = append(all, got[name]...)
	}
	return all
}

// judge judges the events of a test, in their order, and gives what was found by rule, and
// the rules in the order in which they fired.
func (r *Runner) judge(res *Result, t *Test) (got map[string][]Found, order []string) {
	got = map[string][]Found{}
	add := func(e *audit.Event, d match.Detection) {
		name := d.Rule.Name
		if got[name] == nil {
			order = append(order, name)
		}
		got[name] = append(got[name], Found{e, d})
	}
	judge := correlate.NewJudge(r.matcher, r.stateful, correlate.Options{Hostname: hostname})
	settled := func(found []correlate.Found) {
		for _, f := range found {
			add(f.Event.Clone(), f.Detection)
		}
	}
	for i, e := range t.Events {
		out, found := judge.Judge(r.context(t, i))
		for _, f := range out.Faults {
			res.Faults = append(res.Faults, fmt.Sprintf("%s: %v", f.Rule.Name, f.Err))
		}
		for _, d := range out.Detections {
			add(e, d)
		}
		settled(found)
	}
	settled(judge.End())
	return got, order
}

// hostname is what evt.hostname gives.
const hostname = "test"

func (r *Runner) context(t *Test, i int) *field.Context {
	return &field.Context{Event: t.Events[i], Num: uint64(i + 1), First: t.Events[0].Time, Hostname: hostname, Strict: r.strict}
}

// missing finds what was expected and is not there, each rule once.
func (r *Runner) missing(res *Result, wants map[string]int, got map[string][]Found) {
	told := map[string]bool{}
	for _, w := range res.Test.Want {
		n := len(got[w.Rule])
		if told[w.Rule] || n >= wants[w.Rule] {
			continue
		}
		told[w.Rule] = true
		rule := r.set.Rules.Rule(w.Rule)
		if rule == nil {
			continue // skipped, as Falco does
		}
		m := Missing{Rule: w.Rule, Want: wants[w.Rule], Got: n, NotEnabled: !rule.Enabled, WrittenLine: w.Line}
		if rule.Enabled {
			m.Event, m.Clauses = r.nearest(res.Test, rule, got[w.Rule])
		}
		res.Missing = append(res.Missing, m)
	}
}

// nearest finds the event on which a rule came nearest to firing, and what kept it from it.
func (r *Runner) nearest(t *Test, rule *rules.Rule, found []Found) (nearest *audit.Event, clauses []string) {
	least, met := 0, 0
	for i, e := range t.Events {
		if !rule.Stateful() && slices.ContainsFunc(found, func(f Found) bool { return f.Event == e }) {
			continue
		}
		x, err := match.Explain(rule, r.set.Catalogue, r.strict, r.context(t, i))
		if err != nil {
			continue // its fault is told
		}
		cost := costOf(x, true)
		if cost == 0 {
			met++
		}
		if nearest == nil || cost < least {
			nearest, least, clauses = e, cost, whyNot(x)
		}
	}
	if met > 0 && rule.Stateful() {
		return nil, []string{fmt.Sprintf("its condition holds for %d of %s, but what it wants of them together does not", met, counted(len(t.Events), "event"))}
	}
	return nearest, clauses
}

// differences tells in what a detection is not as wanted.
func (w Want) differences(f Found) (all []Wrong) {
	for _, text := range w.Output {
		if !strings.Contains(f.Output, text) {
			all = append(all, Wrong{f, fmt.Sprintf("the output does not hold %q", text)})
		}
	}
	for _, key := range sortedKeys(w.Fields) {
		i := slices.IndexFunc(f.Fields, func(o match.OutputField) bool { return o.Key == key })
		switch {
		case i < 0:
			all = append(all, Wrong{f, fmt.Sprintf("no output field %s; %s", key, didYouMean(key, fieldNames(f.Fields)))})
		case valueText(f.Fields[i].Value) != w.Fields[key]:
			all = append(all, Wrong{f, fmt.Sprintf("%s is %q, not %q", key, valueText(f.Fields[i].Value), w.Fields[key])})
		}
	}
	return all
}

func fieldNames(fields []match.OutputField) (names []string) {
	for _, f := range fields {
		names = append(names, f.Key)
	}
	return names
}

func sortedKeys(m map[string]string) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// valueText is an output field's value as text; "" where it is absent.
func valueText(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
