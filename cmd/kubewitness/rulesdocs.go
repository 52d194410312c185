package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/ruledoc"
)

func newRulesDocs(io stdio) *cobra.Command {
	c := &rulesTestCommand{stdio: io}
	var dir string
	cmd := &cobra.Command{
		Use:   "docs [FILE|DIR]... --dir DIR",
		Short: "Write a page for each rule, made of the rule and its tests",
		Long: `docs writes Markdown into a folder: a page for each rule of the files and a README.md
that lists them. A page has the rule's description and condition, what its first positive
test finds as an answer, and what the test file says about it: why, false positives,
response, references. Without files it writes the pages of kubewitness' own rules.`,
		RunE: func(_ *cobra.Command, args []string) error { return c.writePages(args, dir) },
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`folder` to write to; made where it is not there")
	_ = cmd.MarkFlagRequired("dir")
	return cmd
}

func (c *rulesTestCommand) writePages(paths []string, dir string) error {
	files, _, err := c.files(paths)
	if err != nil {
		return &exitError{code: exitUnreadable, err: err}
	}
	runner, err := c.runner(files)
	if err != nil {
		return err
	}
	opt := ruledoc.Options{Rules: runner.Rules(), Runner: runner}
	for _, f := range files {
		src, err := testsBeside(f.Name)
		if err != nil {
			return &exitError{code: exitUnreadable, err: err}
		}
		s := runner.Read(f.Name, src)
		if len(s.Problems) > 0 {
			return &exitError{code: exitUsage, err: s.Problems}
		}
		opt.Suites = append(opt.Suites, s)
	}
	return writePages(dir, ruledoc.Pages(opt))
}

func writePages(dir string, pages []ruledoc.Page) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return &exitError{code: exitUnreadable, err: err}
	}
	written := map[string]bool{}
	for _, p := range pages {
		if written[p.Name] {
			return fmt.Errorf("%s: two rules would have this page; give them names that differ in letters and digits", p.Name)
		}
		written[p.Name] = true
		if err := os.WriteFile(filepath.Join(dir, p.Name), []byte(p.Content), 0o644); err != nil {
			return &exitError{code: exitUnreadable, err: err}
		}
	}
	return nil
}
