package policy

import (
	"cmp"
	"slices"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// Status is what a source means for a rule.
type Status string

// From the best to the worst.
const (
	Sees   Status = "sees"   // every request that it could fire on is recorded as it needs
	Partly Status = "partly" // some are not
	Blind  Status = "blind"  // it can fire on nothing that the source gives
	Never  Status = "never"  // nor on anything else: its condition holds for no event
)

// Coverage is what a source means for rules, in their order.
type Coverage struct {
	Source string         `json:"source"`
	Rules  []RuleCoverage `json:"rules"`
}

// RuleCoverage is what a source means for one rule.
type RuleCoverage struct {
	Rule   string   `json:"rule"`
	File   string   `json:"file"`
	Line   int      `json:"line"`
	Status Status   `json:"status"`
	Lost   []Loss   `json:"lost,omitempty"`   // what it cannot fire on, the worst first
	Change *Change  `json:"change,omitempty"` // of a blind rule: what would open its eyes; nil where nothing would
	Advice []string `json:"advice,omitempty"` // of a blind rule, where it is no change of a policy: the same, in sentences

	// Again says that a blind rule would see requests for events under the group events.k8s.io. Clients ask for them in the
	// core group, where they are the same.
	Again bool `json:"events_k8s_io,omitempty"`
}

// Loss is requests that a rule would fire on if they were recorded in another way.
type Loss struct {
	Part     string   `json:"part,omitempty"` // of the rule, where it has parts: step 2
	Verbs    []string `json:"verbs"`
	Targets  []string `json:"targets"`
	Users    []string `json:"users,omitempty"`   // of whom; none: of people, whoever else there is
	Clauses  []string `json:"clauses,omitempty"` // which can never hold, as written
	Stage    string   `json:"stage"`             // that the rule looks at
	Omitted  bool     `json:"omitted,omitempty"` // the policy leaves this stage out
	Recorded string   `json:"recorded"`          // the level
	Needs    string   `json:"needs,omitempty"`   // the lowest level that would do; "" where none would
	Why      string   `json:"why,omitempty"`     // what the source does not tell, where that is the reason
	Rule     int      `json:"policy_rule"`       // of the policy that fits, from 1; 0: none does

	aside   bool     // of reviews, what is left out everywhere
	config  bool     // another configuration of the webhook would ask about it
	success []string // clauses that ask whether it went through, and hold where there is an answer
	targets []*target
	whos    []*identity
	level   Level
	omits   []string
}

// Of gives the coverage of one rule by its name; nil where there is none.
func (c *Coverage) Of(rule string) *RuleCoverage {
	for i := range c.Rules {
		if c.Rules[i].Rule == rule {
			return &c.Rules[i]
		}
	}
	return nil
}

// Blind gives the names of the rules that can not fire.
func (c *Coverage) Blind() []string {
	var out []string
	for i := range c.Rules {
		if c.Rules[i].Status == Blind {
			out = append(out, c.Rules[i].Rule)
		}
	}
	return out
}

// Cover tells what a source means for the enabled ones of some rules. strict is that of the matcher.
func Cover(rs []*rules.Rule, cat *field.Catalogue, strict bool, source *Source) *Coverage {
	out := &Coverage{Source: source.Name}
	j := newJudge(cat, strict)
	for _, r := range rs {
		if r.Enabled {
			out.Rules = append(out.Rules, coverRule(j, r, source))
		}
	}
	return out
}

func coverRule(j *judge, r *rules.Rule, source *Source) RuleCoverage {
	out := RuleCoverage{Rule: r.Name, File: r.File, Line: r.Line, Status: Sees}
	worse := func(s Status) {
		order := []Status{Sees, Partly, Blind, Never}
		if slices.Index(order, s) > slices.Index(order, out.Status) {
			out.Status = s
		}
	}
	for _, d := range demandsOf(r) {
		c := covering{j: j, source: source, demand: d}
		c.run()
		if c.can+c.again == c.could { // about nothing else, or nothing is lost
			c.can += c.again
		}
		switch {
		case c.could == 0:
			worse(Never)
		case c.can == 0:
			worse(Blind)
			out.Again = c.again > 0
		case len(c.lost) > 0:
			worse(Partly)
		}
		out.Lost = append(out.Lost, c.lost...)
	}
	for i := range out.Lost {
		out.Lost[i].tidy()
	}
	slices.SortStableFunc(out.Lost, compareLosses)
	if out.Status == Blind {
		if source.reviews {
			slices.SortStableFunc(out.Lost, byClause)
		}
		out.Change = changeFor(out.Lost, source)
		out.Advice = source.advice(out.Lost)
	}
	return out
}

// covering is one demand under a source.
type covering struct {
	j      *judge
	source *Source
	demand demand

	could, can int // classes on which it could hold, and those on which it can
	again      int // those on which it can of resources that are the same again
	lost       []Loss
}

func (c *covering) run() {
	k := classesOf(c.source.Policy, c.demand.literal, false)
	for _, t := range k.targets {
		for _, verb := range k.verbsOf(t, c.demand.literal) {
			somebody := &class{verb: verb, target: t, like: t.request(verb)}
			if len(c.hopes(somebody)) > 0 {
				k.each(verb, t, c.class)
			}
		}
	}
}

// hopes are the stages at which the demand can hold, whatever is recorded.
func (c *covering) hopes(k *class) []string {
	if c.demand.asksLevel() {
		return c.j.hopesAt(c.demand, k, Metadata, WithRequest, RequestResponse)
	}
	return c.j.hopes(c.demand, k)
}

// asksLevel tells whether the rule is about the policy: it asks for the level itself.
func (d *demand) asksLevel() bool { return len(d.literal["/level"]) > 0 }

// hopes are the stages at which a demand can hold if everything is recorded.
func (j *judge) hopes(d demand, k *class) []string { return j.hopesAt(d, k, RequestResponse) }

// hopesAt are the stages at which a demand can hold at one of some levels.
func (j *judge) hopesAt(d demand, k *class, levels ...Level) []string {
	var out []string
	for _, stage := range k.stages() {
		if (d.stage == "" || d.stage == stage) && slices.ContainsFunc(levels, func(l Level) bool { return j.expr(d.quick, k.at(stage, j.every, l, true)).holds() }) {
			out = append(out, stage)
		}
	}
	return out
}

// class judges one class. One stage at which the demand can hold is enough.
func (c *covering) class(k *class) {
	hopes := c.hopes(k)
	if len(hopes) == 0 {
		return
	}
	c.could++
	rec := c.source.Policy.Record(&k.like)
	for _, stage := range hopes {
		if rec.Level > None && !slices.Contains(rec.OmitStages, stage) && c.holds(k, stage, rec.Level, !rec.OmitManagedFields, rec) {
			if k.target.again() {
				c.again++
			} else {
				c.can++
			}
			c.narrow(k, stage, rec)
			return
		}
	}
	c.lose(k, bestStage(hopes), rec)
}

// holds tells whether the demand can hold at a level. One that asks for the level may also hold at a lower one: where more is
// recorded, what it looks for does not happen.
func (c *covering) holds(k *class, stage string, level Level, managed bool, rec Recording) bool {
	if c.demand.asksLevel() && level > Metadata && !c.source.reviews && c.holds(k, stage, level-1, managed, rec) {
		return true
	}
	return slices.ContainsFunc(c.source.told(k), func(verb string) bool {
		return c.j.expr(c.demand.quick, c.moment(k, verb, stage, level, managed, rec)).holds()
	})
}

// moment is what a source tells of a class, by a verb.
func (c *covering) moment(k *class, verb, stage string, level Level, managed bool, rec Recording) *moment {
	if verb != k.verb {
		told := *k
		told.verb = verb
		k = &told
	}
	m := k.at(stage, c.source, level, managed)
	m.moves = func(group string) bool {
		in := k.like
		in.Groups = append(slices.Clone(in.Groups), group)
		return c.source.Policy.Record(&in).Rule != rec.Rule
	}
	return m
}

// bestStage is the one of which people think first.
func bestStage(stages []string) string {
	for _, s := range []string{ResponseComplete, ResponseStarted, RequestReceived} {
		if slices.Contains(stages, s) {
			return s
		}
	}
	return stages[0]
}

// lose notes why a class is lost.
func (c *covering) lose(k *class, stage string, rec Recording) {
	l := Loss{
		Part: c.demand.what, Verbs: []string{k.verb}, targets: []*target{k.target}, whos: []*identity{k.who},
		Stage: stage, Omitted: slices.Contains(rec.OmitStages, stage), Recorded: rec.Level.String(), Rule: rec.Rule, omits: rec.OmitStages,
	}
	if c.source.reviews {
		c.explainReview(&l, k, rec)
	} else {
		c.explain(&l, k, rec, Metadata, RequestResponse)
	}
	c.note(&l)
}

// note adds a loss to those that are the same but for verbs, targets and users.
func (c *covering) note(l *Loss) {
	for i := range c.lost {
		if c.lost[i].same(l) {
			c.lost[i].join(l)
			return
		}
	}
	c.lost = append(c.lost, *l)
}

// explain tells what would have to be recorded, from some levels, and which clauses keep the demand from holding.
func (c *covering) explain(l *Loss, k *class, rec Recording, least, most Level) {
	for level := least; level <= most; level++ {
		if c.holds(k, l.Stage, level, true, rec) {
			l.level, l.Needs = level, level.String()
			break
		}
	}
	if rec.Level == None && l.Needs != "" {
		return // what is not recorded at all has no clauses to tell of
	}
	judged := rec.Level
	if l.Needs == "" {
		judged = RequestResponse
	}
	full := k.at(l.Stage, nil, RequestResponse, true)
	failing, why := c.failing(full, c.moment(k, c.source.told(k)[0], l.Stage, judged, !rec.OmitManagedFields, rec))
	if l.Clauses = failing; l.Needs == "" {
		l.Why = why
	}
}

// failing gives the checks that can hold when everything is recorded, and cannot at a moment; why is what the source lacks
// for the first of them.
func (c *covering) failing(full, m *moment) (clauses []string, why string) {
	return c.failingOf(c.demand.expr, full, m)
}

// failingOf gives them of a part of the condition.
func (c *covering) failingOf(e condition.Expr, full, m *moment) (clauses []string, why string) {
	var walk func(e condition.Expr)
	walk = func(e condition.Expr) {
		if c.j.expr(e, m).holds() || !c.j.expr(e, full).holds() {
			return
		}
		switch e := e.(type) {
		case *condition.And:
			for _, t := range e.Terms {
				walk(t)
			}
		case *condition.Or:
			for _, t := range e.Terms {
				walk(t)
			}
		case *condition.Not:
			clauses = append(clauses, e.String())
			why = cmp.Or(why, c.whyOfReview(e))
		case *condition.Check:
			clauses = append(clauses, e.String())
			why = cmp.Or(why, c.lackOf(e, m), c.whyOfReview(e))
		}
	}
	walk(e)
	return slices.Compact(clauses), why
}

// lackOf tells what the source does not have of a check.
func (c *covering) lackOf(e *condition.Check, m *moment) string {
	for _, u := range c.j.usesOf(e) {
		pointers := u.pointers
		if u.query != "" {
			pointers = append(slices.Clone(pointers), "/requestURI?"+u.query)
		}
		for _, p := range pointers {
			if why := m.lacks(p); why != "" {
				return why
			}
		}
	}
	return ""
}

func (l *Loss) same(m *Loss) bool {
	return l.Part == m.Part && l.Stage == m.Stage && l.Omitted == m.Omitted && l.Recorded == m.Recorded && l.Needs == m.Needs &&
		l.Why == m.Why && l.Rule == m.Rule && slices.Equal(l.Clauses, m.Clauses) && (l.targets[0].path == nil) == (m.targets[0].path == nil)
}

func (l *Loss) join(m *Loss) {
	l.Verbs = appendNew(l.Verbs, m.Verbs...)
	l.targets = appendNew(l.targets, m.targets...)
	for _, w := range m.whos {
		if !slices.ContainsFunc(l.whos, func(have *identity) bool { return have.label == w.label }) {
			l.whos = append(l.whos, w)
		}
	}
}

func appendNew[T comparable](list []T, more ...T) []T {
	for _, m := range more {
		if !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	return list
}

// tidy fills in what is shown.
func (l *Loss) tidy() {
	order := append(slices.Clone(resourceVerbs), pathVerbs...)
	slices.SortFunc(l.Verbs, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	switch {
	case everything(l.targets):
		l.Targets = []string{"all resources"}
	default:
		for _, t := range l.targets {
			l.Targets = appendNew(l.Targets, t.name())
		}
	}
	for _, w := range l.whos {
		if w != nobody && w != anybody {
			l.Users = appendNew(l.Users, w.label)
		}
	}
	if l.byPeople() {
		l.Users = nil
	}
}

// Common tells whether people are concerned, not only those whom the policy names and the cluster itself. What the webhook's
// configuration leaves out is not common.
func (l *Loss) Common() bool {
	return !l.aside && l.byPeople()
}

func (l *Loss) byPeople() bool {
	return slices.ContainsFunc(l.whos, func(w *identity) bool { return w.anybody || w.label == people })
}

// everything tells whether targets are all that the API has.
func everything(ts []*target) bool {
	n := 0
	for _, t := range ts {
		if t.anyResource {
			n++
		}
	}
	return n > len(known)
}

// compareLosses puts first what concerns most.
func compareLosses(a, b Loss) int {
	rank := func(l *Loss) int {
		n := 0
		if !l.byPeople() {
			n++
		}
		if l.aside {
			n++
		}
		if l.Stage == Panic {
			n += 2
		}
		return n
	}
	return cmp.Or(rank(&a)-rank(&b), len(b.targets)*len(b.Verbs)*len(b.whos)-len(a.targets)*len(a.Verbs)*len(a.whos))
}
