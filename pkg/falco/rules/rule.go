package rules

import (
	"slices"

	"github.com/kubewitness/kubewitness/pkg/falco/condition"
	"github.com/kubewitness/kubewitness/pkg/falco/format"
)

// Rule is a rule ready to be matched. It is not changed after [Load].
type Rule struct {
	Name, Desc, Source string
	Output             string // as written, after appends
	Priority           Priority
	Tags               []string // sorted, unique; never nil
	Enabled            bool

	// SkipIfUnknownFilter says that the rule is skipped, with a warning, where a
	// field of it does not exist. A rule that is here was not.
	SkipIfUnknownFilter bool

	Exceptions []Exception // as declared, with or without values

	Written       string         // condition as written, after appends
	ConditionText string         // condition after appends, exceptions and lists
	Condition     condition.Expr // that, with the macros in place
	Format        *format.Format // of Output

	State     *State // what it says of several events together; nil: each event is judged alone
	ReadsSeen bool   // it asks for what earlier events have told: kw.pod.privileged

	File string // of the definition in force
	Line int    // likewise; 1-based
}

// Exception is a declared exception of a rule: what its values are compared with.
type Exception struct {
	Name   string
	Fields []string // fields or transformers
	Comps  []string // operators, one for each field
	List   bool     // values are rows, one value for each field; else single values of the only field
}

// HasTag tells whether the rule has this very tag.
func (r *Rule) HasTag(tag string) bool {
	_, ok := slices.BinarySearch(r.Tags, tag)
	return ok
}

// ConditionFields gives the names of the fields that the condition uses,
// macros and exceptions included: sorted, unique, without arguments.
func (r *Rule) ConditionFields() []string {
	var out []string
	condition.WalkFields(r.Condition, func(f *condition.Field) { out = append(out, f.Name) })
	slices.Sort(out)
	return slices.Compact(out)
}

// Ruleset is the outcome of a load without errors.
type Ruleset struct {
	// Rules are in the order of their first definition, which is the order in
	// which they match; the ones that are not enabled stand among them.
	Rules []*Rule

	terms *terms // nil where it was not loaded
}

// Rule gives the rule of that name, nil where there is none.
func (rs *Ruleset) Rule(name string) *Rule {
	for _, r := range rs.Rules {
		if r.Name == name {
			return r
		}
	}
	return nil
}
