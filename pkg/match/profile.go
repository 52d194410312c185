package match

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/kubewitness/kubewitness/pkg/field"
)

// Profiler measures what each rule costs over many events. It is for one
// goroutine.
type Profiler struct {
	m      *Matcher
	now    func() time.Time
	events int64
	rules  []RuleProfile
}

// RuleProfile is what one rule cost.
type RuleProfile struct {
	Rule       string        `json:"rule"`
	FoundBy    string        `json:"found_by"`   // "" for residual rules
	Candidates int64         `json:"candidates"` // events for which it was judged
	Matches    int64         `json:"matches"`
	Time       time.Duration `json:"time_ns"` // of judging it alone, nothing shared with other rules
}

// NewProfiler makes a profiler that takes the time from now.
func (m *Matcher) NewProfiler(now func() time.Time) *Profiler {
	p := &Profiler{m: m, now: now, rules: make([]RuleProfile, len(m.prog.rules))}
	for i := range p.rules {
		p.rules[i].Rule = m.prog.rules[i].name
		if a := m.index.access[i]; a != nil {
			p.rules[i].FoundBy = m.atomsText(a)
		}
	}
	return p
}

// Observe judges one event. Each candidate is judged by itself, with nothing
// remembered of the others, so that its time does not hang on their order.
func (p *Profiler) Observe(c *field.Context) {
	c.Strict = p.m.plain.opt.Strict
	p.events++
	st := p.m.states.Get().(*state)
	defer p.m.states.Put(st)
	st.alone = true
	defer func() { st.alone = false }()
	st.begin(c)
	p.m.index.candidates(st)
	candidates := slices.Clone(st.candidates)
	for _, id := range candidates {
		r := &p.rules[id]
		r.Candidates++
		st.begin(c)
		start := p.now()
		hit := p.judge(st, id)
		r.Time += p.now().Sub(start)
		if hit {
			r.Matches++
		}
	}
}

// judge keeps a rule that panics from ending the profile.
func (p *Profiler) judge(st *state, id int32) (hit bool) {
	defer func() { _ = recover() }()
	return st.node(p.m.prog.rules[id].root)
}

// Rules gives the profile, the dearest rule first.
func (p *Profiler) Rules() []RuleProfile {
	out := slices.Clone(p.rules)
	slices.SortStableFunc(out, func(a, b RuleProfile) int {
		return cmp.Or(cmp.Compare(b.Time, a.Time), cmp.Compare(b.Candidates, a.Candidates))
	})
	return out
}

// Write prints the profile for people.
func (p *Profiler) Write(w io.Writer) error {
	fmt.Fprintf(w, "%d events; the time is of judging a rule alone, with what it reads\n\n", p.events)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "TIME\tCANDIDATES\tMATCHES\tEACH\tRULE\tFOUND BY")
	for _, r := range p.Rules() {
		each := time.Duration(0)
		if r.Candidates > 0 {
			each = r.Time / time.Duration(r.Candidates)
		}
		by := r.FoundBy
		if by == "" {
			by = "residual"
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%s\t%s\t%s\n", r.Time.Round(time.Microsecond), r.Candidates, r.Matches, each, r.Rule, by)
	}
	return tw.Flush()
}
