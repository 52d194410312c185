package backtest

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// Options say what to count.
type Options struct {
	Catalogue *field.Catalogue
	Marks     []Mark // of false positives
	Remember  bool   // keep what Before needs of this tally
	Before    *Tally // of the rules to compare with, of the same events, which remembers; nil: none
}

// Tally counts detections. It is safe for concurrent use.
type Tally struct {
	opt   Options
	order []string

	mu     sync.Mutex
	rules  map[string]*ruleTally
	alerts uint64
	first  time.Time
	last   time.Time
}

// Bounds of what is kept of a rule.
const (
	maxValues   = 10_000 // users, or namespaces
	maxPatterns = 50_000 // sets of values that exceptions could name
	maxTexts    = 1_000  // sentences of detections, to show some that another set of rules does not give
	maxExamples = 5
)

// ruleTally is what was counted of a rule.
type ruleTally struct {
	rule       *rules.Rule
	alerts     uint64
	days       map[string]uint64
	users      counts
	namespaces counts

	detections map[string]*detected // by event; to compare with
	texts      int

	added       uint64 // against the rules before
	newUsers    counts
	newExamples []string
	patterns    patterns
	marked      uint64
}

// detected is how often a rule fired on an event.
type detected struct {
	times           uint64
	user, namespace string
	text            string // "" where there were many
}

// counts counts values; those beyond maxValues together.
type counts struct {
	of     map[string]uint64
	others uint64
}

func (c *counts) add(value string) {
	if c.of == nil {
		c.of = map[string]uint64{}
	}
	if _, known := c.of[value]; !known && len(c.of) >= maxValues {
		c.others++
		return
	}
	c.of[value]++
}

// New makes a tally of the enabled rules of a set.
func New(rs *rules.Ruleset, opt Options) *Tally {
	t := &Tally{opt: opt, rules: map[string]*ruleTally{}}
	for _, r := range rs.Rules {
		if !r.Enabled {
			continue
		}
		t.order = append(t.order, r.Name)
		t.rules[r.Name] = newRuleTally(r, &opt)
	}
	return t
}

func newRuleTally(r *rules.Rule, opt *Options) *ruleTally {
	rt := &ruleTally{rule: r, days: map[string]uint64{}, detections: map[string]*detected{}}
	if slices.ContainsFunc(opt.Marks, func(m Mark) bool { return m.Rule == r.Name }) {
		rt.patterns = newPatterns(r, opt.Catalogue)
	}
	return rt
}

// Add counts a detection. id tells the event from all others. The event may be changed
// when it is counted.
func (t *Tally) Add(id string, e *audit.Event, d match.Detection) {
	c := field.Context{Event: e, Num: 1, First: e.Time}
	user, namespace := t.value(&c, "ka.user.name"), t.value(&c, "ka.target.namespace")
	t.mu.Lock()
	defer t.mu.Unlock()
	rt := t.rules[d.Rule.Name]
	if rt == nil { // a rule of a service's that the set has not; it cannot be
		rt = newRuleTally(d.Rule, &t.opt)
		t.rules[d.Rule.Name], t.order = rt, append(t.order, d.Rule.Name)
	}
	t.alerts++
	t.span(e.Time)
	rt.alerts++
	rt.days[e.Time.UTC().Format(time.DateOnly)]++
	rt.users.add(user)
	rt.namespaces.add(namespace)
	if t.opt.Remember || t.opt.Before != nil {
		rt.note(id, e, user, namespace)
		t.compare(rt, id, e, user)
	}
	if rt.patterns.fields != nil {
		marked := t.isMarked(id, &c, d)
		if marked {
			rt.marked++
		}
		rt.patterns.add(&c, user, namespace, marked)
	}
}

func (t *Tally) span(at time.Time) {
	if t.first.IsZero() || at.Before(t.first) {
		t.first = at
	}
	if at.After(t.last) {
		t.last = at
	}
}

// value is the text of a field without argument; "" where it is absent.
func (t *Tally) value(c *field.Context, name string) string {
	f, ok := t.opt.Catalogue.Lookup(name)
	if !ok {
		return ""
	}
	items := f.Extract(c, field.Arg{})
	if len(items) == 0 {
		return ""
	}
	return strings.Clone(items[0].Text)
}

// note remembers a detection, for a set of rules that is compared with this one.
func (rt *ruleTally) note(id string, e *audit.Event, user, namespace string) {
	x := rt.detections[id]
	if x == nil {
		x = &detected{user: user, namespace: namespace}
		if rt.texts < maxTexts {
			rt.texts++
			x.text = sentence(e)
		}
		rt.detections[strings.Clone(id)] = x
	}
	x.times++
}

// compare counts a detection that the rules before did not give.
func (t *Tally) compare(rt *ruleTally, id string, e *audit.Event, user string) {
	if t.opt.Before == nil {
		return
	}
	if before := t.opt.Before.rules[rt.rule.Name]; before != nil {
		if x := before.detections[id]; x != nil && x.times >= rt.detections[id].times {
			return
		}
	}
	rt.added++
	rt.newUsers.add(user)
	if len(rt.newExamples) < maxExamples {
		rt.newExamples = append(rt.newExamples, sentence(e))
	}
}

func sentence(e *audit.Event) string {
	return e.Time.UTC().Format(time.DateTime) + " " + e.Answer().String()
}

// Value is a value with the number of detections that have it.
type Value struct {
	Value  string `json:"value"` // "" where the event has none
	Alerts uint64 `json:"alerts"`
}

// top gives the most frequent values, at most n, and how many detections have others.
func (c *counts) top(n int) (all []Value, others uint64) {
	for v, k := range c.of {
		all = append(all, Value{v, k})
	}
	slices.SortFunc(all, func(a, b Value) int {
		return cmp.Or(cmp.Compare(b.Alerts, a.Alerts), strings.Compare(a.Value, b.Value))
	})
	others = c.others
	if len(all) > n {
		for _, v := range all[n:] {
			others += v.Alerts
		}
		all = all[:n]
	}
	return all, others
}
