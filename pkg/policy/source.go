package policy

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

// Source is where events come from, as far as it decides what they can hold: the policy by which an API server records them,
// and what is left out on the way. The API server's own log and webhook leave out nothing.
type Source struct {
	Name   string
	Policy *Policy
	Lacks  []Lack // what no event of the source has
	Fixed  string // why nobody can change the policy, as a sentence; "" where one can

	reviews bool         // its events are made of reviews, see [Admission]
	unasked []reviewRule // those of the policy, in its order
}

// Lack is a member that the events of a source never have.
type Lack struct {
	Pointer string   // JSON pointer, with all below; a * at its end: and all that begins so; "/requestURI?" is the query of the URI
	But     []string // of a query, and of "/annotations*": keys that are there all the same
	Why     string   // as the end of "...: "
}

// APIServer is the log or the webhook of an API server with a policy.
func APIServer(p *Policy) *Source { return &Source{Name: p.Name, Policy: p, Lacks: onlyReviews} }

const noGroups = "GKE's log does not tell the groups of a user"

// Reviews tells whether the events are made of reviews of admission.
func (s *Source) Reviews() bool { return s.reviews }

// GKE is the audit log of GKE. Without a policy it is Google's own; dataAccess tells whether Data Access logs are turned on.
func GKE(p *Policy, dataAccess bool) *Source {
	s := &Source{Name: "GKE", Policy: p, Lacks: []Lack{
		{Pointer: "/user/groups", Why: noGroups},
		{Pointer: "/user/uid", Why: "GKE's log does not tell a user's uid"},
		{Pointer: "/user/extra", Why: "GKE's log tells no more of a user than the name"},
		{Pointer: "/impersonatedUser/groups", Why: noGroups},
		{Pointer: "/impersonatedUser/uid", Why: "GKE's log does not tell a user's uid"},
		{Pointer: "/impersonatedUser/extra", Why: "GKE's log tells no more of a user than the name"},
		{Pointer: "/requestURI?", But: []string{"command", "dryRun", "watch"}, Why: "GKE's log does not have the query of a URI"},
	}}
	s.Lacks = append(s.Lacks, onlyReviews...)
	if p != nil {
		s.Name = p.Name + " on GKE"
		return s
	}
	s.Fixed = "Google decides what GKE records."
	s.Policy = Builtin("gke")
	if !dataAccess {
		s.Name = "GKE without Data Access logs"
		s.Policy = Builtin("gke-activity")
		s.Fixed = "Google decides what GKE records; reads are there only where Data Access logs are turned on."
	}
	return s
}

// lacks gives the reason why events of the source do not have the member at a pointer; "" where they may.
func (s *Source) lacks(pointer string) string {
	for _, l := range s.Lacks {
		if base, query := strings.CutSuffix(l.Pointer, "?"); query {
			key, ok := strings.CutPrefix(pointer, base+"?")
			if ok && !slices.Contains(l.But, key) {
				return l.Why
			}
			continue
		}
		if l.has(pointer) {
			return l.Why
		}
	}
	return ""
}

// has tells whether a pointer is one of the lack, or below it.
func (l *Lack) has(pointer string) bool {
	if len(pointer) < 2 || pointer[1] != l.Pointer[1] {
		return false // nearly always
	}
	base, all := strings.CutSuffix(l.Pointer, "*")
	rest, ok := strings.CutPrefix(pointer, base)
	if !ok || !all && rest != "" && rest[0] != '/' {
		return false
	}
	return !slices.ContainsFunc(l.But, func(key string) bool {
		begin, open := strings.CutSuffix(key, "*")
		return rest == "/"+key || open && strings.HasPrefix(rest, "/"+begin)
	})
}

//go:embed builtin/*.yaml
var builtin embed.FS

// Builtins are the names that [Builtin] takes.
var Builtins = []string{"full", "metadata", "gce", "gke", "gke-activity"}

// Builtin gives a policy that comes along: full records everything at every stage, metadata no bodies, gce is the one of
// clusters on Google's Compute Engine, gke and gke-activity that of GKE with Data Access logs and without. Any other name
// panics.
func Builtin(name string) *Policy {
	text, err := builtin.ReadFile("builtin/" + name + ".yaml")
	if err != nil {
		panic(fmt.Sprintf("policy: no policy %q comes along", name))
	}
	p, err := Load(name, text)
	if err != nil {
		panic(err)
	}
	return p
}
