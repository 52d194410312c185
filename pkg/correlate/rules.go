package correlate

import (
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/format"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// Rules are the stateful rules of a set, compiled. They are immutable and safe for
// concurrent use.
type Rules struct {
	matcher func() (*match.Matcher, error) // of what an event must meet to be looked at, made when it is first asked for; nil where there are no rules
	looked  *rules.Ruleset                 // the matcher's
	probes  []probe                        // by the number of the matcher's rule
	rules   []*rule
	timed   map[string]bool // verbs whose requests have a time to be completed
	seen    bool            // a rule asks for what was seen before
	digest  [sha256.Size]byte
}

// probe says what an event is for a rule that meets one of the matcher's.
type probe struct {
	rule, step int32
	alone      *Observation // of an event that meets nothing else, which is all there is to say of it; may be nil
}

// rule is a stateful rule.
type rule struct {
	spec   *rules.Rule
	state  *rules.State // nil: it only asks for what was seen before
	single *match.Single
	whole  []*match.Single // by step, where what was seen before decides: the whole condition
	by     [][]term        // by step
	values []term          // distinct or new
	differ [][]term        // by step
	digest [sha256.Size]byte
}

// term is a field whose text is taken.
type term struct {
	field *field.Field
	arg   field.Arg
}

// New compiles the enabled stateful rules of a set. AppendFields and Strict of the
// options are as for a matcher.
func New(rs *rules.Ruleset, cat *field.Catalogue, opt match.Options) (*Rules, error) {
	b := &builder{cat: cat, opt: opt, out: &Rules{timed: map[string]bool{}}, probes: &rules.Ruleset{}}
	all := sha256.New()
	for _, r := range rs.Rules {
		if !r.Enabled || !r.Stateful() {
			continue
		}
		if err := b.rule(r); err != nil {
			return nil, fmt.Errorf("correlate: rule %q: %w", r.Name, err)
		}
		d := b.out.rules[len(b.out.rules)-1].digest
		all.Write(d[:])
	}
	b.out.digest = [sha256.Size]byte(all.Sum(nil))
	if len(b.probes.Rules) == 0 {
		return b.out, nil
	}
	b.out.looked = b.probes
	if _, err := match.NewPlain(b.probes, cat, match.Options{Strict: opt.Strict}); err != nil {
		return nil, fmt.Errorf("correlate: %w", err)
	}
	b.out.matcher = sync.OnceValues(func() (*match.Matcher, error) { return match.New(b.probes, cat, match.Options{Strict: opt.Strict}) })
	return b.out, nil
}

// Len is how many rules there are.
func (r *Rules) Len() int { return len(r.rules) }

// Looked are the conditions that [Rules.Look] looks for in an event, as rules; nil
// where there are none. A matcher that has them beside its own rules looks for both
// in one go, in a [Judge].
func (r *Rules) Looked() *rules.Ruleset { return r.looked }

// Digest changes with what the rules say of events together.
func (r *Rules) Digest() []byte { return r.digest[:] }

// Names are the rules' names, in their order.
func (r *Rules) Names() []string {
	names := make([]string, len(r.rules))
	for i, x := range r.rules {
		names[i] = x.spec.Name
	}
	return names
}

type builder struct {
	cat    *field.Catalogue
	opt    match.Options
	out    *Rules
	probes *rules.Ruleset
}

func (b *builder) rule(spec *rules.Rule) error {
	r := &rule{spec: spec, state: spec.State}
	var err error
	if r.single, err = match.NewSingle(spec, b.cat, b.opt); err != nil {
		return err
	}
	conditions := []condition.Expr{spec.Condition}
	if st := spec.State; st != nil {
		if st.Kind == rules.Sequence {
			conditions = nil
			for _, step := range st.Steps {
				conditions = append(conditions, step.Condition)
				if err := b.step(r, step.By, step.Differs); err != nil {
					return err
				}
			}
		} else if err := b.step(r, st.By, nil); err != nil {
			return err
		}
		values := st.Distinct
		if st.Kind == rules.NewTerms {
			values = st.Terms
		}
		if r.values, err = b.terms(values); err != nil {
			return err
		}
		for verb := range st.Timers {
			b.out.timed[verb] = true
		}
	}
	for step, e := range conditions {
		if err := b.probe(r, step, e); err != nil {
			return err
		}
	}
	b.out.seen = b.out.seen || spec.ReadsSeen
	r.digest = digestOf(spec)
	b.out.rules = append(b.out.rules, r)
	return nil
}

// ofCluster tells whether the rule is about the silence of a cluster as such. Nearly all
// events are signs of life, and there is nothing to be found out of each.
func (r *rule) ofCluster() bool {
	st := r.state
	return st != nil && st.Kind == rules.Absence && len(st.Timers) == 0 && len(st.By) == 0 && !r.spec.ReadsSeen
}

func (b *builder) step(r *rule, by, differs []*condition.Field) error {
	keys, err := b.terms(by)
	if err != nil {
		return err
	}
	others, err := b.terms(differs)
	r.by, r.differ = append(r.by, keys), append(r.differ, others)
	return err
}

// probe adds a condition to those that are looked for in every event. What was seen
// before is not known there, so what asks for it is left out, and judged later.
func (b *builder) probe(r *rule, step int, e condition.Expr) error {
	var whole *match.Single
	if r.spec.ReadsSeen {
		full := *r.spec
		full.Condition = e
		var err error
		if whole, err = match.NewSingle(&full, b.cat, b.opt); err != nil {
			return err
		}
		e = match.Weaken(e, func(name string) bool {
			info, _ := b.cat.Field(name)
			return info.State != condition.OfEvent
		})
		if e == nil {
			e = &condition.And{} // always
		}
	}
	r.whole = append(r.whole, whole)
	b.probes.Rules = append(b.probes.Rules, &rules.Rule{Name: r.spec.Name, Enabled: true, Condition: e, Format: &format.Format{}})
	p := probe{rule: int32(len(b.out.rules)), step: int32(step)}
	if r.ofCluster() {
		p.alone = &Observation{hits: []hit{{rule: p.rule, step: p.step}}}
	}
	b.out.probes = append(b.out.probes, p)
	return nil
}

func (b *builder) terms(fields []*condition.Field) ([]term, error) {
	var out []term
	for _, fl := range fields {
		f, ok := b.cat.Lookup(fl.Name)
		if !ok {
			return nil, fmt.Errorf("no field %s", fl.Name)
		}
		arg, err := f.NoArg()
		if fl.HasArg {
			arg, err = f.ParseArg(fl.Arg)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, term{f, arg})
	}
	return out, nil
}

// digestOf tells rules apart whose states would not fit each other.
func digestOf(r *rules.Rule) (d [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q", r.Name, r.Condition.String())
	if st := r.State; st != nil {
		fmt.Fprintf(h, " %d %d %d %d %d %v", st.Kind, st.Within, st.Suppress, st.Count, st.Learning, st.Timers)
		for _, list := range [][]*condition.Field{st.By, st.Distinct, st.Terms} {
			writeFields(h, list)
		}
		for _, s := range st.Steps {
			fmt.Fprintf(h, " step %q", s.Condition.String())
			writeFields(h, s.By)
			writeFields(h, s.Differs)
		}
	}
	h.Sum(d[:0])
	return d
}

func writeFields(h interface{ Write([]byte) (int, error) }, fields []*condition.Field) {
	fmt.Fprintf(h, " %d", len(fields))
	for _, f := range fields {
		fmt.Fprintf(h, " %q", f.String())
	}
}
