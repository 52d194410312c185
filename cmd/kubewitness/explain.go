package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

type explainCommand struct {
	stdio
	rules ruleFlags
	rule  string
	event string
}

func newRulesExplain(io stdio) *cobra.Command {
	c := &explainCommand{stdio: io}
	cmd := &cobra.Command{
		Use:   "explain --rule NAME --event FILE",
		Short: "Show why a rule fires on an event, or does not",
		Long: `explain judges every clause of a rule's condition against each event of a file
("-" is standard input) and prints the condition as a tree with the verdict of
each clause and the values it was judged on.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	c.rules.register(cmd.Flags())
	cmd.Flags().StringVar(&c.rule, "rule", "", "`name` of the rule")
	cmd.Flags().StringVar(&c.event, "event", "", "`file` with the event")
	for _, name := range []string{"rule", "event"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // a flag that was just defined
		}
	}
	return cmd
}

func (c *explainCommand) run(ctx context.Context) error {
	set, err := c.rules.load(c.err)
	if err != nil {
		return err
	}
	rule, err := findRule(set.Rules, c.rule)
	if err != nil {
		return err
	}
	src := c.in
	if c.event != "-" {
		f, err := os.Open(c.event)
		if err != nil {
			return &exitError{code: exitUnreadable, err: err}
		}
		defer f.Close()
		src = f
	}
	return c.events(ctx, audit.NewReader(src, c.event, audit.Limits{}), rule, set)
}

func (c *explainCommand) events(ctx context.Context, r *audit.Reader, rule *rules.Rule, set *ruleset.Set) error {
	fc := field.Context{Hostname: hostname()}
	for ctx.Err() == nil {
		e, err := r.Next()
		var rej *audit.Rejection
		switch {
		case err == io.EOF:
			if fc.Num == 0 {
				return &exitError{code: exitUnreadable, err: fmt.Errorf("%s: no event", c.event)}
			}
			return nil
		case errors.As(err, &rej):
			fmt.Fprintln(c.err, "kubewitness: rejected:", rej)
			continue
		case err != nil:
			return &exitError{code: exitUnreadable, err: err}
		}
		fc.Event = e
		if fc.Num++; fc.Num == 1 {
			fc.First = e.Time
		}
		if err := c.explain(rule, set, &fc); err != nil {
			return err
		}
	}
	return &exitError{code: exitInterrupted}
}

func (c *explainCommand) explain(rule *rules.Rule, set *ruleset.Set, fc *field.Context) error {
	x, err := match.Explain(rule, set.Catalogue, c.rules.strict, fc)
	if err != nil {
		return err
	}
	verdict := "does not fire"
	if x.Verdict {
		verdict = "fires"
	}
	if !rule.Enabled {
		verdict += " (and is disabled)"
	}
	fmt.Fprintf(c.out, "%s:%d: rule %q %s: %s\n", fc.Event.Input, fc.Event.Line, rule.Name, verdict, fc.Event.Answer())
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
