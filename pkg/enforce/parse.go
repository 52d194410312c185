package enforce

import (
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

// Known tells which names a file may use. A nil list: any.
type Known struct {
	Rules, Tags []string
}

// Parse reads a file. The error is [Problems], all that is wrong.
func Parse(name string, content []byte, known Known) (*Policy, error) {
	p := &parser{known: known}
	policy := p.file(content)
	if len(p.found) == 0 {
		return policy, nil
	}
	for _, f := range p.found {
		f.File = name
	}
	return nil, p.found
}

func (p *parser) file(content []byte) *Policy {
	policy := &Policy{}
	root := p.document(content)
	if root == nil {
		return policy
	}
	p.mapping(root, []member{
		{"contact", func(n *yaml.Node) { policy.Contact = p.text(n) }},
		{"enforce", func(n *yaml.Node) {
			for _, item := range p.items(n) {
				policy.Entries = append(policy.Entries, p.entry(item))
			}
		}},
		{"exceptions", func(n *yaml.Node) {
			for _, item := range p.items(n) {
				policy.Exceptions = append(policy.Exceptions, p.exception(item))
			}
		}},
	})
	return policy
}

func (p *parser) entry(n *yaml.Node) (e Entry) {
	p.mapping(n, append(p.scope(&e.Scope),
		member{"action", func(n *yaml.Node) {
			e.Action = Action(p.text(n))
			if !slices.Contains([]Action{Observe, Warn, Deny}, e.Action) {
				p.refuse(n, "%q is no action; write observe, warn or deny", n.Value)
			}
		}},
		member{"message", func(n *yaml.Node) { e.Message = p.text(n) }},
	))
	p.named(n, &e.Scope)
	if e.Action == "" {
		p.refuse(n, "has no action; write action: observe, warn or deny")
	}
	return e
}

func (p *parser) exception(n *yaml.Node) (x Exception) {
	p.mapping(n, append(p.scope(&x.Scope),
		member{"owner", func(n *yaml.Node) { x.Owner = p.text(n) }},
		member{"reason", func(n *yaml.Node) { x.Reason = p.text(n) }},
		member{"expires", func(n *yaml.Node) { x.Expires = p.time(n) }},
	))
	p.named(n, &x.Scope)
	if n.Kind != yaml.MappingNode {
		return x
	}
	for key, missing := range map[string]bool{"owner": x.Owner == "", "reason": x.Reason == "", "expires": x.Expires.IsZero()} {
		if missing && !p.tells(n, key) {
			p.refuse(n, "has no %s; an exception has an owner, a reason, and a date on which it expires", key)
		}
	}
	return x
}

// scope are the members that say where something holds.
func (p *parser) scope(s *Scope) []member {
	list := func(key string, to *[]string) member {
		return member{key, func(n *yaml.Node) { *to = p.texts(n) }}
	}
	return []member{
		{"rule", func(n *yaml.Node) { s.Rules = p.names(n, "rule", p.known.Rules) }},
		{"tag", func(n *yaml.Node) { s.Tags = p.names(n, "tag", p.known.Tags) }},
		list("clusters", &s.Clusters), list("namespaces", &s.Namespaces), list("users", &s.Users), list("groups", &s.Groups), list("names", &s.Objects),
		{"namespace_labels", func(n *yaml.Node) { s.NamespaceLabels = p.labels(n) }},
	}
}

// named holds that something says what it is about.
func (p *parser) named(n *yaml.Node, s *Scope) {
	s.Line = n.Line
	if n.Kind == yaml.MappingNode && p.tells(n, "rule") == p.tells(n, "tag") {
		p.refuse(n, "names no rule and no tag, or both; write one of rule and tag")
	}
}

// names reads names, each of which must be there.
func (p *parser) names(n *yaml.Node, what string, known []string) []string {
	list := p.texts(n)
	for _, name := range list {
		if known != nil && !slices.Contains(known, name) {
			p.refuse(n, "there is no %s %q among the rules that are loaded", what, name)
		}
	}
	return list
}

func (p *parser) labels(n *yaml.Node) map[string]string {
	out := map[string]string{}
	p.pairs(n, func(key, value *yaml.Node) { out[key.Value] = p.text(value) })
	if len(out) == 0 && n.Kind == yaml.MappingNode {
		p.refuse(n, "names no label; write {NAME: VALUE}, or take it away")
	}
	return out
}

// time reads a day, of which it gives the end, or a time.
func (p *parser) time(n *yaml.Node) time.Time {
	s := p.text(n)
	if s == "" {
		return time.Time{}
	}
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day.AddDate(0, 0, 1)
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		p.refuse(n, "%q is no date; write YEAR-MONTH-DAY, or a time such as 2027-01-31T12:00:00Z", s)
	}
	return t
}

// Problem is one thing that is wrong with a file.
type Problem struct {
	File         string
	Line, Column int // from 1; 0: not known
	Text         string
}

// Error gives the problem with its place.
func (p *Problem) Error() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}
