package policy

import (
	"fmt"
	"slices"
	"strings"
)

// composer writes a policy for needs.
type composer struct {
	needs  *needs
	blocks []block
}

// block is the rules for some senders.
type block struct {
	comment string
	rules   []*ruleText
}

// compose makes the rules: where some need less or more than everybody else, they have rules of their own in front.
func (w *composer) compose(s *senders) {
	everybody := w.needs.joined(s.rest)
	for _, at := range w.needs.targets {
		if at.path == nil && !at.anyGroup {
			continue
		}
		for _, p := range s.parties { // for what has no name there is one rule, for all
			for verb, cell := range w.needs.joined(p.whos)[at] {
				everybody.join(at, verb, cell)
			}
		}
	}
	for _, p := range s.parties {
		below := everybody
		if p.below != nil {
			below = w.needs.joined(p.below.whos)
		}
		rules := w.differences(w.needs.joined(p.whos), below)
		for _, r := range rules {
			r.users, r.groups = p.users, p.groups
		}
		w.blocks = append(w.blocks, block{rules: rules})
	}
	rest := restOf(everybody)
	b := block{comment: "Everybody, and what is not said above."}
	b.rules = append(b.rules, w.paths(everybody)...)
	b.rules = append(b.rules, w.resources(everybody, rest)...)
	b.rules = append(b.rules, w.rest(rest)...)
	w.blocks = append(w.blocks, b)
}

// differences makes rules for what needs something else than in another table.
func (w *composer) differences(t, below table) (out []*ruleText) {
	for _, at := range w.needs.targets {
		if at.path != nil || at.anyGroup || at.anyResource {
			continue
		}
		cells := below[at]
		if cells == nil {
			cells = map[string]need{}
		}
		var verbs []string
		for _, v := range at.verbs(false) {
			if possible(at, v, t.get(at, v)) != possible(at, v, cells[v]) {
				verbs = append(verbs, v)
			}
		}
		for _, b := range bundles(t[at], nil, verbs) {
			if b.verbs == nil && len(verbs) < len(at.verbs(false)) {
				b.verbs = verbs
			}
			out = w.place(out, at, b)
		}
	}
	return out
}

// possible is what a need comes to for somebody who has logged in: the rest of it concerns failed logins.
func possible(at *target, verb string, n need) need {
	k := class{verb: verb, target: at, who: anybody, like: at.request(verb)}
	stages := n.stages
	n.stages = 0
	for _, s := range k.stages() {
		n.stages |= stages & (1 << slices.Index(allStages, s))
	}
	if n.stages == 0 || n.level == None {
		return need{}
	}
	return n
}

// catchAll tells whether nothing passes the rule.
func (r *ruleText) catchAll() bool { return len(r.verbs)+len(r.urls)+len(r.resources) == 0 }

// restOf is what is needed of resources in groups that nobody names: policies have no word for a resource whatever its group.
func restOf(t table) map[string]need {
	out := map[string]need{}
	for at, cells := range t {
		if !at.anyGroup {
			continue
		}
		for verb, n := range cells {
			out[verb] = out[verb].join(n)
		}
	}
	return out
}

// bundle is a need with the verbs that have it.
type bundle struct {
	need  need
	verbs []string
}

// bundles puts the verbs together that have the same need, where it is another than the rest's. Verbs are nil where these are
// all.
func bundles(cells, rest map[string]need, verbs []string) (out []bundle) {
	for _, v := range verbs {
		n := cells[v]
		if rest != nil && n == rest[v] {
			continue
		}
		i := slices.IndexFunc(out, func(b bundle) bool { return b.need == n })
		if i < 0 {
			out = append(out, bundle{need: n})
			i = len(out) - 1
		}
		out[i].verbs = append(out[i].verbs, v)
	}
	if len(out) == 1 && len(out[0].verbs) == len(verbs) {
		out[0].verbs = nil
	}
	return out
}

