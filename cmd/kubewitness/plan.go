package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/replay"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
)

// writePlan prints how the rules are found.
func writePlan(io stdio, set *ruleset.Set, output string) error {
	m, err := set.Matcher(false, nil)
	if err != nil {
		return err
	}
	switch output {
	case "text":
		return m.Plan().Write(io.out)
	case "json":
		return writeJSON(io.out, m.Plan())
	}
	return fmt.Errorf("--output %q: text or json", output)
}

func newRulesProfile(io stdio) *cobra.Command {
	var rules ruleFlags
	var output string
	cmd := &cobra.Command{
		Use:   "profile FILE...",
		Short: "Measure what each rule costs on recorded events",
		Long: `profile judges recorded audit events ("-" is standard input) and tells of each rule
for how many events it had to be judged, how often it matched and how long the
judging took: the dearest rule first.`,
		Args: someInput,
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := rules.load(io.err)
			if err != nil {
				return err
			}
			m, err := set.Matcher(false, nil)
			if err != nil {
				return err
			}
			p := m.NewProfiler(time.Now)
			err = replay.Events(cmd.Context(), replay.Source{Inputs: args, Stdin: io.in, Entries: new(gcp.Stream), Rejected: func(r *audit.Rejection) {
				fmt.Fprintln(io.err, "kubewitness: rejected:", r)
			}}, func(c *field.Context) error {
				p.Observe(c)
				return nil
			})
			if err != nil {
				return &exitError{code: exitUnreadable, err: err}
			}
			return writeProfile(io, p, output)
		},
	}
	rules.register(cmd.Flags())
	cmd.Flags().StringVarP(&output, "output", "o", "text", "`text` or json")
	return cmd
}

func writeProfile(io stdio, p *match.Profiler, output string) error {
	switch output {
	case "text":
		return p.Write(io.out)
	case "json":
		return writeJSON(io.out, p.Rules())
	}
	return fmt.Errorf("--output %q: text or json", output)
}
