package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Change is the smallest change of a policy that serves a rule, without taking anything from others.
type Change struct {
	Insert []Insertion `json:"insert"`
	Stages []string    `json:"stages,omitempty"` // to be taken out of the omitStages of the whole policy
}

// Insertion is rules to be put into a policy.
type Insertion struct {
	Before int    `json:"before"` // this rule of the policy as it is, from 1; one more than there are: at the end
	Rules  string `json:"rules"`  // as they are written below "rules:"
}

// changeFor serves what is lost of a blind rule. It is nil where no policy would, or where nobody can change it.
func changeFor(lost []Loss, source *Source) *Change {
	if source.Fixed != "" {
		return nil
	}
	out := &Change{}
	at := map[int][]*ruleText{}
	for i := range lost {
		l := &lost[i]
		if l.Needs == "" || i > 0 && (l.Stage == Panic || lost[0].Common() && !l.Common()) {
			continue
		}
		if slices.Contains(source.Policy.omitStages, l.Stage) {
			out.Stages = appendNew(out.Stages, l.Stage)
		}
		before := l.Rule
		if before == 0 {
			before = source.Policy.Rules() + 1
		}
		at[before] = insert(at[before], l, source.Policy.omitStages)
	}
	for _, before := range slices.Sorted(maps.Keys(at)) {
		var b strings.Builder
		for _, r := range at[before] {
			r.write(&b)
		}
		out.Insert = append(out.Insert, Insertion{before, b.String()})
	}
	if len(out.Insert) == 0 {
		return nil
	}
	return out
}

// insert adds a rule for a loss, or makes one longer that says the same about other resources. Some stages are omitted anyway.
func insert(rs []*ruleText, l *Loss, omitted []string) []*ruleText {
	r := &ruleText{level: max(l.level, levelNamed(l.Recorded)), verbs: l.Verbs}
	r.users, r.groups = onlyFor(l.whos)
	for _, s := range allStages { // what is recorded stays so
		if s != l.Stage && !slices.Contains(omitted, s) && (l.Recorded == None.String() || slices.Contains(l.omits, s)) {
			r.omit = append(r.omit, s)
		}
	}
	if len(l.Verbs) == len(resourceVerbs) && l.targets[0].path == nil || len(l.Verbs) == len(pathVerbs) && l.targets[0].path != nil {
		r.verbs = nil
	}
	wide := everything(l.targets) || !slices.ContainsFunc(l.targets, func(t *target) bool { return !t.anyGroup || t.resource != other })
	var urls []string
	for _, t := range l.targets {
		switch {
		case wide && t.path == nil:
		case t.path != nil && t.like == "other paths":
			urls = appendNew(urls, "*")
		case t.path != nil:
			urls = appendNew(urls, t.like)
		case t.anyGroup && t.resource == other, (t.anyResource || t.seldom()) && !t.anyGroup && anyNamed(l.targets):
			continue // whatever else there may be; those that have a name are meant
		default:
			r.addResource(t)
		}
	}
	if len(urls) > 0 {
		u := *r
		u.urls, u.resources = urls, nil
		rs = add(rs, &u)
	}
	if len(r.resources) > 0 || wide {
		rs = add(rs, r)
	}
	return rs
}

// anyNamed tells whether resources are among targets that have a name.
func anyNamed(ts []*target) bool {
	return slices.ContainsFunc(ts, func(t *target) bool { return t.path == nil && !t.anyResource && !t.seldom() })
}

// add adds a rule to those that have it not yet.
func add(rs []*ruleText, r *ruleText) []*ruleText {
	for _, have := range rs {
		if have.catchAll() && have.level >= r.level && slices.Equal(have.omit, r.omit) && len(have.users)+len(have.groups) == 0 {
			return rs // it does for this as well
		}
		if have.level == r.level && slices.Equal(have.verbs, r.verbs) && slices.Equal(have.users, r.users) && slices.Equal(have.groups, r.groups) &&
			slices.Equal(have.omit, r.omit) && (len(have.urls) > 0) == (len(r.urls) > 0) {
			have.urls = appendNew(have.urls, r.urls...)
			for _, g := range r.resources {
				for _, n := range g.names {
					have.addNamed(g.group, n)
				}
			}
			return rs
		}
	}
	return append(rs, r)
}

func (r *ruleText) addNamed(group, name string) {
	i := slices.IndexFunc(r.resources, func(g resourceText) bool { return g.group == group })
	if i < 0 {
		r.resources = append(r.resources, resourceText{group: group, names: []string{name}})
		return
	}
	r.resources[i].names = appendNew(r.resources[i].names, name)
}

