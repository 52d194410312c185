package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

func newRules(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Check, test, list and explain rules",
		Args:  cobra.NoArgs, // or else an unknown command is taken for a wish for help
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRulesCheck(io), newRulesList(io), newRulesFields(io), newRulesExplain(io), newRulesProfile(io), newRulesTest(io), newRulesBacktest(io), newRulesDocs(io), newRulesCoverage(io))
	return cmd
}

func newRulesCheck(io stdio) *cobra.Command {
	var f ruleFlags
	var output string
	cmd := &cobra.Command{
		Use:   "check [FILE|DIR]...",
		Short: "Tell everything that is wrong with rules files",
		Long: `check loads rules files, in order, and tells every error and warning with its
place. Without files it checks kubewitness' own rules. The exit code is 2 when
a file has errors.`,
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := ruleset.Load(ruleset.Options{Paths: args, Strict: f.strict, MinPriority: rules.Debug})
			if set == nil {
				return &exitError{code: exitUnreadable, err: err}
			}
			if werr := writeResults(io.out, set.Results, output); werr != nil {
				return werr
			}
			if err != nil {
				return &exitError{code: exitUsage}
			}
			return nil
		},
	}
	f.registerStrict(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`text`, or json as falco -V writes it")
	return cmd
}

func writeResults(w io.Writer, results []*rules.Result, output string) error {
	switch output {
	case "json":
		_, err := fmt.Fprintln(w, string(rules.JSON(results)))
		return err
	case "text":
		for _, r := range results {
			if _, err := fmt.Fprint(w, r.Text()); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("--output %q: text or json", output)
}

func newRulesList(io stdio) *cobra.Command {
	var f ruleFlags
	var output string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the rules in force",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			set, err := f.load(io.err)
			if err != nil {
				return err
			}
			switch output {
			case "text":
				return listText(io.out, set.Rules)
			case "json":
				return listJSON(io.out, set.Rules)
			}
			return fmt.Errorf("--output %q: text or json", output)
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`text` or json")
	return cmd
}

func listText(w io.Writer, rs *rules.Ruleset) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "PRIORITY\tRULE\tTAGS")
	for _, r := range rs.Rules {
		name := r.Name
		if !r.Enabled {
			name += " (disabled)"
		}
		if r.Stateful() {
			name += " (several events)"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", r.Priority, name, strings.Join(r.Tags, ","))
	}
	return tw.Flush()
}

// listedRule is a rule as `rules list --output json` writes it.
type listedRule struct {
	Name      string   `json:"name"`
	Priority  string   `json:"priority"`
	Enabled   bool     `json:"enabled"`
	Source    string   `json:"source"`
	Tags      []string `json:"tags"`
	Desc      string   `json:"description"`
	Condition string   `json:"condition"`
	Stateful  bool     `json:"stateful,omitempty"` // about several events
	State     string   `json:"state,omitempty"`    // the key that says how: kw_threshold
	Output    string   `json:"output"`
	File      string   `json:"file"`
	Line      int      `json:"line"`
}

func listJSON(w io.Writer, rs *rules.Ruleset) error {
	list := make([]listedRule, 0, len(rs.Rules))
	for _, r := range rs.Rules {
		list = append(list, listedRule{
			Name: r.Name, Priority: r.Priority.String(), Enabled: r.Enabled, Source: r.Source, Tags: r.Tags,
			Desc: r.Desc, Condition: r.ConditionText, Stateful: r.Stateful(), State: r.StateKey(), Output: r.Output, File: r.File, Line: r.Line,
		})
	}
	return writeJSON(w, list)
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func newRulesFields(io stdio) *cobra.Command {
	var f ruleFlags
	var output string
	cmd := &cobra.Command{
		Use:   "fields",
		Short: "List every field that a rule may name",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cat := field.Default()
			if f.strict {
				cat = field.Falco()
			}
			switch output {
			case "markdown":
				_, err := fmt.Fprint(io.out, cat.Markdown())
				return err
			case "json":
				return fieldsJSON(io.out, cat)
			case "text":
				return fieldsText(io.out, cat)
			}
			return fmt.Errorf("--output %q: text, markdown or json", output)
		},
	}
	f.registerStrict(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`text`, markdown or json")
	return cmd
}

// listedField is a field as `rules fields --output json` writes it.
type listedField struct {
	Name       string   `json:"name"`
	Type       string   `json:"type"`
	List       bool     `json:"list"`
	Argument   string   `json:"argument"` // none, key, index
	Required   bool     `json:"argument_required"`
	Paths      []string `json:"paths"`
	Desc       string   `json:"description"`
	Example    string   `json:"example,omitempty"`
	Deprecated bool     `json:"deprecated"`
	Falco      bool     `json:"falco"`
}

func fieldsJSON(w io.Writer, cat *field.Catalogue) error {
	list := make([]listedField, 0, len(cat.All()))
	for _, f := range cat.All() {
		arg := "none"
		switch {
		case f.ArgIndex:
			arg = "index"
		case f.ArgAllowed:
			arg = "key"
		}
		list = append(list, listedField{
			Name: f.Name, Type: f.Type.String(), List: f.List, Argument: arg, Required: f.ArgRequired, Paths: f.Paths,
			Desc: f.Doc, Example: f.Example, Deprecated: f.Deprecated, Falco: !f.Ours,
		})
	}
	return writeJSON(w, list)
}

func fieldsText(w io.Writer, cat *field.Catalogue) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range cat.All() {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", f.Usage(), f.TypeName(), f.Doc)
	}
	return tw.Flush()
}
