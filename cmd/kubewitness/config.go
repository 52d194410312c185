package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubewitness/kubewitness/pkg/config"
)

// configFlags are the flags of every command that takes the service's configuration.
type configFlags struct {
	set  *pflag.FlagSet
	file string
}

func (f *configFlags) register(fs *pflag.FlagSet) {
	f.registerOnly(fs, func(config.Flag) bool { return true })
}

// registerOnly registers the flags of some settings, for commands that need no others.
func (f *configFlags) registerOnly(fs *pflag.FlagSet, wanted func(config.Flag) bool) {
	f.set = fs
	fs.StringVarP(&f.file, "config", "c", "", "configuration `file` (default: the one that "+config.EnvFile+" names, else none)")
	for _, flag := range config.Flags() {
		switch {
		case !wanted(flag):
		case flag.Repeated():
			fs.StringArrayP(flag.Name, flag.Short, nil, flag.Doc)
		case flag.Switch():
			fs.BoolP(flag.Name, flag.Short, false, flag.Doc)
		default:
			fs.StringP(flag.Name, flag.Short, flag.Default(), flag.Doc)
		}
	}
}

// sources are the file, the environment and the flags that were given.
func (f *configFlags) sources() config.Sources {
	src := config.Sources{File: f.file, Env: os.Environ(), Flags: map[string][]string{}}
	if src.File == "" {
		src.File = os.Getenv(config.EnvFile)
	}
	for _, flag := range config.Flags() {
		given := f.set.Lookup(flag.Name)
		if given == nil {
			continue // a command that has not all flags
		}
		switch list, repeated := given.Value.(pflag.SliceValue); {
		case !given.Changed:
		case repeated:
			src.Flags[flag.Name] = list.GetSlice()
		default:
			src.Flags[flag.Name] = []string{given.Value.String()}
		}
	}
	return src
}

// read reads the configuration. What cannot be read is told on w, a line for each
// problem; warnings go to stderr.
func (f *configFlags) read(w, stderr io.Writer) (*config.Loaded, error) {
	c, err := config.Load(f.sources())
	if err != nil {
		return nil, tellProblems(w, err)
	}
	for _, warning := range c.Warnings {
		fmt.Fprintln(stderr, "kubewitness:", warning)
	}
	return c, nil
}

// load reads the configuration and judges it.
func (f *configFlags) load(w, stderr io.Writer) (*config.Loaded, error) {
	c, err := f.read(w, stderr)
	if err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, tellProblems(w, err)
	}
	return c, nil
}

// tellProblems tells each problem on a line of its own.
func tellProblems(w io.Writer, err error) error {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return err
	}
	for _, p := range problems {
		if _, err := fmt.Fprintln(w, p.String()); err != nil {
			return err
		}
	}
	return &exitError{code: exitUsage}
}

func newConfig(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check, print and document the configuration of the service",
		Args:  cobra.NoArgs, // or else an unknown command is taken for a wish for help
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigCheck(io), newConfigPrint(io), newConfigDocs(io))
	return cmd
}

func newConfigCheck(io stdio) *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell everything that is wrong with a configuration",
		Long: `check reads the configuration as serve does, from a file, the environment and
flags, and tells each problem on a line: where, which key, what to write. First
what cannot be read; once all can be, what does not go together. Files that the
configuration names are not opened. The exit code is 2 when there are problems.`,
		Example: `  kubewitness config check --config /etc/kubewitness/kubewitness.yaml`,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if _, err := f.load(io.out, io.err); err != nil {
				return err
			}
			_, err := fmt.Fprintln(io.out, "ok")
			return err
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func newConfigPrint(io stdio) *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "print",
		Short: "Print the effective configuration, with the source of each value",
		Long: `print writes the configuration that serve would use as YAML, all defaults
included, each value with its source: default, file, environment or flag. User
info and query values in URLs are masked. Whether the values go together is for
"config check" to say.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := f.read(io.err, io.err)
			if err != nil {
				return err
			}
			return c.WriteYAML(io.out)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func newConfigDocs(io stdio) *cobra.Command {
	return &cobra.Command{
		Use:   "docs",
		Short: "Print the documentation of all settings as Markdown",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(io.out, config.Markdown())
			return err
		},
	}
}