func (w *composer) verbs() []string {
	verbs := slices.Clone(resourceVerbs)
	for at := range w.needs.askers {
		if at.target.path == nil {
			verbs = appendNew(verbs, at.verb)
		}
	}
	slices.Sort(verbs[len(resourceVerbs):])
	return verbs
}

// resources makes rules for what is named, where it needs something else than the rest: by name where it is the odd one of its
// API group, then by groups.
func (w *composer) resources(t table, rest map[string]need) []*ruleText {
	var byName, byGroup []*ruleText
	for _, g := range w.needs.targets {
		if !g.anyResource || g.anyGroup {
			continue
		}
		base := w.usual(t, g.group, rest)
		for _, b := range bundles(base, rest, w.verbs()) {
			byGroup = w.place(byGroup, g, b)
		}
		for _, at := range w.needs.targets {
			if at.path != nil || at.anyGroup || at.anyResource || at.group != g.group {
				continue
			}
			for _, b := range bundles(t[at], base, at.verbs(false)) {
				byName = w.place(byName, at, b)
			}
		}
	}
	byLevel := func(a, b *ruleText) int { return int(a.level) - int(b.level) }
	slices.SortStableFunc(byName, byLevel)
	slices.SortStableFunc(byGroup, byLevel)
	return append(byName, byGroup...)
}

// usual is what most resources of an API group need, verb by verb; of verbs that none of them has, what the rest needs.
func (w *composer) usual(t table, group string, rest map[string]need) map[string]need {
	out := map[string]need{}
	for _, verb := range w.verbs() {
		var cells []need
		for _, at := range w.needs.targets {
			if at.path == nil && !at.anyGroup && at.group == group && slices.Contains(at.verbs(false), verb) {
				cells = append(cells, t.get(at, verb))
			}
		}
		if len(cells) == 0 {
			out[verb] = rest[verb]
		}
		most := 0
		for _, c := range cells {
			n := 0
			for _, d := range cells {
				if c == d {
					n++
				}
			}
			if n > most {
				most, out[verb] = n, c
			}
		}
	}
	return out
}

// place adds a target to the rule that says the same, or to a new one.
func (w *composer) place(out []*ruleText, at *target, b bundle) []*ruleText {
	i := slices.IndexFunc(out, func(r *ruleText) bool {
		return r.level == b.need.level && (r.level == None || slices.Equal(r.omit, b.need.omits())) && slices.Equal(r.verbs, b.verbs)
	})
	if i < 0 {
		out = append(out, newRule(b))
		i = len(out) - 1
	}
	if at.anyResource {
		out[i].resources = append(out[i].resources, resourceText{group: at.group})
		for _, one := range w.needs.targets {
			if one.path == nil && one.group == at.group {
				out[i].askers(w.needs, one, b.verbs)
			}
		}
		return out
	}
	out[i].askers(w.needs, at, b.verbs)
	out[i].addResource(at)
	return out
}

func newRule(b bundle) *ruleText {
	r := &ruleText{level: b.need.level, verbs: b.verbs}
	if b.need.level > None {
		r.omit = b.need.omits()
	}
	return r
}

// askers notes which rules ask for what a rule of the policy records.
func (r *ruleText) askers(n *needs, at *target, verbs []string) {
	if r.level == None {
		return
	}
	if verbs == nil {
		verbs = append(slices.Clone(resourceVerbs), pathVerbs...)
	}
	for _, v := range verbs {
		for _, a := range n.askers[asked{at, v}] {
			if a.level == r.level {
				r.asked = appendNew(r.asked, a.rule)
			}
		}
	}
}

// rest makes the rules for resources that nobody names.
func (w *composer) rest(cells map[string]need) []*ruleText {
	var out []*ruleText
	for _, b := range bundles(cells, nil, w.verbs()) {
		if b.need.level == None {
			continue
		}
		r := newRule(b)
		for _, at := range w.needs.targets {
			if at.anyGroup {
				r.askers(w.needs, at, b.verbs)
			}
		}
		out = append(out, r)
	}
	return out
}

