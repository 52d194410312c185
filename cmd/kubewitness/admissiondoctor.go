package main

import (
	"context"

	"github.com/spf13/cobra"
)

type admissionDoctor struct {
	stdio
	cluster clusterFlags
	hooks   hookFlags
}

func newAdmissionDoctor(io stdio) *cobra.Command {
	c := &admissionDoctor{stdio: io}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Tell what keeps API servers from asking",
		Long: `doctor goes the way of a review, from the API server to the answer, and tells, in a sentence
each, what is wrong and what to do: webhooks that are missing, or that somebody has changed;
a certificate that is not trusted, or that nobody renews; a Service without a pod; reviews
that are not answered, or that anybody could have sent; clocks that differ. With "note:" in
front is what is good to know: which namespaces nobody sees, who else changes objects, what
whoever asks may not do. It changes nothing, and makes a dry run of a ConfigMap. What install
was run with it takes from the webhooks, but for --exclude-namespace and --url.

Exit codes: 0 nothing is wrong; 1 something is; 2 bad flags.`,
		Example: `  kubewitness admission doctor --context prod`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	c.cluster.register(cmd.Flags())
	c.hooks.register(cmd.Flags())
	return cmd
}

func (c *admissionDoctor) run(ctx context.Context) error {
	options, err := c.hooks.options()
	if err != nil {
		return err
	}
	in, err := c.cluster.installer(c.stdio, options)
	if err != nil {
		return err
	}
	in.Probe = c.hooks.probe
	findings, err := in.Diagnose(ctx)
	if err != nil {
		return clusterError(err)
	}
	w, wrong := &lineWriter{w: c.out}, false
	for _, f := range findings {
		text := printable(f.Text)
		if f.Note {
			text = "note: " + text
		} else {
			wrong = true
		}
		w.print("%s\n", text)
	}
	if w.err == nil && wrong {
		return &exitError{code: exitUnreadable}
	}
	return w.err
}
