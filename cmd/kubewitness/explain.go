package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/replay"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

type explainCommand struct {
	stdio
	rules ruleFlags
	rule  string
	event string

	plan   bool
	output string
}

func newRulesExplain(io stdio) *cobra.Command {
	c := &explainCommand{stdio: io}
	cmd := &cobra.Command{
		Use:   "explain --rule NAME --event FILE | --plan",
		Short: "Show why a rule fires on an event, or does not",
		Long: `explain judges every clause of a rule's condition against each event of a file
("-" is standard input) and prints the condition as a tree with the verdict of
each clause and the values it was judged on.

With --plan it shows instead how the rules are found: the look-ups done for an
event, what each rule is found by, and which rules are candidates for every
event, and why.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	c.rules.register(cmd.Flags())
	cmd.Flags().StringVar(&c.rule, "rule", "", "`name` of the rule")
	cmd.Flags().StringVar(&c.event, "event", "", "`file` with the event")
	cmd.Flags().BoolVar(&c.plan, "plan", false, "show how the rules are found")
	cmd.Flags().StringVarP(&c.output, "output", "o", "text", "of the plan: `text` or json")
	return cmd
}

func (c *explainCommand) run(ctx context.Context) error {
	set, err := c.rules.load(c.err)
	if err != nil {
		return err
	}
	if c.plan {
		return writePlan(c.stdio, set, c.output)
	}
	if c.rule == "" || c.event == "" {
		return errors.New("rules explain needs --rule and --event, or --plan")
	}
	rule, err := findRule(set.Rules, c.rule)
	if err != nil {
		return err
	}
	found := false
	err = replay.Events(ctx, replay.Source{
		Inputs: []string{c.event}, Stdin: c.in, Strict: c.rules.strict, Hostname: hostname(), Entries: new(gcp.Stream),
		Rejected: func(r *audit.Rejection) { fmt.Fprintln(c.err, "kubewitness: rejected:", r) },
	}, func(fc *field.Context) error {
		found = true
		return c.explain(rule, set, fc)
	})
	switch {
	case errors.Is(err, errInterrupted):
		return &exitError{code: exitInterrupted}
	case err != nil:
		return &exitError{code: exitUnreadable, err: err}
	case !found:
		return &exitError{code: exitUnreadable, err: fmt.Errorf("%s: no event", c.event)}
	}
	return nil
}

func (c *explainCommand) explain(rule *rules.Rule, set *ruleset.Set, fc *field.Context) error {
	if rule.State != nil && len(rule.State.Steps) > 0 {
		for i, step := range rule.State.Steps {
			one := *rule
			one.Condition = step.Condition
			if err := c.explainOne(&one, fmt.Sprintf(", step %d of %d,", i+1, len(rule.State.Steps)), set, fc); err != nil {
				return err
			}
		}
		return nil
	}
	return c.explainOne(rule, "", set, fc)
}

// explainOne explains a rule, or a step of one.
func (c *explainCommand) explainOne(rule *rules.Rule, step string, set *ruleset.Set, fc *field.Context) error {
	x, err := match.Explain(rule, set.Catalogue, c.rules.strict, fc)
	if err != nil {
		return err
	}
	verdict := "does not fire"
	switch {
	case rule.State != nil && x.Verdict:
		verdict = "counts, and fires by " + rule.State.Kind.Key()
	case rule.State != nil:
		verdict = "does not count"
	case x.Verdict:
		verdict = "fires"
	}
	if rule.ReadsSeen {
		verdict += " (as far as the event alone tells: nothing is known here of what was seen before)"
	}
	if !rule.Enabled {
		verdict += " (and is disabled)"
	}
	fmt.Fprintf(c.out, "%s:%d: rule %q%s %s: %s\n", fc.Event.Input, fc.Event.Line, rule.Name, step, verdict, fc.Event.Answer())
	return x.Write(c.out)
}

// findRule finds a rule by name; where there is none it names those that look
// like it.
func findRule(rs *rules.Ruleset, name string) (*rules.Rule, error) {
	var near []string
	for _, r := range rs.Rules {
		if r.Name == name {
			return r, nil
		}
		if strings.Contains(strings.ToLower(r.Name), strings.ToLower(name)) {
			near = append(near, fmt.Sprintf("%q", r.Name))
		}
	}
	msg := fmt.Sprintf("no rule %q; kubewitness rules list shows the names", name)
	if len(near) > 0 {
		msg = fmt.Sprintf("no rule %q; did you mean %s?", name, strings.Join(near, ", "))
	}
	return nil, errors.New(msg)
}
