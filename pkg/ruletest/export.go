package ruletest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// What WriteJSON writes: an object with the files and, for each rule, its tests. The names
// are part of the command's contract.
type (
	reportJSON struct {
		OK       bool           `json:"ok"`
		Files    []suiteJSON    `json:"files"`
		Coverage []coverageJSON `json:"coverage"`
	}
	suiteJSON struct {
		Rules    string        `json:"rules"`
		Tests    string        `json:"tests,omitempty"`
		OK       bool          `json:"ok"`
		Problems []problemJSON `json:"problems,omitempty"`
		Results  []resultJSON  `json:"results"`
	}
	problemJSON struct {
		Line   int    `json:"line,omitempty"`
		Column int    `json:"column,omitempty"`
		Text   string `json:"text"`
	}
	resultJSON struct {
		Test       string        `json:"test"`
		Line       int           `json:"line"`
		Passed     bool          `json:"passed"`
		Missing    []missingJSON `json:"missing,omitempty"`
		Unexpected []foundJSON   `json:"unexpected,omitempty"`
		Differs    []foundJSON   `json:"differs,omitempty"`
		Faults     []string      `json:"faults,omitempty"`
	}
	missingJSON struct {
		Rule    string   `json:"rule"`
		Want    int      `json:"want"`
		Got     int      `json:"got"`
		Event   string   `json:"event,omitempty"`
		Clauses []string `json:"clauses,omitempty"`
	}
	foundJSON struct {
		Rule   string `json:"rule"`
		Event  string `json:"event"`
		Output string `json:"output"`
		Text   string `json:"text,omitempty"`
	}
	coverageJSON struct {
		Rule     string `json:"rule"`
		File     string `json:"file"`
		Positive int    `json:"positive"`
		Negative int    `json:"negative"`
	}
)

// WriteJSON writes what came of the tests for programs.
func WriteJSON(w io.Writer, suites []*Suite, coverage []Coverage) error {
	out := reportJSON{OK: true, Files: []suiteJSON{}, Coverage: []coverageJSON{}}
	for _, s := range suites {
		out.OK = out.OK && s.OK()
		out.Files = append(out.Files, s.export())
	}
	for _, c := range coverage {
		out.Coverage = append(out.Coverage, coverageJSON(c))
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

func (s *Suite) export() suiteJSON {
	out := suiteJSON{Rules: s.Rules, Tests: s.Tests, OK: s.OK(), Results: []resultJSON{}}
	for _, p := range s.Problems {
		out.Problems = append(out.Problems, problemJSON{p.Line, p.Column, p.Text})
	}
	for _, r := range s.Results {
		one := resultJSON{Test: r.Test.Name, Line: r.Test.Line, Passed: r.Passed(), Faults: r.Faults}
		for _, m := range r.Missing {
			x := missingJSON{Rule: m.Rule, Want: m.Want, Got: m.Got, Clauses: m.Clauses}
			if m.Event != nil {
				x.Event = where(m.Event)
			}
			one.Missing = append(one.Missing, x)
		}
		for _, f := range r.Unexpected {
			one.Unexpected = append(one.Unexpected, foundJSON{f.Rule.Name, where(f.Event), f.Output, ""})
		}
		for _, d := range r.Wrong {
			one.Differs = append(one.Differs, foundJSON{d.Rule.Name, where(d.Event), d.Output, d.Text})
		}
		out.Results = append(out.Results, one)
	}
	return out
}

// JUnit's elements, as CI systems read them.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Failure *junitFailure `xml:"failure,omitempty"`
		Error   *junitFailure `xml:"error,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes what came of the tests as JUnit does.
func WriteJUnit(w io.Writer, suites []*Suite) error {
	var out junitSuites
	for _, s := range suites {
		js := junitSuite{Name: s.Rules, Tests: len(s.Results), Failures: s.Failed(), Errors: len(s.Problems)}
		for _, p := range s.Problems {
			js.Cases = append(js.Cases, junitCase{Name: "test file", Class: s.Rules, File: s.Tests, Line: p.Line,
				Error: &junitFailure{Message: p.Text, Text: p.Error()}})
		}
		for _, r := range s.Results {
			c := junitCase{Name: r.Test.Name, Class: s.Rules, File: s.Tests, Line: r.Test.Line}
			if !r.Passed() {
				var text strings.Builder
				(&printer{w: &text}).failure(r, s.Tests)
				c.Failure = &junitFailure{Message: r.brief(), Text: text.String()}
			}
			js.Cases = append(js.Cases, c)
		}
		out.Suites = append(out.Suites, js)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(out); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

// brief says in a line why a test failed.
func (r *Result) brief() string {
	var parts []string
	for _, m := range r.Missing {
		parts = append(parts, m.headline())
	}
	for _, f := range r.Unexpected {
		parts = append(parts, "unexpected: "+f.Rule.Name)
	}
	for _, d := range r.Wrong {
		parts = append(parts, d.Rule.Name+": "+d.Text)
	}
	return strings.Join(append(parts, r.Faults...), "; ")
}
