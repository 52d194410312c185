package policy

import (
	"slices"
	"strings"
)

// What API servers' authenticators promise about names and groups.
const (
	anonymous       = "system:anonymous"
	unauthenticated = "system:unauthenticated"
	authenticated   = "system:authenticated"
	nodePrefix      = "system:node:"
	nodesGroup      = "system:nodes"
	accountPrefix   = "system:serviceaccount:"
	accountsGroup   = "system:serviceaccounts"
)

// identity is who sends requests: somebody of a kind, or one whom a policy names.
type identity struct {
	label   string
	nobody  bool // whose authentication failed: no name, no groups, and one stage only
	anybody bool // with a name and groups, whatever they are
	name    text
	like    string   // a name of that kind
	groups  []string // surely those
	closed  bool     // surely no others
}

// people are all whose names do not begin with system:.
const people = "people"

var (
	nobody  = &identity{label: "a login that failed", nobody: true}
	anybody = &identity{label: "anybody", anybody: true, like: other}
)

// identities are all whom the users and groups that a policy names tell apart.
func identities(users, groups []string) []*identity {
	if len(users) == 0 && len(groups) == 0 {
		return []*identity{nobody, anybody}
	}
	var spaces []string // name prefixes of service accounts in namespaces that groups name
	var open []string   // groups that anybody can be in
	for _, g := range groups {
		if ns, ok := strings.CutPrefix(g, accountsGroup+":"); ok {
			spaces = append(spaces, accountPrefix+ns+":")
		} else if !structural(g) {
			open = append(open, g)
		}
	}
	out := []*identity{nobody, named(anonymous)}
	for _, u := range users {
		if u != anonymous {
			out = append(out, withGroups(named(u), open)...)
		}
	}
	out = append(out, prefixed("nodes", nodePrefix, nil, users))
	for _, p := range spaces {
		out = append(out, prefixed("service accounts of "+strings.Split(p, ":")[2], p, nil, users))
	}
	out = append(out, prefixed("service accounts", accountPrefix, spaces, users))
	system := prefixed("users named system:...", "system:", []string{nodePrefix, accountPrefix}, append([]string{anonymous}, users...))
	out = append(out, withGroups(system, open)...)
	return append(out, withGroups(prefixed(people, "", []string{"system:"}, users), open)...)
}

// structural tells whether a group goes with names.
func structural(group string) bool {
	return slices.Contains([]string{unauthenticated, authenticated, nodesGroup, accountsGroup}, group) || strings.HasPrefix(group, accountsGroup+":")
}

func named(name string) *identity {
	return &identity{label: name, name: exactly(name), like: name, groups: GroupsOf(name), closed: closedGroups(name)}
}

func prefixed(label, prefix string, never, not []string) *identity {
	like := prefix + other
	if prefix == accountPrefix {
		like += ":" + other
	}
	i := &identity{label: label, like: like, groups: GroupsOf(like), closed: closedGroups(like)}
	i.name = text{never: never, not: not}
	if prefix != "" {
		i.name.prefixes = []string{prefix}
	}
	return i
}

// withGroups is somebody without a further group, and with each of some.
func withGroups(i *identity, groups []string) []*identity {
	out := []*identity{i}
	if i.closed {
		return out
	}
	for _, g := range groups {
		in := *i
		in.label += " in " + g
		in.groups = append(slices.Clone(i.groups), g)
		out = append(out, &in)
	}
	return out
}

// GroupsOf are the groups that go with a name, as API servers authenticate: system:authenticated, and those of nodes and
// service accounts.
func GroupsOf(name string) []string {
	if name == anonymous {
		return []string{unauthenticated}
	}
	out := []string{authenticated}
	if strings.HasPrefix(name, nodePrefix) {
		out = append(out, nodesGroup)
	}
	if rest, ok := strings.CutPrefix(name, accountPrefix); ok {
		ns, _, _ := strings.Cut(rest, ":")
		out = append(out, accountsGroup, accountsGroup+":"+ns)
	}
	return out
}

// closedGroups tells whether these are all.
func closedGroups(name string) bool {
	return name == anonymous || strings.HasPrefix(name, accountPrefix)
}

// has tells whether somebody is in a group, as far as it is known; moves tells whether being in it would change what is
// recorded, in which case the one who is in it is somebody else.
func (i *identity) has(group string, moves func(group string) bool) truth {
	switch {
	case i.anybody:
		return unknown
	case i.nobody:
		return canFail
	case slices.Contains(i.groups, group):
		return canHold
	case i.closed, structural(group), moves(group):
		return canFail
	}
	return unknown
}

// put makes a request one of somebody.
func (i *identity) put(r Request) Request {
	if !i.nobody {
		r.User, r.Groups = i.like, i.groups
	}
	return r
}
