package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/elasticsearch"
	"github.com/kubewitness/kubewitness/pkg/indices"
	"github.com/kubewitness/kubewitness/pkg/server"
)

func newElastic(stdio stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "elastic",
		Short: "Set up an Elasticsearch cluster, and check the connection to it",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newElasticSetup(stdio), newElasticCheck(stdio))
	return cmd
}

// elasticFlags say which cluster is meant and who asks: the service's configuration, and
// flags over it.
type elasticFlags struct {
	configFlags
	username, passwordFile string
	namespace              string
	timeout                time.Duration
}

// elasticPrefix begins the keys of the settings that are asked for here.
const elasticPrefix = "outputs.elasticsearch."

func (f *elasticFlags) register(fs *pflag.FlagSet) {
	f.configFlags.registerOnly(fs, func(flag config.Flag) bool { return strings.HasPrefix(flag.Key, elasticPrefix) })
	fs.StringVar(&f.username, "elasticsearch-username", "", "`user` of basic authentication, instead of an API key")
	fs.StringVar(&f.passwordFile, "elasticsearch-password-file", "", "`file` with the user's password")
	fs.StringVar(&f.namespace, "namespace", "", "`namespace` of the data streams (default: that of the configuration)")
	fs.DurationVar(&f.timeout, "timeout", 30*time.Second, "give up after this `time` without an answer")
}

// read reads the settings, of which a flag replaces what belongs together: whoever gives
// a user does not mean the service's API key.
func (f *elasticFlags) read(stdio stdio) (config.Config, error) {
	loaded, err := f.configFlags.read(stdio.err, stdio.err)
	if err != nil {
		return config.Config{}, err
	}
	cfg := loaded.Config
	o := &cfg.Outputs.Elasticsearch
	if f.namespace != "" {
		o.Namespace = f.namespace
	}
	if f.username != "" {
		o.APIKeyFile, o.Username = "", f.username
	}
	if f.passwordFile != "" {
		o.PasswordFile = f.passwordFile
	}
	o.Timeout = f.timeout
	return cfg, nil
}

// open makes the client of the settings.
func (f *elasticFlags) open(cfg config.Config) (*elasticsearch.Client, error) {
	if !cfg.Outputs.Elasticsearch.On() {
		return nil, errors.New("no cluster is named; give --elasticsearch https://host:9200, or a configuration with outputs.elasticsearch.nodes or cloud_id")
	}
	c, err := elasticsearch.Open(server.ElasticsearchConfig(cfg))
	if err != nil {
		return nil, fmt.Errorf("outputs.elasticsearch: %w", err)
	}
	return c, nil
}

type elasticSetup struct {
	stdio
	conn      elasticFlags
	replicas  int
	refresh   time.Duration
	retention string
	gcpAudit  bool
	print     string
}

func newElasticSetup(stdio stdio) *cobra.Command {
	c := &elasticSetup{stdio: stdio}
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Put up templates, policy and data streams",
		Long: `setup puts up what has to be on an Elasticsearch cluster before the service sends to
it: component and index templates, a policy of how long documents stay (where the server
has ILM), and the data streams: logs-kubernetes.audit_logs-NAMESPACE,
logs-kubewitness.detections-NAMESPACE and, where it is asked for, logs-gcp.audit-NAMESPACE.
It tells what it did, a line each. What is as it should be is left alone, so that it may
run again at any time; after an upgrade of kubewitness it has to. Where a mapping has
changed, the data stream goes on in a new index.

It needs more rights than the service: those of role-setup.json. With --print it asks no
cluster: it writes the bodies of all requests to files, those of the role and of API keys
for the service too.

Settings of your own go into the component template kubewitness-NAMESPACE@custom, which
is used where it is there and never touched.

Exit codes: 0 all is there; 1 it could not be put up; 2 bad flags.`,
		Example: `  kubewitness elastic setup --config kubewitness.yaml --elasticsearch-username elastic --elasticsearch-password-file pw --retention 90d
  kubewitness elastic setup --print deploy/elasticsearch`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	c.conn.register(fs)
	fs.IntVar(&c.replicas, "replicas", indices.AutoReplicas, "`number` of copies of each shard; -1 is one where there is a second node")
	fs.DurationVar(&c.refresh, "refresh", indices.DefaultRefresh, "`time` until a document is found")
	fs.StringVar(&c.retention, "retention", "", "how `long` documents stay, such as 90d or 36h (default: until somebody deletes them)")
	fs.BoolVar(&c.gcpAudit, "gcp-audit", false, "put up logs-gcp.audit-NAMESPACE too, as outputs.elasticsearch.gcp_audit does")
	fs.StringVar(&c.print, "print", "", "write what would be put up to files in this `folder` instead")
	return cmd
}

