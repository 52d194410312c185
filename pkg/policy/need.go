package policy

import (
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// need is what must be recorded of a class so that rules judge it as if everything were recorded.
type need struct {
	level   Level
	stages  uint8 // bit i: allStages[i]
	managed bool
}

func (n need) join(m need) need {
	return need{max(n.level, m.level), n.stages | m.stages, n.managed || m.managed}
}

// omits are the stages that nobody asks for.
func (n need) omits() []string {
	var out []string
	for i, s := range allStages {
		if n.stages&(1<<i) == 0 {
			out = append(out, s)
		}
	}
	return out
}

// table is what is needed of somebody's requests.
type table map[*target]map[string]need

// needs are what rules need, of whom.
type needs struct {
	targets []*target
	tables  map[*identity]table
	askers  map[asked][]asker // rules that ask for it, in order
	general map[string]int    // of how much each rule asks for something
	floors  map[sent]Level    // what is recorded at all must be recorded at this level
}

// sent is requests of somebody.
type sent struct {
	who    *identity
	target *target
	verb   string
}

type asked struct {
	target *target
	verb   string
}

// asker is a rule that asks for something, and for how much of it.
type asker struct {
	rule  string
	level Level
}

func (n *needs) of(who *identity) table {
	t := n.tables[who]
	if t == nil {
		t = table{}
		n.tables[who] = t
	}
	return t
}

func (t table) get(at *target, verb string) need { return t[at][verb] }

func (t table) join(at *target, verb string, n need) {
	if t[at] == nil {
		t[at] = map[string]need{}
	}
	t[at][verb] = t[at][verb].join(n)
}

// needsOf collects what the enabled rules need of each of some identities.
func needsOf(rs []*rules.Rule, cat *field.Catalogue, strict bool, whos []*identity) *needs {
	var demands [][]demand
	all := literals{}
	for _, r := range rs {
		ds := demandsOf(r)
		demands = append(demands, ds)
		for _, d := range ds {
			for at, texts := range d.literal {
				all[at] = appendNew(all[at], texts...)
			}
		}
	}
	k := classesOf(&Policy{}, all, false)
	out := &needs{targets: k.targets, tables: map[*identity]table{}, askers: map[asked][]asker{}, general: map[string]int{}, floors: map[sent]Level{}}
	c := collecting{judge: newJudge(cat, strict), needs: out, whos: whos}
	c.every = audited // what only reviews tell, no policy brings
	for i, r := range rs {
		if !r.Enabled {
			continue
		}
		for _, d := range demands[i] {
			for _, t := range k.targets {
				for _, verb := range k.verbsOf(t, all) {
					c.class(r.Name, d, t, verb)
				}
			}
		}
	}
	out.raise()
	return out
}

type collecting struct {
	*judge
	needs *needs
	whos  []*identity
}

func (c *collecting) class(rule string, d demand, t *target, verb string) {
	if d.asksLevel() {
		c.floor(d, t, verb)
	}
	if len(c.hopes(d, &class{verb: verb, target: t, like: t.request(verb)})) == 0 {
		return
	}
	level := None
	for _, who := range c.whos {
		k := &class{verb: verb, target: t, who: who, like: who.put(t.request(verb))}
		hopes := c.hopes(d, k)
		if len(hopes) == 0 {
			continue
		}
		if d.some {
			hopes = []string{bestStage(hopes)}
		}
		n := need{level: Metadata}
		for _, stage := range hopes {
			m := k.at(stage, c.every, RequestResponse, true)
			c.support(d.expr, m, func(u *use) { n = n.join(u.need(m)) })
		}
		if d.asksLevel() {
			n.level = RequestResponse
		}
		if len(d.stages) > 0 {
			hopes = d.stages
		}
		for _, stage := range hopes {
			n.stages |= 1 << slices.Index(allStages, stage)
		}
		for i, stage := range allStages {
			if !who.nobody && !slices.Contains(k.stages(), stage) {
				n.stages |= 1 << i // it does not come, so that it need not be left out
			}
		}
		c.needs.of(who).join(t, verb, n)
		level = max(level, n.level)
	}
	if level > None {
		at := asked{t, verb}
		c.needs.askers[at] = append(c.needs.askers[at], asker{rule, level})
		c.needs.general[rule]++
	}
}

// floor notes from which level on a rule that asks for the level says what it says when everything is recorded.
func (c *collecting) floor(d demand, t *target, verb string) {
	for _, who := range c.whos {
		k := &class{verb: verb, target: t, who: who, like: who.put(t.request(verb))}
		for _, stage := range k.stages() {
			level := RequestResponse
			holds := func(l Level) bool { return c.expr(d.expr, k.at(stage, c.every, l, true)).holds() }
			for full := holds(level); level > Metadata && holds(level-1) == full; level-- {
			}
			if level > Metadata {
				at := sent{who, t, verb}
				c.needs.floors[at] = max(c.needs.floors[at], level)
			}
		}
	}
}

// raise puts what is recorded onto the floors.
func (n *needs) raise() {
	for at, level := range n.floors {
		if cell, ok := n.tables[at.who][at.target][at.verb]; ok && cell.level > None {
			cell.level = max(cell.level, level)
			n.tables[at.who][at.target][at.verb] = cell
		}
	}
}

// support calls visit for the fields on which the outcome of a condition hangs.
func (j *judge) support(e condition.Expr, m *moment, visit func(*use)) {
	if j.expr(e, m).decided() {
		return
	}
	switch e := e.(type) {
	case *condition.And:
		for _, t := range e.Terms {
			j.support(t, m, visit)
		}
	case *condition.Or:
		for _, t := range e.Terms {
			j.support(t, m, visit)
		}
	case *condition.Not:
		j.support(e.X, m, visit)
	case *condition.Check:
		uses := j.usesOf(e)
		for i := range uses {
			visit(&uses[i])
		}
	}
}

// need is what must be recorded for the field to be as if everything were.
func (u *use) need(m *moment) need {
	switch u.written.Name {
	case "kw.duplicate_keys":
		return need{level: WithRequest} // of patches: see attribute
	case "kw.dryrun":
		if strings.HasPrefix(m.verb, "delete") {
			return need{level: WithRequest} // the options of a delete are its body
		}
		return need{level: Metadata}
	case "kw.object.name":
		if m.verb == "create" {
			return need{level: RequestResponse} // the server makes names up
		}
		return need{level: Metadata}
	}
	request, response := -1, -1
	n := need{level: Metadata}
	for i, p := range u.pointers {
		n.managed = n.managed || strings.Contains(p, "managedFields")
		switch {
		case p == "/":
			return need{level: RequestResponse, managed: true}
		case strings.HasPrefix(p, "/requestObject") && request < 0:
			request = i
		case strings.HasPrefix(p, "/responseObject") && response < 0:
			response = i
		}
	}
	switch {
	case response >= 0 && (request < 0 || request > response || m.verb == "patch" || !writesObject(m.verb)):
		n.level = RequestResponse
	case request >= 0:
		n.level = WithRequest // of a create or an update, the answer is looked at where the request has no object, which is never
	}
	return n
}

func writesObject(verb string) bool { return verb == "create" || verb == "update" }
