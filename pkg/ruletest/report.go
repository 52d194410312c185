package ruletest

import (
	"fmt"
	"io"
	"strings"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// WriteText writes what came of the tests as go test does: what failed, and a line for
// each file. verbose: also what passed.
func WriteText(w io.Writer, suites []*Suite, verbose bool) error {
	p := &printer{w: w}
	for _, s := range suites {
		for _, problem := range s.Problems {
			p.line("%s", problem.Error())
		}
		for _, r := range s.Results {
			switch {
			case !r.Passed():
				p.failure(r, s.Tests)
			case verbose:
				p.line("--- PASS: %s (%s:%d)", r.Test.Name, s.Tests, r.Test.Line)
			}
		}
		p.summary(s)
	}
	return p.err
}

type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) summary(s *Suite) {
	switch n := len(s.Results); {
	case len(s.Problems) > 0:
		p.line("FAIL  %s  the test file has errors", s.Rules)
	case s.Tests == "":
		p.line("?     %s  no test file", s.Rules)
	case s.Failed() > 0:
		p.line("FAIL  %s  %d of %s failed", s.Rules, s.Failed(), counted(n, "test"))
	default:
		p.line("ok    %s  %s", s.Rules, counted(n, "test"))
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (p *printer) failure(r *Result, file string) {
	p.line("--- FAIL: %s (%s:%d)", r.Test.Name, file, r.Test.Line)
	for _, m := range r.Missing {
		p.line("    %s", m.headline())
		if m.Event != nil {
			p.line("        nearest: %s", where(m.Event))
		}
		for _, c := range m.Clauses {
			p.line("        %s", c)
		}
	}
	for _, f := range r.Unexpected {
		p.line("    unexpected: %s", f.Rule.Name)
		p.line("        on: %s", where(f.Event))
		p.line("        output: %q", clipTo(f.Output, 400))
	}
	for _, wrong := range r.Wrong {
		p.line("    differs: %s: %s", wrong.Rule.Name, wrong.Text)
		p.line("        output: %q", clipTo(wrong.Output, 400))
	}
	for _, f := range r.Faults {
		p.line("    a defect of kubewitness, please report it: %s", f)
	}
}

// headline says which detection is missing.
func (m Missing) headline() string {
	switch {
	case m.NotEnabled:
		return fmt.Sprintf("missing: %s: the rule is not enabled", m.Rule)
	case m.Want > 1:
		return fmt.Sprintf("missing: %s: fired %d of %d times", m.Rule, m.Got, m.Want)
	}
	return "missing: " + m.Rule
}

// where names an event: its stage, its place and what was done.
func where(e *audit.Event) string {
	stage := e.Stage
	if stage == "" {
		stage = "no stage"
	}
	return fmt.Sprintf("%s (%q of %s:%d)", e.Answer(), stage, e.Input, e.Line)
}

func clipTo(s string, n int) string {
	s = strings.TrimSpace(s)
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "..."
	}
	return s
}

// WriteCoverage tells which rules lack tests, and gives their number.
func WriteCoverage(w io.Writer, all []Coverage) (lacking int, err error) {
	p := &printer{w: w}
	for _, c := range all {
		if c.Complete() {
			continue
		}
		lacking++
		lacks := "a positive and a negative test"
		switch {
		case c.Positive > 0:
			lacks = "a negative test (rule: " + c.Rule + ", and not in detect)"
		case c.Negative > 0:
			lacks = "a positive test"
		}
		p.line("%s: %s: lacks %s", c.File, c.Rule, lacks)
	}
	p.line("%d of %s have a positive and a negative test", len(all)-lacking, counted(len(all), "rule"))
	return lacking, p.err
}
