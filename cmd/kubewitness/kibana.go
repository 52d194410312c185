package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/kibana"
)

func newKibana(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kibana",
		Short: "Dashboards and searches for Kibana",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKibanaPrint(io), newKibanaImport(io))
	return cmd
}

func newKibanaPrint(io stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "print",
		Short: "Print the saved objects as NDJSON",
		Long: `print writes two data views, searches and dashboards to standard output, an object a
line, as the page "Saved objects" of Kibana imports them. They are for Kibana 8.13 and newer.`,
		Example: `  kubewitness kibana print > kubewitness.ndjson`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.out.Write(kibana.NDJSON())
			return err
		},
	}
}

type kibanaImport struct {
	stdio
	conn    configFlags
	to      kibana.Config
	timeout time.Duration
}

func newKibanaImport(io stdio) *cobra.Command {
	c := &kibanaImport{stdio: io}
	cmd := &cobra.Command{
		Use:   "import",
		Short: "Put the saved objects into a Kibana",
		Long: `import puts what print writes into a space of a Kibana, over what an earlier import put
there. Whoever asks needs the right to write saved objects; the API key of the service has none.

Exit codes: 0 all is in; 1 Kibana could not be asked, or did not take all; 2 bad flags.`,
		Example: `  kubewitness kibana import --kibana https://kibana:5601 --kibana-username elastic --kibana-password-file pw
  kubewitness kibana import --config kubewitness.yaml --kibana-api-key-file key --space security`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	c.register(cmd.Flags())
	return cmd
}

func (c *kibanaImport) register(fs *pflag.FlagSet) {
	c.conn.registerOnly(fs, func(config.Flag) bool { return false })
	fs.StringVar(&c.to.URL, "kibana", "", "`URL` of Kibana (default: outputs.elasticsearch.kibana_url of the configuration)")
	fs.StringVar(&c.to.Space, "space", "", "`ID` of the space (default: the one in the URL, else the default space)")
	fs.StringVar(&c.to.APIKeyFile, "kibana-api-key-file", "", "`file` with an API key, encoded")
	fs.StringVar(&c.to.Username, "kibana-username", "", "`user` of basic authentication, instead of an API key")
	fs.StringVar(&c.to.PasswordFile, "kibana-password-file", "", "`file` with the user's password")
	fs.StringVar(&c.to.CAFile, "kibana-ca-file", "", "`file` with the authorities that sign Kibana's certificate, as PEM (default: the system's)")
	fs.DurationVar(&c.timeout, "timeout", time.Minute, "give up after this `time` without an answer")
}

func (c *kibanaImport) run(ctx context.Context) error {
	to := c.to
	if to.URL == "" {
		loaded, err := c.conn.read(c.err, c.err)
		if err != nil {
			return err
		}
		to.URL = loaded.Outputs.Elasticsearch.KibanaURL
	}
	switch {
	case to.URL == "":
		return errors.New("no Kibana is named; give --kibana https://host:5601, or a configuration with outputs.elasticsearch.kibana_url")
	case to.APIKeyFile != "" && to.Username != "":
		return errors.New("--kibana-api-key-file and --kibana-username both say who asks; give one of them")
	case (to.Username == "") != (to.PasswordFile == ""):
		return errors.New("--kibana-username and --kibana-password-file go together; give both or none")
	}
	to.Timeout = c.timeout
	n, err := kibana.Import(ctx, to, kibana.NDJSON())
	switch {
	case errors.Is(context.Cause(ctx), errInterrupted):
		return &exitError{code: exitInterrupted, err: errInterrupted}
	case err != nil:
		return &exitError{code: exitUnreadable, err: errors.New(printable(err.Error()))}
	}
	_, err = fmt.Fprintf(c.out, "%d objects are in; the dashboards begin with \"kubewitness:\"\n", n)
	return err
}
