package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/policy"
)

type rulesCoverageCommand struct {
	stdio
	rules  ruleFlags
	policy string
	gke    string
	review string
	all    bool
	strict bool
	output string
}

func newRulesCoverage(io stdio) *cobra.Command {
	c := &rulesCoverageCommand{stdio: io}
	cmd := &cobra.Command{
		Use:   "coverage --policy FILE | --gke | --admission [FILE|DIR]...",
		Short: "Tell which rules an audit policy, or what only admission sees, keeps from ever firing",
		Long: `coverage tells, for each rule, whether any event that the API server records under an
audit policy can make it fire. It asks the API server's own evaluator what is
recorded, at which level and stages, and follows the rule's condition clause by
clause. For a rule that is blind it says which clauses can not hold, why, and the
smallest change of the policy that would serve the rule.

With --gke the events are those of GKE's audit log, which leaves out more: Google's
own policy where no --policy is given, with Data Access logs (--gke) or without
(--gke=activity).

With --admission they are reviews, which come before there is an answer, and not at
all of reads: what API servers ask a webhook put up as docs/admission.md says, or
(--admission=named) one that has to name what it asks about, as on GKE Autopilot.

Without files it looks at kubewitness' own rules. docs/audit-policy.md explains more.`,
		Example: `  kubewitness rules coverage --policy /etc/kubernetes/audit-policy.yaml
  kubewitness rules coverage --policy gce my-rules.yaml
  kubewitness rules coverage --gke=activity --strict
  kubewitness rules coverage --admission`,
		RunE: func(_ *cobra.Command, args []string) error { return c.run(args) },
	}
	fs := cmd.Flags()
	fs.StringVar(&c.policy, "policy", "", "audit policy `file`, or one that comes along: full, metadata, gce")
	fs.StringVar(&c.gke, "gke", "", "events come by GKE's audit log: `data-access`, or activity where Data Access logs are off")
	fs.Lookup("gke").NoOptDefVal = "data-access"
	fs.StringVar(&c.review, "admission", "", "events come by admission alone, of `all` resources, or named where a webhook for all of them is refused")
	fs.Lookup("admission").NoOptDefVal = "all"
	fs.BoolVarP(&c.all, "all", "a", false, "tell also of rules that see all that they look for, or all but what the cluster itself and users named by the policy do")
	fs.BoolVar(&c.strict, "strict", false, "exit with 2 when a rule is blind")
	fs.StringVarP(&c.output, "output", "o", "text", "`text` or json")
	c.rules.registerStrict(fs)
	return cmd
}

func (c *rulesCoverageCommand) run(paths []string) error {
	if c.output != "text" && c.output != "json" {
		return fmt.Errorf("--output %q: text or json", c.output)
	}
	source, err := c.source()
	if err != nil {
		return err
	}
	c.rules.paths, c.rules.minPriority = paths, "debug"
	set, err := c.rules.load(c.err)
	if err != nil {
		return err
	}
	coverage := policy.Cover(set.Rules.Rules, set.Catalogue, c.rules.strict, source)
	if c.output == "json" {
		err = writeJSON(c.out, coverage)
	} else {
		err = writeCoverage(c.out, coverage, source, c.all)
	}
	if err == nil && c.strict && len(coverage.Blind()) > 0 {
		return &exitError{code: exitUsage}
	}
	return err
}

// source is where the events come from.
func (c *rulesCoverageCommand) source() (*policy.Source, error) {
	switch {
	case c.review != "" && c.review != "all" && c.review != "named":
		return nil, fmt.Errorf("--admission=%s: all, or named where a webhook for all resources is refused", c.review)
	case c.review != "" && (c.policy != "" || c.gke != ""):
		return nil, errors.New("--admission goes without --policy and --gke: look at each by itself, a rule that one of them serves is not blind")
	case c.review != "":
		return policy.Admission(c.review == "named"), nil
	case c.policy == "" && c.gke == "":
		return nil, errors.New("name the audit policy of the API server with --policy FILE, --gke for GKE's audit log, or --admission")
	}
	var p *policy.Policy
	if c.policy != "" {
		var err error
		if p, err = loadPolicy(c.policy, c.err); err != nil {
			return nil, err
		}
	}
	switch c.gke {
	case "":
		return policy.APIServer(p), nil
	case "data-access", "activity":
		return policy.GKE(p, c.gke == "data-access"), nil
	}
	return nil, fmt.Errorf("--gke=%s: data-access, or activity where Data Access logs are off", c.gke)
}

// loadPolicy reads a policy file, or takes one that comes along. What the API server passes over in it is told.
func loadPolicy(name string, stderr io.Writer) (*policy.Policy, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && slices.Contains(policy.Builtins, name) {
		return policy.Builtin(name), nil
	}
	if err != nil {
		return nil, &exitError{code: exitUnreadable, err: err}
	}
	p, err := policy.Load(name, text)
	if err != nil {
		return nil, err
	}
	for _, w := range p.Warnings {
		fmt.Fprintf(stderr, "kubewitness: %s: %s\n", name, printable(w))
	}
	return p, nil
}

// writeCoverage tells about each rule in some lines, the blind ones first, and how many there are of each kind.
func writeCoverage(w io.Writer, c *policy.Coverage, source *policy.Source, all bool) error {
	counts, nearly := map[policy.Status]int{}, 0
	var b strings.Builder
	for _, status := range []policy.Status{policy.Blind, policy.Never, policy.Partly, policy.Sees} {
		for i := range c.Rules {
			r := &c.Rules[i]
			if r.Status != status {
				continue
			}
			counts[status]++
			if status == policy.Partly && !r.Lost[0].Common() {
				nearly++
			}
			if !all && (status == policy.Sees || status == policy.Partly && !r.Lost[0].Common()) {
				continue
			}
			lines := r.Sentences(source)
			fmt.Fprintf(&b, "%s:%d: %s\n", r.File, r.Line, lines[0])
			for _, l := range lines[1:] {
				b.WriteString(indent(l) + "\n")
			}
		}
	}
	fmt.Fprintf(&b, "%s: of %s %d see all that they look for, %d a part of it%s, %d are blind", source.Name, several(int64(len(c.Rules)), "rule", "rules"),
		counts[policy.Sees], counts[policy.Partly], nearlyAll(source, nearly), counts[policy.Blind])
	if n := counts[policy.Never]; n > 0 {
		fmt.Fprintf(&b, ", %d can never fire", n)
	}
	b.WriteString(".\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// nearlyAll tells how many rules miss only what a webhook's configuration leaves out, which is so for nearly all of them.
func nearlyAll(source *policy.Source, n int) string {
	if !source.Reviews() || n == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d all but what the webhook's configuration leaves out)", n)
}

func indent(s string) string { return "    " + strings.ReplaceAll(s, "\n", "\n    ") }
