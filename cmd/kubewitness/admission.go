package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubewitness/kubewitness/pkg/install"
	"github.com/kubewitness/kubewitness/pkg/kube"
)

func newAdmission(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "admission",
		Short: "Have a cluster's API servers ask before they do something",
		Args:  cobra.NoArgs, // or else an unknown command is taken for a wish for help
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAdmissionInstall(io), newAdmissionUninstall(io), newAdmissionRotate(io), newAdmissionDoctor(io))
	return cmd
}

// clusterFlags say which cluster is meant, and how it is reached.
type clusterFlags struct {
	access    kube.Access
	namespace string
}

func (f *clusterFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.access.Kubeconfig, "kubeconfig", "", "kubeconfig `file` (default: those of KUBECONFIG, else ~/.kube/config, else the pod's service account)")
	fs.StringVar(&f.access.Context, "context", "", "`name` of a context of the kubeconfig (default: the current one)")
	fs.StringVarP(&f.namespace, "namespace", "n", install.DefaultNamespace, "`namespace` that kubewitness runs in")
}

// installer makes what works on the cluster; what it does is told, a line each.
func (f *clusterFlags) installer(io stdio, options install.Options) (*install.Installer, error) {
	options.Namespace = f.namespace
	if err := options.Check(); err != nil {
		return nil, err
	}
	f.access.Agent = "kubewitness-admission"
	client, err := kube.Dial(f.access)
	if err != nil {
		return nil, err
	}
	tell := func(format string, args ...any) { fmt.Fprintln(io.out, printable(fmt.Sprintf(format, args...))) }
	return &install.Installer{Options: options, Client: client, Now: time.Now, Tell: tell}, nil
}

// hookFlags say what the webhooks are to be.
type hookFlags struct {
	install.Options
	bundleFile string
	probe      string
}

func (f *hookFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.Cluster, "cluster", install.DefaultCluster, "`name` of the cluster, as in the service's configuration")
	fs.IntVar(&f.Port, "service-port", install.DefaultPort, "`port` of the Service; it goes on to the pods' port called admission")
	fs.StringArrayVar(&f.Exclude, "exclude-namespace", nil, "`namespace` that nobody is asked about, besides kube-system, kube-node-lease and that of kubewitness; repeat for more")
	fs.BoolVar(&f.Mutate, "mutate", false, "the mutating webhook, too: the service's configuration has admission.mutate")
	fs.BoolVar(&f.CertManager, "cert-manager", false, "cert-manager makes the certificate and renews it")
	fs.StringVar(&f.URL, "url", "", "`URL` of a kubewitness outside of the cluster: https://HOST:PORT/admission/CLUSTER/SECRET")
	fs.StringVar(&f.bundleFile, "ca-bundle", "", "`file` with the authorities of the certificate at --url, as PEM (default: those of the API server's host)")
	fs.StringVar(&f.probe, "probe-namespace", install.DefaultProbe, "`namespace` that the dry run of a ConfigMap is for")
}

func (f *hookFlags) options() (install.Options, error) {
	o := f.Options
	if f.bundleFile != "" {
		b, err := os.ReadFile(f.bundleFile)
		if err != nil {
			return o, &exitError{code: exitUnreadable, err: err}
		}
		if o.CABundle = b; len(b) == 0 {
			return o, &exitError{code: exitUnreadable, err: fmt.Errorf("%s is empty", f.bundleFile)}
		}
	}
	return o, nil
}

type admissionInstall struct {
	stdio
	cluster clusterFlags
	hooks   hookFlags
	dryRun  bool
	wait    time.Duration
}

func newAdmissionInstall(io stdio) *cobra.Command {
	c := &admissionInstall{stdio: io}
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Write certificate, Service and webhooks, and try them",
		Long: `install has a cluster's API servers ask kubewitness, which is applied beforehand or
afterwards (deploy/admission). It makes a certificate and a secret path, each kept in a
Secret, and a Service; waits until a pod behind it is ready; writes the webhooks; and at the
end makes a dry run of a ConfigMap, of which nothing is stored, and tells what came of its
review. What is as it should be is left alone, what differs is mended, so it may be run
again at any time. What it did is told in a line each.

With --url it writes the webhooks alone, for a kubewitness outside of the cluster.
With --dry-run it asks nobody and prints what it would write, without secrets.

Exit codes: 0 installed, and a review was seen; 1 not; 2 bad flags.`,
		Example: `  kubectl apply -k deploy/admission/kubernetes
  kubewitness admission install --cluster prod`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	c.cluster.register(fs)
	c.hooks.register(fs)
	fs.BoolVar(&c.dryRun, "dry-run", false, "print what would be written, as YAML; nobody is asked")
	fs.DurationVar(&c.wait, "wait", install.DefaultWait, "how long to wait for a pod to be ready, and as long again for the first review")
	return cmd
}