func (c *elasticSetup) run(ctx context.Context) error {
	retention, err := readSpan("--retention", c.retention)
	if err != nil {
		return err
	}
	cfg, err := c.conn.read(c.stdio)
	if err != nil {
		return err
	}
	opts := server.IndexOptions(cfg.Outputs.Elasticsearch)
	opts.Replicas, opts.Refresh, opts.Retention, opts.GCPAudit = c.replicas, c.refresh, retention, opts.GCPAudit || c.gcpAudit
	if err := opts.Validate(); err != nil {
		return err
	}
	if c.print != "" {
		return printFiles(c.out, c.print, opts)
	}
	client, err := c.conn.open(cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	steps, err := (&indices.Setup{Client: client, Options: opts, Now: time.Now}).Run(ctx)
	if told := writeSteps(c.out, steps); told != nil {
		return told
	}
	switch {
	case errors.Is(context.Cause(ctx), errInterrupted):
		return &exitError{code: exitInterrupted, err: errInterrupted}
	case err != nil:
		return &exitError{code: exitUnreadable, err: errors.New(printable(err.Error()))}
	}
	return nil
}

func writeSteps(w io.Writer, steps []indices.Step) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, s := range steps {
		line := s.What
		if s.Why != "" {
			line += ": " + s.Why
		}
		fmt.Fprintf(tw, "%s\t%s\n", s.Deed, printable(line))
	}
	return tw.Flush()
}

// printFiles writes the bodies of requests, and tells which request each is for.
func printFiles(w io.Writer, dir string, opts indices.Options) error {
	files, err := opts.Files()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return &exitError{code: exitUnreadable, err: err}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, files[name], 0o666); err != nil {
			return &exitError{code: exitUnreadable, err: err}
		}
		if _, err := fmt.Fprintln(w, path); err != nil {
			return err
		}
	}
	return nil
}

// readSpan reads a time in days or in units of Go; "" is 0.
func readSpan(flag, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s %q: write a time such as 90d or 36h", flag, text)
	}
	return d, nil
}

func newElasticCheck(stdio stdio) *cobra.Command {
	var f elasticFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell what is wrong with the connection to Elasticsearch",
		Long: `check asks the cluster as the service does, with its configuration, and tells in a
sentence each what keeps events from being indexed: address, certificate, password or key,
rights, version, templates and data streams, full disks; and, with "note:" in front, what
is good to know. It changes nothing.

Exit codes: 0 nothing is wrong; 1 something is; 2 bad flags.`,
		Example: `  kubewitness elastic check --config /etc/kubewitness/kubewitness.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.read(stdio)
			if err != nil {
				return err
			}
			client, err := f.open(cfg)
			if err != nil {
				return err
			}
			defer client.Close()
			check := indices.Setup{Client: client, Options: server.IndexOptions(cfg.Outputs.Elasticsearch), Now: time.Now}
			return tellFindings(stdio.out, check.Check(cmd.Context()))
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func tellFindings(w io.Writer, found []indices.Finding) error {
	wrong := false
	for _, f := range found {
		text := f.Text
		if !f.Problem {
			text = "note: " + text
		}
		wrong = wrong || f.Problem
		if _, err := fmt.Fprintln(w, printable(text)); err != nil {
			return err
		}
	}
	if wrong {
		return &exitError{code: exitUnreadable}
	}
	_, err := fmt.Fprintln(w, "ok")
	return err
}
