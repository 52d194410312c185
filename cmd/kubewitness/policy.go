package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/policy"
	"github.com/kubewitness/kubewitness/pkg/replay"
)

func newPolicy(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Make audit policies for the API server",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPolicyGenerate(io))
	return cmd
}

type policyGenerateCommand struct {
	stdio
	rules      ruleFlags
	recordings []string
	policies   []string
	secretless bool
	output     string
}

func newPolicyGenerate(io stdio) *cobra.Command {
	c := &policyGenerateCommand{stdio: io}
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Write the smallest audit policy that serves rules",
		Long: `generate writes an audit policy (audit.k8s.io/v1) under which the rules fire on exactly
what they would fire on if everything were recorded, and little else is recorded. Who
makes most of the traffic (nodes, controllers, the control plane) has rules in front
where less will do. The API server's own loader has read it before it is printed.

A rule that asks for what is in secrets or tokens gets it, which is told on standard
error; --without-secrets keeps it out.

With --recording it tells how much of a recording the policy would have recorded,
beside everything (full), the policy of clusters on Google's Compute Engine (gce) and
one without bodies (metadata). Record it with a policy that leaves out nothing: what
is not in it is missing in all the figures.`,
		Example: `  kubewitness policy generate > audit-policy.yaml
  kubewitness policy generate --rules my-rules.yaml --without-secrets
  kubewitness policy generate --recording audit.log --compare audit-policy.yaml --output summary`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	c.rules.register(fs)
	fs.StringArrayVar(&c.recordings, "recording", nil, "tell how much of the events in this `file` would be recorded (- is standard input); repeat for more")
	fs.StringArrayVar(&c.policies, "compare", nil, "compare with this policy `file` as well; repeat for more")
	fs.BoolVar(&c.secretless, "without-secrets", false, "never record what is in secrets and tokens, even where a rule asks for it")
	fs.StringVarP(&c.output, "output", "o", "yaml", "`yaml`: the policy, and figures on standard error; summary or json: the figures alone")
	return cmd
}

func (c *policyGenerateCommand) run(ctx context.Context) error {
	switch {
	case c.output != "yaml" && c.output != "summary" && c.output != "json":
		return fmt.Errorf("--output %q: yaml, summary or json", c.output)
	case c.output != "yaml" && len(c.recordings) == 0:
		return fmt.Errorf("--output %s: name the events to measure with --recording FILE", c.output)
	case len(c.policies) > 0 && len(c.recordings) == 0:
		return errors.New("--compare: name the events to measure with --recording FILE")
	}
	set, err := c.rules.load(c.err)
	if err != nil {
		return err
	}
	made, err := policy.Generate(set.Rules.Rules, set.Catalogue, policy.GenerateOptions{Strict: c.rules.strict, WithoutSecrets: c.secretless})
	if err != nil {
		return err
	}
	if len(made.Secret) > 0 {
		c.tellSecret(made.Secret)
	}
	if c.output == "yaml" {
		if _, err := c.out.Write(made.Text); err != nil {
			return err
		}
	}
	if len(c.recordings) == 0 {
		return nil
	}
	return c.measure(ctx, made)
}

func (c *policyGenerateCommand) tellSecret(rules []string) {
	what := "records what is in secrets or tokens (--without-secrets does not)"
	if c.secretless {
		what = "keeps what is in secrets and tokens from rules that ask for it"
	}
	fmt.Fprintf(c.err, "kubewitness: the policy %s: %s\n", what, strings.Join(rules, ", "))
}

// measure tells what policies leave of the recordings.
func (c *policyGenerateCommand) measure(ctx context.Context, made *policy.Generated) error {
	made.Policy.Name = "generated"
	sources := []*policy.Source{policy.APIServer(policy.Builtin("full")), policy.APIServer(made.Policy), policy.APIServer(policy.Builtin("gce")), policy.APIServer(policy.Builtin("metadata"))}
	for _, name := range c.policies {
		p, err := loadPolicy(name, c.err)
		if err != nil {
			return err
		}
		sources = append(sources, policy.APIServer(p))
	}
	meter := policy.NewMeter(sources...)
	err := replay.Events(ctx, replay.Source{
		Inputs: c.recordings, Stdin: c.in, Entries: &gcp.Stream{},
		Rejected: func(r *audit.Rejection) { fmt.Fprintln(c.err, "kubewitness: rejected:", r) },
	}, func(fc *field.Context) error { return meter.Add(fc.Event) })
	switch {
	case errors.Is(err, errInterrupted):
		return &exitError{code: exitInterrupted}
	case err != nil:
		return &exitError{code: exitUnreadable, err: err}
	}
	switch c.output {
	case "json":
		return writeJSON(c.out, meter.Volumes())
	case "summary":
		return writeVolumes(c.out, meter.Volumes())
	}
	return writeVolumes(c.err, meter.Volumes())
}

// writeVolumes prints a table; the first volume is the whole.
func writeVolumes(w io.Writer, volumes []policy.Volume) error {
	var b bytes.Buffer
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "events\t\tbytes\t\t policy\t")
	whole := volumes[0]
	for _, v := range volumes {
		fmt.Fprintf(tw, "%d\t%s\t%d\t%s\t %s\t\n", v.Events, share(v.Events, whole.Events), v.Bytes, share(v.Bytes, whole.Bytes), v.Source)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

func share(part, whole int64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(whole))
}
