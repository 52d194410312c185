package house

import "slices"

// Rule is one rule of the house.
type Rule struct {
	Name  string // a short word; testdata/NAME.txtar is the tree that breaks it
	check func(*Tree) []Violation
}

// Rules returns every rule.
func Rules() []Rule {
	return []Rule{
		{"parses", parses},
		{"package-comment", packageComment},
		{"package-name", packageName},
		{"file-name", fileName},
		{"file-size", fileSize},
		{"function-size", functionSize},
		{"documented", documented},
		{"direction", direction},
		{"libraries", libraries},
		{"sleep", noSleep},
		{"clock", noClock},
		{"words", noWords},
		{"benchmarks", benchmarks},
		{"links", links},
	}
}

// Check returns what breaks the rule, in the order of paths and lines.
func (r Rule) Check(t *Tree) []Violation {
	vs := r.check(t)
	slices.SortFunc(vs, byPlace)
	return vs
}
