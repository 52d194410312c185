package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/enforce"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/policy"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/search"
)

func newEnforce(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "enforce",
		Short: "Check what detections at admission lead to, and try it on history",
		Args:  cobra.NoArgs, // or else an unknown command is taken for a wish for help
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newEnforceCheck(io), newEnforceSimulate(io))
	return cmd
}

func oneFile(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("name one enforcement file")
	}
	return nil
}

func newEnforceCheck(io stdio) *cobra.Command {
	var f ruleFlags
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Tell everything that is wrong with an enforcement file",
		Long: `check reads an enforcement file and tells every error with its place, names of rules and
tags that do not exist among them, rules that are judged too late to warn or deny, and
exceptions that have expired. It tells of rules that see nothing at admission, too. The exit
code is 2 when the file has errors.`,
		Args: oneFile,
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := f.load(io.err)
			if err != nil {
				return err
			}
			p, err := readEnforcement(io.err, args[0], set)
			if err != nil {
				return err
			}
			for _, x := range p.Expired(time.Now()) {
				fmt.Fprintf(io.out, "%s:%d: expired: %s\n", args[0], x.Line, printable(x.String()))
			}
			blind := policy.Cover(set.Rules.Rules, set.Catalogue, false, policy.Admission(false)).Blind()
			for i := range p.Entries {
				for _, name := range p.Entries[i].Rules {
					if p.Entries[i].Action != enforce.Observe && slices.Contains(blind, name) {
						fmt.Fprintf(io.out, "%s:%d: does nothing: no review tells of what %q looks for; kubewitness rules coverage --admission says why\n", args[0], p.Entries[i].Line, name)
					}
				}
			}
			_, err = fmt.Fprintf(io.out, "%s: Ok, %s, %s\n", args[0], entries(len(p.Entries)), plural(uint64(len(p.Exceptions)), "exception"))
			return err
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// readEnforcement reads a file; what is wrong with it is told on stderr.
func readEnforcement(stderr io.Writer, file string, set *ruleset.Set) (*enforce.Policy, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, &exitError{code: exitUnreadable, err: err}
	}
	var known enforce.Known
	for _, r := range set.Rules.Rules {
		known.Rules, known.Tags = append(known.Rules, r.Name), append(known.Tags, r.Tags...)
	}
	later, err := set.Stateful(nil)
	if err != nil {
		return nil, err
	}
	known.Later = later.Names()
	p, err := enforce.Parse(file, content, known)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return nil, &exitError{code: exitUsage}
	}
	return p, nil
}

type simulateCommand struct {
	stdio
	archive archiveFlags
	in      searchFlags
	rules   ruleFlags
	output  string
}

func newEnforceSimulate(io stdio) *cobra.Command {
	c := &simulateCommand{stdio: io}
	cmd := &cobra.Command{
		Use:   "simulate FILE",
		Short: "Say whose requests of the past an enforcement file would have warned of, or denied",
		Long: `simulate judges the events that a service has kept by rules, and says for each rule
and user how many requests an enforcement file, as it is now, would have denied and warned
of, and how many an exception would have let through. Nothing is stored, nobody is told.

Requests that no admission review tells of (reads, what the API server refused by itself)
do not count. An audit log has of a patch what was sent, and a review the whole object: a
rule can find more at admission than here. Where the events of both are kept, requests
count twice.`,
		Example: `  kubewitness enforce simulate enforce.yaml --since 7d
  kubewitness enforce simulate enforce.yaml --rules my-rules.yaml --cluster prod --output json`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args[0]) },
	}
	fs := cmd.Flags()
	c.in.register(fs)
	fs.StringArrayVarP(&c.rules.paths, "rules", "r", nil, "rules `file`, or folder of *.yaml files; repeat for more, in order (default: kubewitness' own rules)")
	fs.StringVarP(&c.output, "output", "o", "text", "`text` (a table), or json (a line for each row)")
	c.archive.register(fs)
	return cmd
}

func (c *simulateCommand) run(ctx context.Context, file string) error {
	if c.output != "text" && c.output != "json" {
		return fmt.Errorf("--output %q: text or json", c.output)
	}
	q, err := c.in.query()
	if err != nil {
		return err
	}
	c.rules.minPriority = "debug"
	set, err := c.rules.load(c.err)
	if err != nil {
		return err
	}
	p, err := readEnforcement(c.err, file, set)
	if err != nil {
		return err
	}
	text, err := rulesText(c.rules.paths)
	if err != nil {
		return err
	}
	a, err := c.archive.open(c.stdio)
	if err != nil {
		return err
	}
	defer a.close()
	ctx, cancel := c.archive.deadline(ctx)
	defer cancel()
	var line *statusLine
	if isTerminal(c.err) {
		line = &statusLine{w: c.err}
	}
	asked := search.WithProgress(ctx, func(p search.Progress) {
		line.show(fmt.Sprintf("%d judged, back to %s", p.Scanned, stamp(p.Reached)))
	})
	rules, err := judge.Compile(set, judge.Options{})
	if err != nil {
		return err
	}
	s := enforce.NewSimulation(p, time.Now())
	s.Meets = rules.Meets
	sum, err := a.Hunt(asked, text, q, func(h *api.HuntHit) error { return simulated(s, h) })
	line.clear()
	if err != nil {
		return askError(ctx, c.err, "", err)
	}
	if err := c.write(s.Rows()); err != nil {
		return err
	}
	c.summary(s.Rows(), sum)
	return nil
}

// simulated adds what was found in an event.
func simulated(s *enforce.Simulation, h *api.HuntHit) error {
	e, err := eventOf(h)
	if err != nil {
		return err
	}
	for _, d := range h.Found {
		s.Add(e, d.Rule, d.Tags)
	}
	return nil
}

func (c *simulateCommand) write(rows []enforce.Row) error {
	if c.output == "json" {
		enc := json.NewEncoder(c.out)
		enc.SetEscapeHTML(false)
		for _, r := range rows {
			if err := enc.Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
	if len(rows) == 0 {
		return nil
	}
	tw := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "VERDICT\tREQUESTS\tRULE\tUSER\tCLUSTER\tNAMESPACE\tLAST")
	for _, r := range rows {
		fmt.Fprintf(tw, "%s\t%d\t%s\t%s\t%s\t%s\t%s\n", r.Verdict, r.Requests, printable(r.Rule), printable(r.User), printable(r.Cluster), printable(r.Namespace), stamp(r.Last))
	}
	return tw.Flush()
}

func (c *simulateCommand) summary(rows []enforce.Row, sum api.Summary) {
	n := map[string]int{}
	for _, r := range rows {
		n[r.Verdict] += r.Requests
	}
	fmt.Fprintf(c.err, "%s judged; detections at admission: %d denied, %d warned of, %d let through by exceptions\n",
		plural(sum.Scanned, "event"), n["deny"], n["warn"], n["excepted"])
	tellMissing(c.err, sum.Hidden, sum.Why, sum.Partial)
}
