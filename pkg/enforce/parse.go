package enforce

import (
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/yamlnode"
)

// Known tells which names a file may use. A nil list: any.
type Known struct {
	Rules, Tags []string
	Later       []string // rules that are judged when the answer is given: of several events, of what was seen before
}

// Parse reads a file. The error is [Problems], all that is wrong.
func Parse(name string, content []byte, known Known) (*Policy, error) {
	p := &parser{Reader: yamlnode.Reader{File: name}, known: known}
	policy := p.file(content)
	if err := p.Err(); err != nil {
		return nil, err
	}
	return policy, nil
}

// Problems are all that is wrong with a file, one at least, in the order of its lines.
type Problems = yamlnode.Problems

type parser struct {
	yamlnode.Reader
	known Known
}

func (p *parser) file(content []byte) *Policy {
	policy := &Policy{}
	root := p.Document(content)
	if root == nil {
		return policy
	}
	p.Members(root, []yamlnode.Member{
		{Key: "contact", Read: func(n *yamlnode.Node) { policy.Contact = p.Words(n) }},
		{Key: "enforce", Read: func(n *yamlnode.Node) {
			for _, item := range p.Elements(n) {
				policy.Entries = append(policy.Entries, p.entry(item))
			}
		}},
		{Key: "exceptions", Read: func(n *yamlnode.Node) {
			for _, item := range p.Elements(n) {
				policy.Exceptions = append(policy.Exceptions, p.exception(item))
			}
		}},
	})
	return policy
}

func (p *parser) entry(n *yamlnode.Node) (e Entry) {
	p.Members(n, append(p.scope(&e.Scope),
		yamlnode.Member{Key: "action", Read: func(n *yamlnode.Node) {
			e.Action = Action(p.Words(n))
			if !slices.Contains([]Action{Observe, Warn, Deny}, e.Action) {
				p.Refuse(n, "%q is no action; write observe, warn or deny", n.Text)
			}
		}},
		yamlnode.Member{Key: "message", Read: func(n *yamlnode.Node) { e.Message = p.Words(n) }},
	))
	p.named(n, &e.Scope)
	switch e.Action {
	case "":
		p.Refuse(n, "has no action; write action: observe, warn or deny")
	case Warn, Deny:
		p.inTime(n, e.Rules)
	}
	return e
}

// inTime holds that what warns or denies is known before the answer is given.
func (p *parser) inTime(n *yamlnode.Node, names []string) {
	for _, name := range names {
		if slices.Contains(p.known.Later, name) {
			p.Refuse(n.Get("rule"), "%q tells of several events, or of what was seen before, and is judged after the answer: it can neither warn nor deny; take it away", name)
		}
	}
}

func (p *parser) exception(n *yamlnode.Node) (x Exception) {
	p.Members(n, append(p.scope(&x.Scope),
		yamlnode.Member{Key: "owner", Read: func(n *yamlnode.Node) { x.Owner = p.Words(n) }},
		yamlnode.Member{Key: "reason", Read: func(n *yamlnode.Node) { x.Reason = p.Words(n) }},
		yamlnode.Member{Key: "expires", Read: func(n *yamlnode.Node) { x.Expires = p.time(n) }},
	))
	p.named(n, &x.Scope)
	if n.Kind != yamlnode.Mapping {
		return x
	}
	for key, missing := range map[string]bool{"owner": x.Owner == "", "reason": x.Reason == "", "expires": x.Expires.IsZero()} {
		if missing && n.Get(key) == nil {
			p.Refuse(n, "has no %s; an exception has an owner, a reason, and a date on which it expires", key)
		}
	}
	return x
}

// scope are the members that say where something holds.
func (p *parser) scope(s *Scope) []yamlnode.Member {
	return append([]yamlnode.Member{
		{Key: "rule", Read: func(n *yamlnode.Node) { s.Rules = p.names(n, "rule", p.known.Rules) }},
		{Key: "tag", Read: func(n *yamlnode.Node) { s.Tags = p.names(n, "tag", p.known.Tags) }},
	}, s.Members(&p.Reader)...)
}

// named holds that something says what it is about.
func (p *parser) named(n *yamlnode.Node, s *Scope) {
	s.Line = n.Line
	if n.Kind == yamlnode.Mapping && (n.Get("rule") == nil) == (n.Get("tag") == nil) {
		p.Refuse(n, "names no rule and no tag, or both; write one of rule and tag")
	}
}

// names reads names, each of which must be there.
func (p *parser) names(n *yamlnode.Node, what string, known []string) []string {
	list := p.List(n)
	for _, name := range list {
		if known != nil && !slices.Contains(known, name) {
			p.Refuse(n, "there is no %s %q among the rules that are loaded", what, name)
		}
	}
	return list
}

// time reads a day, of which it gives the end, or a time.
func (p *parser) time(n *yamlnode.Node) time.Time {
	s := p.Words(n)
	if s == "" {
		return time.Time{}
	}
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day.AddDate(0, 0, 1)
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		p.Refuse(n, "%q is no date; write YEAR-MONTH-DAY, or a time such as 2027-01-31T12:00:00Z", s)
	}
	return t
}
