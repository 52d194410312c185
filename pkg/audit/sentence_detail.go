package audit

import (
	"strconv"
	"strings"
	"time"
)

// review words a question to authentication or authorization.
func (a *Answer) review(p phrase) phrase {
	w, x := &a.What, a.What.Access
	switch {
	case w.Resource == "selfsubjectreviews":
		p.rest = " own identity"
	case w.Resource == "tokenreviews":
		p.rest = " a token"
		if x != nil && x.Allowed != nil {
			p.rest += map[bool]string{true: " (valid, of " + plain(x.User) + ")", false: " (not valid)"}[*x.Allowed]
		}
	case w.Resource == "selfsubjectrulesreviews":
		p.rest = " own permissions"
		if x != nil && x.Namespace != "" {
			p.rest += " in " + plain(x.Namespace)
		}
	case x == nil:
		p.rest = " a permission"
	default:
		p.rest = " " + x.words()
	}
	return p
}

// words puts an access review: "own access: get secrets in shop-prod (answer: no)".
func (x *Access) words() string {
	s := "own access: "
	if x.User != "" {
		s = "the access of " + plain(x.User) + ": "
	}
	s += plain(x.Verb)
	if x.Path != "" {
		return s + " " + plain(x.Path) + x.answer()
	}
	what := x.Resource
	if x.Subresource != "" {
		what += "/" + x.Subresource
	}
	s += " " + kindName(what, x.APIGroup)
	if x.Name != "" {
		s += " " + quote(x.Name, longName)
	}
	if x.Namespace != "" {
		s += " in " + plain(x.Namespace)
	}
	return s + x.answer()
}

func (x *Access) answer() string {
	switch {
	case x.Allowed == nil:
		return ""
	case *x.Allowed:
		return " (answer: yes)"
	default:
		return " (answer: no)"
	}
}

// words puts a role binding: `giving ClusterRole cluster-admin to User jane`.
func (g *Grant) words() string {
	to := make([]string, 0, shown)
	for i, s := range g.Subjects {
		if i == shown {
			break
		}
		name := plain(s.Name)
		if s.Namespace != "" {
			name = inNamespace(s.Namespace, s.Name)
		}
		to = append(to, strings.TrimSpace(optional(s.Kind)+" "+name))
	}
	s := "giving " + strings.TrimSpace(optional(g.RoleKind)+" "+plain(g.Role))
	if len(to) == 0 {
		return s + " to nobody"
	}
	return s + " to " + and(to, len(g.Subjects))
}

// allowing words the rules of a role: "allowing get and list on secrets; * on *".
func allowing(rules []Rule) string {
	const most = 2
	var parts []string
	for i, r := range rules {
		if i == most {
			parts = append(parts, "and "+strconv.Itoa(len(rules)-most)+" more")
			break
		}
		on := some(append(r.Resources[:len(r.Resources):len(r.Resources)], r.NonResourceURLs...), shown)
		if on == "" {
			on = "nothing"
		}
		if len(r.ResourceNames) > 0 {
			on += " named " + some(r.ResourceNames, shown)
		}
		parts = append(parts, some(r.Verbs, 2*shown)+" on "+on)
	}
	return "allowing " + strings.Join(parts, "; ")
}

func (c *Certificate) words() []string {
	var out []string
	if c.Signer != "" {
		out = append(out, "signer "+plain(c.Signer))
	}
	if c.Requester != "" {
		out = append(out, "requested by "+plain(c.Requester))
	}
	return out
}

// shown is how many members of a list a sentence shows.
const shown = 3

// several words a list: "image a", "images a and b", "images a, b, c and 2 more"; "" when it is empty.
func several(noun string, items []string) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return noun + " " + plain(items[0])
	default:
		return noun + "s " + some(items, shown)
	}
}

// some words the first of the items.
func some(items []string, most int) string {
	var first []string
	for _, s := range items[:min(len(items), most)] {
		first = append(first, loose(s))
	}
	return and(first, len(items))
}

// operations words what a patch does: "set spec.a and spec.b", "add /a and remove /b".
func operations(patch []string) string {
	op, _, _ := strings.Cut(patch[0], " ")
	paths := make([]string, 0, len(patch))
	for _, s := range patch {
		path, ok := strings.CutPrefix(s, op+" ")
		if !ok || !isWord(op) {
			return some(patch, shown)
		}
		paths = append(paths, path)
	}
	return op + " " + some(paths, shown)
}

// loose is plain for texts of several words that we put together ourselves: "host path /etc", "add /rules/-".
func loose(s string) string {
	head, tail := "", s
	for {
		word, rest, ok := strings.Cut(tail, " ")
		if !ok || !isWord(word) || len(head) > longName {
			break
		}
		head, tail = head+word+" ", rest
	}
	return head + plain(tail)
}

// and joins the first of all items.
func and(first []string, all int) string {
	if more := all - len(first); more > 0 {
		return strings.Join(first, ", ") + " and " + strconv.Itoa(more) + " more"
	}
	if len(first) < 2 {
		return strings.Join(first, "")
	}
	last := len(first) - 1
	return strings.Join(first[:last], ", ") + " and " + first[last]
}

// brackets puts notes that are not empty into brackets.
func brackets(notes ...string) string {
	kept := notes[:0:0]
	for _, n := range notes {
		if n != "" {
			kept = append(kept, n)
		}
	}
	if len(kept) == 0 {
		return ""
	}
	return " (" + strings.Join(kept, ", ") + ")"
}

func optional(s string) string {
	if s == "" {
		return ""
	}
	return plain(s)
}

// unwatched tells of a time without anybody who would have seen something.
func (a *Answer) unwatched() string {
	s := "kubewitness was not watching"
	if a.Where.Cluster != "" {
		s += " cluster " + plain(a.Where.Cluster)
	}
	s += " from " + a.When.Received.Format(time.RFC3339) + " to " + a.When.StageTime.Format(time.RFC3339) + " (" + duration(a.When.Latency) + ")"
	switch a.What.Reason {
	case UnwatchedStopped:
		s += ", since it was stopped"
	case UnwatchedDied:
		s += ", since it, or its machine, had died"
	}
	return s + ": what admission let pass meanwhile was not seen"
}
