package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/ruletest"
	builtin "github.com/kubewitness/kubewitness/rules"
)

type rulesTestCommand struct {
	stdio
	strict   bool
	output   string
	run      string
	verbose  bool
	coverage bool
	onOurs   bool
}

func newRulesTest(io stdio) *cobra.Command {
	c := &rulesTestCommand{stdio: io}
	cmd := &cobra.Command{
		Use:   "test [FILE|DIR]...",
		Short: "Run the tests that stand beside rules files",
		Long: `test loads rules files, in order, as one set of rules, and runs the tests beside
them: those of NAME.yaml stand in NAME_test.yaml. Without files it tests
kubewitness' own rules.

A test is some events and the rules that must fire on them; docs/rules-test.md
explains how to write one. Where a rule did not fire, the clauses of its condition
that kept it from firing are told.

The exit code is 2 when a test failed, a test file or rules file has errors, or,
with --coverage, a rule lacks a positive or a negative test.`,
		Example: `  kubewitness rules test
  kubewitness rules test my-rules/ --coverage
  kubewitness rules test --on-ours tuning.yaml --run 'build' -v`,
		RunE: func(_ *cobra.Command, args []string) error { return c.test(args) },
	}
	fs := cmd.Flags()
	fs.BoolVar(&c.strict, "falco-strict", false, "judge exactly as Falco 0.44 does; rules that it skips are not expected to fire")
	fs.StringVarP(&c.output, "output", "o", "text", "`text`, json or junit")
	fs.StringVar(&c.run, "run", "", "run only tests whose name matches this `regexp`")
	fs.BoolVarP(&c.verbose, "verbose", "v", false, "tell also of tests that passed")
	fs.BoolVar(&c.coverage, "coverage", false, "tell which rules lack a positive or a negative test, and fail if one does")
	fs.BoolVar(&c.onOurs, "on-ours", false, "load kubewitness' own rules first: to test what is tuned about them")
	return cmd
}

func (c *rulesTestCommand) test(paths []string) error {
	only, err := regexp.Compile(c.run)
	switch {
	case err != nil:
		return fmt.Errorf("--run: %w", err)
	case c.output != "text" && c.output != "json" && c.output != "junit":
		return fmt.Errorf("--output %q: text, json or junit", c.output)
	}
	files, first, err := c.files(paths)
	if err != nil {
		return &exitError{code: exitUnreadable, err: err}
	}
	runner, err := c.runner(files)
	if err != nil {
		return err
	}
	var suites []*ruletest.Suite
	for _, f := range files[first:] {
		src, err := testsBeside(f.Name)
		if err != nil {
			return &exitError{code: exitUnreadable, err: err}
		}
		suites = append(suites, runner.Suite(f.Name, src, only))
	}
	return c.tell(runner, suites)
}

// files gives the rules files, and which is the first to be tested.
func (c *rulesTestCommand) files(paths []string) (files []rules.File, first int, err error) {
	if len(paths) == 0 {
		files, err = ruleset.Files(nil)
		return files, 0, err
	}
	for i, p := range paths {
		paths[i] = rulesBeside(p)
	}
	if c.onOurs {
		if files, err = ruleset.Files(nil); err != nil {
			return nil, 0, err
		}
	}
	named, err := ruleset.Files(paths)
	return append(files, named...), len(files), err
}

// rulesBeside gives the rules file that a test file belongs to, or the path itself.
func rulesBeside(path string) string {
	ext := filepath.Ext(path)
	if st, err := os.Stat(path); !ruleset.IsTest(path) || err != nil || st.IsDir() {
		return path
	}
	return path[:len(path)-len("_test")-len(ext)] + ext
}

// runner compiles the rules, and tells what is wrong with them.
func (c *rulesTestCommand) runner(files []rules.File) (*ruletest.Runner, error) {
	opt := ruleset.Options{MinPriority: rules.Debug}
	whole, err := ruleset.Compile(files, opt) // with the rules that Falco skips
	if err == nil && c.strict {
		names := ruleNames(whole)
		opt.Strict = true
		if whole, err = ruleset.Compile(files, opt); err == nil {
			return ruletest.NewRunner(whole, true, names)
		}
	}
	if errors.Is(err, ruleset.ErrInvalid) {
		for _, r := range whole.Results {
			if !r.Successful {
				fmt.Fprint(c.err, r.Text())
			}
		}
	}
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	return ruletest.NewRunner(whole, false, nil)
}

func ruleNames(set *ruleset.Set) (names []string) {
	for _, r := range set.Rules.Rules {
		names = append(names, r.Name)
	}
	return names
}

// testsBeside gives the test file of a rules file, nil where there is none.
func testsBeside(name string) (*ruletest.Source, error) {
	if ours, ok := strings.CutPrefix(name, "builtin/"); ok {
		for _, f := range builtin.Tests() {
			if f.Name == strings.TrimSuffix(ours, ".yaml")+"_test.yaml" {
				return &ruletest.Source{Name: "builtin/" + f.Name, Content: f.Content}, nil
			}
		}
	}
	ext := filepath.Ext(name)
	path := strings.TrimSuffix(name, ext) + "_test" + ext
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &ruletest.Source{Name: path, Content: content, Open: func(file string) (io.ReadCloser, error) {
		if !filepath.IsAbs(file) {
			file = filepath.Join(filepath.Dir(path), file)
		}
		return os.Open(file)
	}}, nil
}

// tell writes what came of the tests, and makes an exit code of it.
func (c *rulesTestCommand) tell(runner *ruletest.Runner, suites []*ruletest.Suite) error {
	coverage := runner.CoverageOf(suites)
	var err error
	switch c.output {
	case "json":
		err = ruletest.WriteJSON(c.out, suites, coverage)
	case "junit":
		err = ruletest.WriteJUnit(c.out, suites)
	default:
		err = ruletest.WriteText(c.out, suites, c.verbose)
	}
	if err != nil {
		return err
	}
	failed := false
	for _, s := range suites {
		failed = failed || !s.OK()
	}
	if c.coverage {
		to := c.out
		if c.output != "text" {
			to = c.err
		}
		lacking, err := ruletest.WriteCoverage(to, coverage)
		if err != nil {
			return err
		}
		failed = failed || lacking > 0
	}
	if failed {
		return &exitError{code: exitUsage}
	}
	return nil
}