// paths makes the rules for what is outside of resources. They stand in front: what is for the rest fits paths as well.
func (w *composer) paths(t table) []*ruleText {
	var out []*ruleText
	var rest map[string]need
	for _, at := range w.needs.targets {
		if at.like == "other paths" {
			rest = t[at]
		}
	}
	if rest == nil {
		rest = map[string]need{}
	}
	named := w.pathTargets()
	for _, at := range named {
		for _, b := range bundles(t[at], rest, pathVerbs) {
			r := newRule(b)
			r.urls = []string{at.like}
			r.askers(w.needs, at, b.verbs)
			out = append(out, r)
		}
	}
	for _, at := range w.needs.targets {
		if at.like != "other paths" {
			continue
		}
		for _, b := range bundles(rest, nil, pathVerbs) {
			r := newRule(b)
			r.urls = []string{"*"}
			r.askers(w.needs, at, b.verbs)
			out = append(out, r)
		}
	}
	return out
}

// pathTargets are the paths that rules name, the longer first.
func (w *composer) pathTargets() []*target {
	var out []*target
	for _, at := range w.needs.targets {
		if at.path != nil && at.like != "other paths" {
			out = append(out, at)
		}
	}
	slices.SortStableFunc(out, func(a, b *target) int { return len(b.like) - len(a.like) })
	return out
}

// bytes writes the policy.
func (w *composer) bytes() []byte {
	common, managed := slices.Clone(allStages), false
	for _, b := range w.blocks {
		for _, r := range b.rules {
			if r.level > None {
				common = slices.DeleteFunc(common, func(s string) bool { return !slices.Contains(r.omit, s) })
			}
		}
	}
	for _, t := range w.needs.tables {
		for _, cells := range t {
			for _, n := range cells {
				managed = managed || n.managed
			}
		}
	}
	var b strings.Builder
	b.WriteString("apiVersion: audit.k8s.io/v1\nkind: Policy\n")
	if len(common) > 0 && len(common) < len(allStages) {
		writeList(&b, "", "omitStages", common)
	} else {
		common = nil
	}
	if !managed {
		b.WriteString("omitManagedFields: true\n")
	}
	b.WriteString("rules:\n")
	w.writeBlocks(&b, common)
	return []byte(b.String())
}

func (w *composer) writeBlocks(b *strings.Builder, common []string) {
	n := 0
	for _, block := range w.blocks {
		if block.comment != "" && len(w.blocks) > 1 {
			fmt.Fprintf(b, "  # --- %s\n", block.comment)
		}
		for _, r := range block.rules {
			r.omit = slices.DeleteFunc(r.omit, func(s string) bool { return slices.Contains(common, s) })
			r.explain(w.needs)
			r.write(b)
			n++
		}
	}
	if n == 0 {
		(&ruleText{comment: []string{"No rule asks for anything."}, level: None}).write(b)
	}
}

// explain says what a rule is for: for the rules that ask for this in particular, unless there are only others.
func (r *ruleText) explain(n *needs) {
	switch {
	case r.level == None:
		r.comment = []string{"No rule asks for it."}
	case len(r.asked) > 0:
		some := slices.DeleteFunc(slices.Clone(r.asked), func(rule string) bool { return n.general[rule] > len(n.askers)/2 })
		if len(some) == 0 {
			some = r.asked
		}
		slices.SortStableFunc(some, func(a, b string) int { return n.general[a] - n.general[b] })
		r.comment = wrap("For "+several(some, 4, "others"), lineWidth-4)
	}
}

// wrap breaks a line between words.
func wrap(s string, width int) (lines []string) {
	for len(s) > width {
		i := strings.LastIndexByte(s[:width+1], ' ')
		if i <= 0 {
			break
		}
		lines, s = append(lines, s[:i]), s[i+1:]
	}
	return append(lines, s)
}
