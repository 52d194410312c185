package rules

import "github.com/kubewitness/kubewitness/pkg/falco/condition"

// File is one rules file.
type File struct {
	Name    string // for messages
	Content []byte
	Err     error // why the file could not be read; its result is then ErrFileRead
}

// Options say what to load for.
type Options struct {
	// Catalogue tells which fields conditions and outputs may use. It must be set,
	// and is asked by several goroutines at once.
	Catalogue condition.Catalogue
	// Sources are the event sources that are read; k8s_audit when empty. Rules
	// of other sources are skipped with a warning. Rules of "syscall", which is
	// the source of a rule that names none, are judged, with only the evt.*
	// fields to use, but never loaded.
	Sources []string
	// MinPriority is the least urgent priority that is loaded; all are when it
	// is nil. Less urgent rules are judged like the others.
	MinPriority *Priority
	// Strict loads as Falco does where this package knows better: lists in
	// lists, and unused lists and macros, which Falco tells of each file before
	// it has seen the next.
	Strict bool
	// Select enables and disables rules after all files are loaded, one after
	// the other.
	Select []Selection
}

// Selection enables or disables rules, by name, by tag, or both one after the
// other.
type Selection struct {
	Enable bool
	Rule   string // rules whose name matches; * stands for any text
	Tag    string // rules that have this very tag
}

// defaultSource is the event source of Kubernetes audit events.
const defaultSource = "k8s_audit"

func (o Options) sources() []string {
	if len(o.Sources) == 0 {
		return []string{defaultSource}
	}
	return o.Sources
}

// reads tells whether events of a source are read.
func (o Options) reads(source string) bool {
	for _, s := range o.sources() {
		if s == source {
			return true
		}
	}
	return false
}

// catalogue gives the fields that rules of a source may use; false for a
// source that is not known.
func (o Options) catalogue(source string) (condition.Catalogue, bool) {
	switch {
	case o.reads(source):
		return o.Catalogue, true
	case source == syscallSource:
		return syscallFields{o.Catalogue}, true
	}
	return nil, false
}

// apply enables and disables rules as the selections say.
func (o Options) apply(rules []*Rule) {
	for _, s := range o.Select {
		for _, r := range rules {
			if s.Rule != "" && matchName(s.Rule, r.Name) || s.Tag != "" && r.HasTag(s.Tag) {
				r.Enabled = s.Enable
			}
		}
	}
}

// matchName matches a whole name against a pattern in which * stands for any
// text, the empty one included.
func matchName(pattern, name string) bool {
	star, mark := -1, 0 // after the last *: where the pattern goes on, and how far it has eaten
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p+1, n
			p++
		case p < len(pattern) && pattern[p] == name[n]:
			p++
			n++
		case star >= 0:
			mark++
			p, n = star, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
