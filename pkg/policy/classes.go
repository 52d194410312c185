package policy

import (
	"slices"
	"strings"

	auditinternal "k8s.io/apiserver/pkg/apis/audit"
)

// classes are all kinds of requests that a policy and a demand tell apart.
type classes struct {
	policy  *Policy
	targets []*target
	all     bool // every verb of every resource, also those that the API server refuses
}

func classesOf(p *Policy, lit literals, all bool) *classes {
	c := &classes{policy: p, targets: resources(), all: all}
	for i := range p.rules {
		for _, g := range p.rules[i].rule.Resources {
			c.addGroup(g)
		}
	}
	c.addLiterals(lit)
	c.targets = append(c.targets, paths(p, lit["/requestURI"])...)
	return c
}

// addGroup adds what a policy names and nobody else.
func (c *classes) addGroup(g auditinternal.GroupResources) {
	if find(c.targets, g.Group, other, "") == nil {
		c.targets = append(c.targets, &target{group: g.Group, resource: other, anyResource: true})
	}
	for _, r := range g.Resources {
		resource, sub, _ := strings.Cut(r, "/")
		if !strings.Contains(r, "*") && find(c.targets, g.Group, resource, sub) == nil {
			c.targets = append(c.targets, &target{group: g.Group, resource: resource, sub: sub})
		}
	}
}

// addLiterals adds what a rule names and nobody else, in a group of its own.
func (c *classes) addLiterals(lit literals) {
	groups := slices.DeleteFunc(slices.Clone(lit["/objectRef/apiGroup"]), func(g string) bool { return !isName(g) })
	for _, g := range groups {
		if find(c.targets, g, other, "") == nil {
			c.targets = append(c.targets, &target{group: g, resource: other, anyResource: true})
		}
	}
	knows := func(f func(*target) bool) bool { return slices.ContainsFunc(c.targets, f) }
	for _, r := range lit["/objectRef/resource"] {
		if !isName(r) || knows(func(t *target) bool { return t.resource == r }) {
			continue
		}
		c.targets = append(c.targets, &target{group: other + ".example", anyGroup: true, resource: r})
		for _, g := range groups {
			c.targets = append(c.targets, &target{group: g, resource: r})
		}
	}
	for _, sub := range lit["/objectRef/subresource"] {
		if !isName(sub) || knows(func(t *target) bool { return t.sub == sub }) {
			continue
		}
		for _, t := range slices.Clone(c.targets) {
			if t.sub == "" && (t.anyGroup || slices.Contains(lit["/objectRef/resource"], t.resource)) {
				with := *t
				with.sub = sub
				c.targets = append(c.targets, &with)
			}
		}
	}
}

// isName tells whether a group or a resource can be called so.
func isName(s string) bool {
	letter := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
	for i := range len(s) {
		if !letter(s[i]) && (s[i] != '-' && s[i] != '.' || i == 0 || i == len(s)-1 || !letter(s[i-1])) {
			return false
		}
	}
	return s != ""
}

// paths are the paths outside resources that a policy and a rule tell apart.
func paths(p *Policy, uris []string) []*target {
	var exact, begins []string
	add := func(list *[]string, s string) {
		if s != "" && s != "/" && !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	for i := range p.rules {
		for _, u := range p.rules[i].rule.NonResourceURLs {
			if begin, ok := strings.CutSuffix(u, "*"); ok {
				add(&begins, begin)
			} else {
				add(&exact, u)
			}
		}
	}
	for _, u := range uris {
		u, _, _ = strings.Cut(u, "?")
		if strings.HasPrefix(u, "/") && !strings.HasPrefix(u, "/api") && !strings.ContainsAny(u, "*[") {
			add(&begins, u)
		}
	}
	var out []*target
	for _, e := range exact {
		t := exactly(e)
		out = append(out, &target{path: &t, paths: e, like: e})
	}
	for _, b := range append(begins, "/") {
		t := text{prefixes: []string{b}, not: exact}
		for _, longer := range begins {
			if longer != b && strings.HasPrefix(longer, b) {
				t.never = append(t.never, longer)
			}
		}
		name := b + "*"
		if b == "/" {
			name = "other paths"
		}
		out = append(out, &target{path: &t, paths: b + other, like: name})
	}
	return out
}

// reach gives the users, groups, namespaces and names by which the policy tells requests for a target apart.
func (c *classes) reach(verb string, t *target) (users, groups, namespaces, names []string) {
	r := t.request(verb)
	attrs := r.attributes()
	for i := range c.policy.rules {
		rule := &c.policy.rules[i]
		if !fits(rule.reach, attrs) || t.path != nil && (len(rule.rule.Namespaces) > 0 || len(rule.rule.Resources) > 0) {
			continue
		}
		users = append(users, rule.rule.Users...)
		groups = append(groups, rule.rule.UserGroups...)
		namespaces = append(namespaces, rule.rule.Namespaces...)
		for _, g := range rule.rule.Resources {
			if g.Group == t.group {
				names = append(names, g.ResourceNames...)
			}
		}
	}
	return unique(users), unique(groups), unique(namespaces), unique(names)
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// each calls f for every class of a verb and a target.
func (c *classes) each(verb string, t *target, f func(*class)) {
	users, groups, namespaces, names := c.reach(verb, t)
	for _, who := range identities(users, groups) {
		for _, ns := range choices(namespaces, t.clusterWide) {
			for _, name := range choices(names, false) {
				k := &class{verb: verb, target: t, who: who, namespace: ns, name: name, like: who.put(t.request(verb))}
				k.like.Namespace, k.like.Name = sample(ns), sample(name)
				if t.clusterWide || t.path != nil {
					k.like.Namespace = ""
				}
				f(k)
			}
		}
	}
}

// choices are the texts that a policy tells apart, with that of none and that of all others; one nil where it does not ask.
func choices(of []string, never bool) []*text {
	if len(of) == 0 {
		return []*text{nil}
	}
	out := []*text{{absent: true, exact: true}}
	if never {
		return out
	}
	for _, s := range of {
		if s != "" {
			t := exactly(s)
			out = append(out, &t)
		}
	}
	return append(out, &text{not: of})
}

// sample is a text of which that is known.
func sample(t *text) string {
	switch {
	case t == nil:
		return other
	case t.exact:
		return t.is
	}
	return other
}

// verbsOf are the verbs to be looked at for a target: those that it has, and others that a rule or the policy names.
func (c *classes) verbsOf(t *target, lit literals) []string {
	verbs := slices.Clone(t.verbs(c.all))
	if t.path != nil || t.sub != "" && !c.all {
		return verbs
	}
	for _, v := range lit["/verb"] {
		if v != "" && !slices.Contains(resourceVerbs, v) && !slices.Contains(pathVerbs, v) {
			verbs = append(verbs, v)
		}
	}
	return verbs
}