func (c *admissionInstall) run(ctx context.Context) error {
	options, err := c.hooks.options()
	if err != nil {
		return err
	}
	if c.dryRun {
		options.Namespace = c.cluster.namespace
		if err := options.Check(); err != nil {
			return err
		}
		text, err := options.Manifest()
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(c.out, text)
		return err
	}
	in, err := c.cluster.installer(c.stdio, options)
	if err != nil {
		return err
	}
	in.Wait, in.Probe = c.wait, c.hooks.probe
	return clusterError(in.Install(ctx))
}

// clusterError is an error of what was tried with a cluster.
func clusterError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errInterrupted):
		return &exitError{code: exitInterrupted, err: err}
	}
	return &exitError{code: exitUnreadable, err: errors.New(printable(err.Error()))}
}

func newAdmissionUninstall(io stdio) *cobra.Command {
	var f clusterFlags
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Remove webhooks, Service and Secrets",
		Long: `uninstall removes all that install has made, also what another version or a run that was
killed has left: it goes by labels. The webhooks go first, so that at no time one points
to nothing, however it ends; what is left then, another run removes. What runs
kubewitness, what it has stored, and the namespace stay.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := f.installer(io, install.Options{})
			if err != nil {
				return err
			}
			return clusterError(in.Uninstall(cmd.Context()))
		},
	}
	f.register(cmd.Flags())
	return cmd
}

type admissionRotate struct {
	stdio
	cluster           clusterFlags
	now, all          bool
	renewAfter, valid time.Duration
	settle            time.Duration
}

func newAdmissionRotate(io stdio) *cobra.Command {
	c := &admissionRotate{stdio: io}
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Take the next step of renewing the certificate, if one is due",
		Long: `rotate renews the certificate that install has made, in three steps, of which a run takes
one: webhooks trust a new authority beside the old one; the service gets a certificate of
the new one; webhooks trust the old one no more. Between two steps there is --settle at
least, in which API servers and pods take notice. So it is run every day or more often
(deploy/admission/kubernetes has a CronJob), and at no time a review is lost to it.

Exit codes: 0 done, or nothing was due; 1 it could not be done; 2 bad flags.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	c.cluster.register(fs)
	fs.BoolVar(&c.now, "now", false, "begin, though it is not due")
	fs.BoolVar(&c.all, "all", false, "take all steps, and wait between them")
	fs.DurationVar(&c.renewAfter, "renew-after", install.DefaultRenewAfter, "`age` of a certificate that is renewed")
	fs.DurationVar(&c.valid, "validity", install.DefaultValidity, "how long a new certificate is good")
	fs.DurationVar(&c.settle, "settle", install.DefaultSettle, "`time` between two steps, at least")
	return cmd
}

func (c *admissionRotate) run(ctx context.Context) error {
	if c.settle < 0 || c.renewAfter <= 0 || c.valid <= c.renewAfter {
		return errors.New("--validity is longer than --renew-after, which is more than nothing, and --settle is not negative")
	}
	in, err := c.cluster.installer(c.stdio, install.Options{})
	if err != nil {
		return err
	}
	in.Validity, in.RenewAfter, in.Settle = c.valid, c.renewAfter, c.settle
	if c.settle == 0 {
		in.Settle = -1
	}
	for anew := c.now; ; {
		step, err := in.Rotate(ctx, anew)
		anew = anew && step != install.Introduce
		if err != nil {
			return clusterError(err)
		}
		if step == install.Nothing || step == install.Waiting {
			in.Tell("%s", map[install.Step]string{install.Nothing: "nothing is due", install.Waiting: "the next step is to come later"}[step])
		}
		if !c.all || step == install.Nothing {
			return nil
		}
		if err := pause(ctx, c.settle); err != nil {
			return clusterError(err)
		}
	}
}

// pause waits, or until the context ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
