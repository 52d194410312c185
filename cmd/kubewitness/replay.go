package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/replay"
)

type replayCommand struct {
	stdio
	rules        ruleFlags
	matching     string
	output       string
	cluster      string
	appendFields []string
	iso8601      bool
	strictInput  bool
	maxEvent     int64

	progress *progressLine
	entries  gcp.Stream
	told     int // rejections printed
}

func newReplay(io stdio) *cobra.Command {
	c := &replayCommand{stdio: io}
	cmd := &cobra.Command{
		Use:   "replay FILE...",
		Short: "Judge recorded audit events and print the alerts",
		Long: `replay reads audit events from files ("-" is standard input), judges each against
the rules and prints the alerts in the order of the events. A file may hold JSON
lines, single events, EventLists, arrays, any mix of them, gzipped or not, and log
entries of GKE as gcloud and log sinks write them (kubewitness gcp convert --help).

Alerts go to standard output; rejected items, progress and a summary go to
standard error.`,
		Example: `  kubewitness replay /var/log/kubernetes/audit.log
  kubewitness replay --rules my-rules.yaml --output falco-json audit.log.gz
  zcat audit.log.gz | kubewitness replay --min-priority warning -`,
		Args: someInput,
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
	}
	fs := cmd.Flags()
	c.rules.register(fs)
	fs.StringVar(&c.matching, "matching", "all", "alerts of `all` rules that match an event, or of the first only")
	fs.StringVarP(&c.output, "output", "o", "", "alerts as `answer` (a sentence), or as falco-json or text (Falco's lines) (default answer on a terminal, else falco-json)")
	fs.StringArrayVar(&c.appendFields, "append-field", nil, "add a `field` to the output fields of every alert, as Falco's append_output does; repeat for more")
	fs.StringVar(&c.cluster, "cluster", "", "`name` of the cluster that the events are from")
	fs.BoolVar(&c.iso8601, "time-format-iso-8601", false, "full dates in Falco's lines")
	fs.BoolVar(&c.strictInput, "strict-input", false, "exit with 3 when an item of the input was rejected")
	fs.Int64Var(&c.maxEvent, "max-event-size", 16<<20, "reject events of more `bytes`")
	return cmd
}

// someInput demands that an input is named.
func someInput(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New(`name the files to read; "-" is standard input`)
	}
	return nil
}

func (c *replayCommand) run(ctx context.Context, inputs []string) error {
	if c.matching != "all" && c.matching != "first" {
		return fmt.Errorf("--matching %q: all or first", c.matching)
	}
	line, err := c.lineWriter()
	if err != nil {
		return err
	}
	set, err := c.rules.load(c.err)
	if err != nil {
		return err
	}
	m, stateful, err := set.Compiled(c.matching == "first", c.appendFields)
	if err != nil {
		return err
	}
	opt := c.options(inputs, m, line)
	opt.Stateful = stateful
	summary, err := replay.Run(ctx, opt)
	c.clearProgress()
	if _, sumErr := summary.WriteTo(c.err); err == nil {
		err = sumErr
	}
	tellEntries(c.err, c.entries.Counts())
	return c.outcome(err, summary)
}

func (c *replayCommand) options(inputs []string, m *match.Matcher, line lineFunc) replay.Options {
	hostname := hostname()
	lineOpt := alert.Options{Hostname: hostname, ISO8601: c.iso8601, Raw: c.rules.strict, Color: useColor(c.out)}
	opt := replay.Options{
		Source: replay.Source{
			Inputs: inputs, Stdin: c.in, Strict: c.rules.strict, Cluster: c.cluster, Hostname: hostname,
			Limits: audit.Limits{MaxEvent: c.maxEvent}, Rejected: c.rejected,
			Entries: &c.entries,
		},
		Matcher: m,
		Workers: runtime.GOMAXPROCS(0),
		Line:    func(dst []byte, a *alert.Alert) []byte { return line(dst, a, lineOpt) },
		Out:     c,
		Now:     time.Now,
		Fault:   c.fault,
	}
	if isTerminal(c.err) {
		c.progress = &progressLine{w: c.err}
		opt.Progress = c.progress.draw
	}
	return opt
}

// Write writes alerts where the progress line may stand.
func (c *replayCommand) Write(p []byte) (int, error) {
	c.clearProgress()
	return c.out.Write(p)
}

// lineFunc appends one alert as a line.
type lineFunc func(dst []byte, a *alert.Alert, opt alert.Options) []byte

func (c *replayCommand) lineWriter() (lineFunc, error) {
	output := c.output
	if output == "" {
		output = "falco-json"
		if isTerminal(c.out) {
			output = "answer"
		}
	}
	switch output {
	case "answer":
		return alert.AppendAnswer, nil
	case "falco-json":
		return alert.AppendFalcoJSON, nil
	case "text":
		return alert.AppendText, nil
	}
	return nil, fmt.Errorf("--output %q: answer, falco-json or text", c.output)
}

// tellRejections is how many rejected items are told one by one; the summary
// counts them all.
const tellRejections = 20

func (c *replayCommand) rejected(r *audit.Rejection) {
	c.clearProgress()
	if c.told++; c.told <= tellRejections {
		fmt.Fprintln(c.err, "kubewitness: rejected:", r)
	}
	if c.told == tellRejections {
		fmt.Fprintln(c.err, "kubewitness: further rejected items are counted, not told")
	}
}

func (c *replayCommand) fault(input string, line int64, f match.Fault) {
	c.clearProgress()
	fmt.Fprintf(c.err, "kubewitness: %s:%d: %v\n", input, line, f.Err)
}

func (c *replayCommand) clearProgress() {
	if c.progress != nil {
		c.progress.clear()
	}
}

// outcome turns the end of a replay into an exit code.
func (c *replayCommand) outcome(err error, s *replay.Summary) error {
	switch {
	case errors.Is(err, errInterrupted):
		return &exitError{code: exitInterrupted, err: err} // with the inputs that could not be read
	case errors.Is(err, syscall.EPIPE):
		return &exitError{code: exitUnreadable} // the reader went away; it knows
	case err != nil:
		return &exitError{code: exitUnreadable, err: err}
	case c.strictInput && s.Refused() > 0:
		return &exitError{code: exitRejected}
	}
	return nil
}

// hostname is what Falco names as its host: FALCO_HOSTNAME, else the host's.
func hostname() string {
	if h := os.Getenv("FALCO_HOSTNAME"); h != "" {
		return h
	}
	h, err := os.Hostname()
	if err != nil {
		return ""
	}
	return h
}
