// Package scope tells which requests something is about: of which clusters, namespaces,
// users, groups and objects. It is what files about admission have in common.
//
//	clusters, namespaces, users, names  names or patterns (* is any text, ? a byte, [a-z] one of
//	                                    them); one of the list must match. No list: all
//	groups                              the same; one of the user's groups must match one of the list
//	namespace_labels                    all of these labels must stand in the namespace
//
// A request about nothing in a namespace has the empty namespace, which * matches. A
// Namespace itself is in the namespace of its name, and has the labels that it is written with.
// A review does not have the labels of the namespace that an object is in: they are known where
// somebody has put them into the event, see [LabelsKey]. What they would have to be known for
// holds nowhere else, but see [Scope.MayCover].
//
// What holds there, stays with each file.
package scope

import (
	"slices"

	"github.com/kubewitness/kubewitness/pkg/falco/operator"
	"github.com/kubewitness/kubewitness/pkg/yamlnode"
)

// Scope is where something holds. The zero value holds everywhere.
type Scope struct {
	Clusters, Namespaces, Users, Groups, Objects []string // patterns; none: all
	NamespaceLabels                              map[string]string
}

// Covers tells whether a request is in the scope.
func (s *Scope) Covers(r *Request) bool {
	if !s.coversAside(r) {
		return false
	}
	for key, value := range s.NamespaceLabels {
		if got, ok := r.Labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}

// MayCover is Covers, for what lets somebody through: a namespace whose labels should be known, and
// are not, may have those that are asked for.
func (s *Scope) MayCover(r *Request) bool {
	if r.Unknown {
		return s.coversAside(r)
	}
	return s.Covers(r)
}

// coversAside is Covers, labels aside.
func (s *Scope) coversAside(r *Request) bool {
	if !matches(s.Clusters, r.Cluster) || !matches(s.Namespaces, r.Namespace) || !matches(s.Users, r.User) || !matches(s.Objects, r.Object) {
		return false
	}
	if len(s.Groups) > 0 && !slices.ContainsFunc(r.Groups, func(g string) bool { return matches(s.Groups, g) }) {
		return false
	}
	return true
}

// matches tells whether one of the patterns matches; none match all.
func matches(patterns []string, s string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool { return operator.Glob(p, s, false) })
}

// Members are the keys of a scope in a file.
func (s *Scope) Members(r *yamlnode.Reader) []yamlnode.Member {
	list := func(key string, to *[]string) yamlnode.Member {
		return yamlnode.Member{Key: key, Read: func(n *yamlnode.Node) { *to = r.List(n) }}
	}
	return []yamlnode.Member{
		list("clusters", &s.Clusters), list("namespaces", &s.Namespaces), list("users", &s.Users), list("groups", &s.Groups), list("names", &s.Objects),
		{Key: "namespace_labels", Read: func(n *yamlnode.Node) { s.NamespaceLabels = readLabels(r, n) }},
	}
}

func readLabels(r *yamlnode.Reader, n *yamlnode.Node) map[string]string {
	out := map[string]string{}
	for _, pair := range r.Pairs(n) {
		out[pair.Key.Text] = r.Words(pair.Value)
	}
	if len(out) == 0 && n.Kind == yamlnode.Mapping {
		r.Refuse(n, "names no label; write {NAME: VALUE}, or take it away")
	}
	return out
}
