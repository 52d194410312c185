package ruletest

import (
	"errors"
	"regexp"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
)

// Suite is a rules file with what came of its tests.
type Suite struct {
	Rules    string   // name of the rules file
	Tests    string   // of the test file; "" where there is none
	Problems Problems // with the test file; then there are no results
	File     *File    // nil without a test file, or with problems
	Results  []*Result
}

// Failed is how many tests failed.
func (s *Suite) Failed() (n int) {
	for _, r := range s.Results {
		if !r.Passed() {
			n++
		}
	}
	return n
}

// OK tells whether nothing is wrong with the test file and no test failed.
func (s *Suite) OK() bool { return len(s.Problems) == 0 && s.Failed() == 0 }

// Suite reads and runs the tests of a rules file; src is nil where it has none. only, unless
// nil, chooses tests by their names.
func (r *Runner) Suite(rulesFile string, src *Source, only *regexp.Regexp) *Suite {
	s := r.Read(rulesFile, src)
	if s.File == nil {
		return s
	}
	for _, t := range s.File.Tests {
		if only == nil || only.MatchString(t.Name) {
			s.Results = append(s.Results, r.Run(t, rulesFile))
		}
	}
	return s
}

// Read reads the tests of a rules file, and runs none; src is nil where it has none.
func (r *Runner) Read(rulesFile string, src *Source) *Suite {
	s := &Suite{Rules: rulesFile}
	if src == nil {
		return s
	}
	s.Tests = src.Name
	f, err := Parse(*src)
	if err == nil {
		err = r.Check(f)
	}
	if err != nil {
		if !errors.As(err, &s.Problems) {
			s.Problems = Problems{{File: src.Name, Text: err.Error()}}
		}
		return s
	}
	s.File = f
	return s
}

// Coverage is how many tests a rule has.
type Coverage struct {
	Rule               string
	File               string
	Positive, Negative int
}

// Complete tells whether there is a test of either kind.
func (c Coverage) Complete() bool { return c.Positive > 0 && c.Negative > 0 }

// CoverageOf counts the tests of each enabled rule of the suites' files, in the order of the
// rules. Tests count whether they pass or not; of a test with variants each counts.
func (r *Runner) CoverageOf(suites []*Suite) []Coverage {
	files := map[string]bool{}
	positive, negative := map[string]int{}, map[string]int{}
	for _, s := range suites {
		files[s.Rules] = true
		if s.File == nil {
			continue
		}
		for _, t := range s.File.Tests {
			wanted := map[string]bool{}
			for _, w := range t.Want {
				if !wanted[w.Rule] {
					positive[w.Rule]++
				}
				wanted[w.Rule] = true
			}
			for _, n := range t.Rules {
				if !wanted[n.Rule] {
					negative[n.Rule]++
				}
			}
		}
	}
	var all []Coverage
	for _, rule := range r.set.Rules.Rules {
		if rule.Enabled && files[rule.File] {
			all = append(all, coverageOf(rule, positive, negative))
		}
	}
	return all
}

func coverageOf(rule *rules.Rule, positive, negative map[string]int) Coverage {
	return Coverage{Rule: rule.Name, File: rule.File, Positive: positive[rule.Name], Negative: negative[rule.Name]}
}