// onlyFor names those whose requests are lost, where a policy can: no one where others' are as well.
func onlyFor(whos []*identity) (users, groups []string) {
	for _, w := range whos {
		switch {
		case w.nobody, w.anybody:
			return nil, nil
		case w.name.exact:
			users = appendNew(users, w.name.is)
		case strings.HasPrefix(w.like, nodePrefix):
			groups = appendNew(groups, nodesGroup)
		default:
			return nil, nil
		}
	}
	if len(users) > 0 && len(groups) > 0 {
		return nil, nil // a rule asks for both at once
	}
	return users, groups
}

// Sentences tells about a rule in words, one or few lines.
func (c *RuleCoverage) Sentences(source *Source) []string {
	name := fmt.Sprintf("%q", c.Rule)
	switch c.Status {
	case Sees:
		return []string{name + " sees all that it looks for."}
	case Never:
		return []string{name + " can never fire, whatever is recorded: its condition holds for no event."}
	case Blind:
		out := []string{name + " is blind: " + c.Lost[0].sentence()}
		if c.Again {
			out[0] += " (It would see those under events.k8s.io, which clients do not use.)"
		}
		return append(out, c.advice(source)...)
	}
	out := name + " sees only a part: " + c.Lost[0].sentence()
	if n := len(c.Lost) - 1; n > 0 {
		out += fmt.Sprintf(" (And %d more.)", n)
	}
	return []string{out}
}

func (c *RuleCoverage) advice(source *Source) []string {
	switch {
	case len(c.Advice) > 0:
		return c.Advice
	case c.Change == nil && source.Fixed != "":
		return []string{source.Fixed}
	case c.Change == nil:
		return []string{"No audit policy would help."}
	}
	var out []string
	if len(c.Change.Stages) > 0 {
		out = append(out, "Take "+strings.Join(c.Change.Stages, ", ")+" out of the omitStages of the whole policy.")
	}
	for _, i := range c.Change.Insert {
		where := fmt.Sprintf("before rule %d", i.Before)
		if i.Before > source.Policy.Rules() {
			where = "at the end"
		}
		out = append(out, "Insert "+where+":", strings.TrimSuffix(i.Rules, "\n"))
	}
	return out
}

// sentence tells of a loss.
func (l *Loss) sentence() string {
	var b strings.Builder
	if l.Part != "" {
		b.WriteString(l.Part + ", ")
	}
	what := several(l.Verbs, 8, "other verbs") + " of " + several(l.Targets, 4, "others")
	if slices.Equal(l.Verbs, resourceVerbs) {
		what = "requests for " + several(l.Targets, 4, "others")
	}
	if len(l.Users) > 0 {
		what += " by " + several(l.Users, 3, "others")
	}
	by := "no rule of it fits"
	if l.Rule > 0 {
		by = fmt.Sprintf("rule %d", l.Rule)
	}
	clause := ""
	if len(l.Clauses) > 0 {
		clause = several(quoted(l.Clauses), 2, "others") + " "
	}
	switch {
	case l.Why != "" && l.Omitted:
		fmt.Fprintf(&b, "no review tells of stage %s of %s: %s.", l.Stage, what, l.Why)
	case l.Why != "" && clause == "":
		fmt.Fprintf(&b, "no review tells of %s: %s.", what, l.Why)
	case l.Why != "":
		fmt.Fprintf(&b, "%scan not hold for %s: %s.", clause, what, l.Why)
	case l.Needs == "":
		fmt.Fprintf(&b, "%scan not hold for %s, at no level.", clause, what)
	case l.Recorded == None.String():
		fmt.Fprintf(&b, "the policy records nothing of %s (%s).", what, by)
	case l.Omitted && l.level > levelNamed(l.Recorded):
		fmt.Fprintf(&b, "%sneeds %s of %s at stage %s; the policy records %s and leaves that stage out (%s).", clause, bodies[l.level], what, l.Stage, l.Recorded, by)
	case l.Omitted:
		fmt.Fprintf(&b, "it needs stage %s of %s; the policy leaves it out (%s).", l.Stage, what, by)
	default:
		fmt.Fprintf(&b, "%sneeds %s of %s; the policy records %s there (%s).", clause, bodies[l.level], what, l.Recorded, by)
	}
	return b.String()
}

// bodies is what a level adds, in words.
var bodies = [...]string{"nothing", "events", "request bodies", "answers"}

func levelNamed(name string) Level { return Level(max(0, slices.Index(levelNames[:], name))) }

func quoted(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		if len(s) > 80 {
			s = s[:80] + "..."
		}
		out[i] = "`" + s + "`"
	}
	return out
}

// several lists a few things.
func several(list []string, few int, rest string) string {
	if len(list) > few+1 {
		return strings.Join(list[:few], ", ") + fmt.Sprintf(" and %d %s", len(list)-few, rest)
	}
	return strings.Join(list, ", ")
}
