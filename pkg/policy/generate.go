package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
)

// GenerateOptions say what a policy may record.
type GenerateOptions struct {
	Strict         bool // rules are judged exactly as Falco does
	WithoutSecrets bool // never what is in secrets and in tokens, even where a rule asks for it
}

// Generated is a policy made for rules.
type Generated struct {
	Text   []byte   // YAML, with comments
	Policy *Policy  // what the API server's loader makes of it
	Secret []string // rules that ask for the contents of secrets or tokens; with WithoutSecrets they do not get it
}

// controlPlane are names of the control plane's own, which policies treat apart because they send so much.
var controlPlane = []string{"system:apiserver", "system:kube-controller-manager", "system:kube-proxy", "system:kube-scheduler"}

// Generate makes the smallest policy under which the enabled rules fire on exactly what they would fire on if everything were
// recorded. It is judged by the API server's loader before it is given.
func Generate(rs []*rules.Rule, cat *field.Catalogue, opt GenerateOptions) (*Generated, error) {
	var enabled []*rules.Rule
	for _, r := range rs {
		if r.Enabled {
			enabled = append(enabled, r)
		}
	}
	senders := sendersFor(enabled)
	n := needsOf(enabled, cat, opt.Strict, senders.all())
	out := &Generated{}
	for at := range n.askers {
		if contents(at.target) < RequestResponse {
			out.Secret = appendNew(out.Secret, n.capContents(at, opt.WithoutSecrets)...)
		}
	}
	slices.Sort(out.Secret)
	w := &composer{needs: n}
	w.compose(senders)
	out.Text = w.bytes()
	p, err := Load("generated", out.Text)
	if err != nil {
		return nil, fmt.Errorf("policy: the one that was made is not one: %w", err)
	}
	if len(p.Warnings) > 0 {
		return nil, fmt.Errorf("policy: the one that was made has a fault: %s", p.Warnings[0])
	}
	out.Policy = p
	return out, nil
}

// contents is the level from which on what is recorded of a target gives a secret away, less one.
func contents(t *target) Level {
	switch {
	case t.group == "" && t.resource == "secrets", t.group == "authentication.k8s.io" && t.resource == "tokenreviews":
		return Metadata
	case t.group == "" && t.resource == "serviceaccounts" && t.sub == "token":
		return WithRequest
	}
	return RequestResponse
}

// capContents finds who asks for the contents of a target, and takes them away.
func (n *needs) capContents(at asked, away bool) (who []string) {
	for _, a := range n.askers[at] {
		if a.level > contents(at.target) {
			who = appendNew(who, a.rule)
		}
	}
	if !away || len(who) == 0 {
		return who
	}
	for _, t := range n.tables {
		if cell, ok := t[at.target][at.verb]; ok {
			cell.level = min(cell.level, contents(at.target))
			t[at.target][at.verb] = cell
		}
	}
	return who
}

// senders are whom a generated policy tells apart.
type senders struct {
	parties []*party    // the narrower first
	rest    []*identity // everybody else, together
}

// party is those for whom rules of their own stand in front.
type party struct {
	users  []string
	groups []string
	whos   []*identity
	below  *party // whose rules count where there are none for this; nil: those for everybody else
}

func (s *senders) all() []*identity {
	out := s.rest
	for _, p := range s.parties {
		out = append(out, p.whos...)
	}
	return out
}

// sendersFor tells apart who sends most, and which controllers rules leave alone.
func sendersFor(rs []*rules.Rule) *senders {
	own := accountPrefix + "kube-system:"
	controllers := &party{}
	for _, r := range rs {
		for _, d := range demandsOf(r) {
			for _, u := range d.literal["/user/username"] {
				if strings.HasPrefix(u, own) && !strings.HasSuffix(u, ":") {
					controllers.users = appendNew(controllers.users, u)
				}
			}
		}
	}
	slices.Sort(controllers.users)
	plane := &party{users: controlPlane}
	for _, p := range []*party{plane, controllers} {
		for _, name := range p.users {
			p.whos = append(p.whos, named(name))
		}
	}
	names := slices.Concat(controlPlane, controllers.users)
	nodes := &party{groups: []string{nodesGroup}, whos: []*identity{prefixed("nodes", nodePrefix, nil, nil)}}
	accounts := &party{groups: []string{accountsGroup}, whos: []*identity{prefixed("accounts", accountPrefix, []string{own}, nil)}}
	system := &party{groups: []string{accountsGroup + ":kube-system"}, whos: []*identity{prefixed("own accounts", own, nil, names)}, below: accounts}
	controllers.below = system
	s := &senders{parties: []*party{plane, controllers, nodes, system, accounts}}
	if len(controllers.users) == 0 {
		s.parties = slices.Delete(s.parties, 1, 2)
	}
	s.rest = []*identity{
		nobody, named(anonymous), prefixed("system", "system:", []string{nodePrefix, accountPrefix}, append([]string{anonymous}, names...)),
		prefixed(people, "", []string{"system:"}, nil),
	}
	return s
}

// joined is what is needed of some identities together.
func (n *needs) joined(whos []*identity) table {
	out := table{}
	for _, who := range whos {
		for at, verbs := range n.tables[who] {
			for verb, cell := range verbs {
				out.join(at, verb, cell)
			}
		}
	}
	return out
}
