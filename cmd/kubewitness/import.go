package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/backfill"
	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/judge"
	"github.com/kubewitness/kubewitness/pkg/redact"
	"github.com/kubewitness/kubewitness/pkg/sink/embedded"
	"github.com/kubewitness/kubewitness/pkg/store"
)

type importCommand struct {
	stdio
	archive     archiveFlags
	rules       []string
	cluster     string
	output      string
	strictInput bool
	maxEvent    int64

	entries gcp.Stream
	line    *statusLine // nil: no terminal
	told    int         // rejections printed
}

func newImport(io stdio) *cobra.Command {
	c := &importCommand{stdio: io}
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Put recorded audit events among those that are kept",
		Long: `import reads audit events from files ("-" is standard input), judges them by the
rules, takes their secrets out, and stores them, to be searched. Nobody is notified. A
file may hold JSON lines, single events, EventLists, arrays, any mix of them, gzipped or not,
and log entries of GKE as gcloud and log sinks write them (kubewitness gcp convert --help).

What is stored already is known and stays as it is: an import may be repeated, and one
that was interrupted is. Events older than the service keeps are filed under the time of
the import. Rules about several events are left out, since files come in any order: hunt
--stateful judges by them what was imported.

They go into the data folder; where a service has that folder, or --server names one, the
service takes them, and judges by its own rules. Without a service the rules, the names
of secrets and the labels of the cluster are those of the configuration.`,
		Example: `  kubewitness import --cluster prod /var/log/kubernetes/audit*.log.gz
  zcat audit.log.gz | kubewitness import --cluster prod --server https://kubewitness:8443 -`,
		Args: someInput,
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
	}
	fs := cmd.Flags()
	fs.StringArrayVarP(&c.rules, "rules", "r", nil, "rules `file`, or folder of *.yaml files; repeat for more, in order (default: those of the configuration)")
	fs.StringVar(&c.cluster, "cluster", "", "`name` of the cluster that the events are from")
	fs.StringVarP(&c.output, "output", "o", "text", "what came of it as `text` or json")
	fs.BoolVar(&c.strictInput, "strict-input", false, "exit with 3 when an item of the input was rejected")
	fs.Int64Var(&c.maxEvent, "max-event-size", 16<<20, "reject events of more `bytes`; a service has a limit of its own")
	c.archive.register(fs)
	return cmd
}

func (c *importCommand) run(ctx context.Context, inputs []string) error {
	if c.output != "text" && c.output != "json" {
		return fmt.Errorf("--output %q: text or json", c.output)
	}
	if c.cluster != "" && !config.ValidClusterName(c.cluster) {
		return fmt.Errorf(`--cluster %q: lower-case letters, digits, "-" and "." in between, 63 at most`, c.cluster)
	}
	url, err := c.archive.remote()
	if err != nil {
		return err
	}
	ctx, cancel := c.archive.deadline(ctx)
	defer cancel()
	if isTerminal(c.err) {
		c.line = &statusLine{w: c.err}
		defer c.line.clear()
	}
	if url == "" {
		return c.local(ctx, inputs)
	}
	a, err := c.archive.dial(url)
	if err != nil {
		return err
	}
	return c.remote(ctx, a, inputs)
}

// local stores the events in the data folder, if no service has it.
func (c *importCommand) local(ctx context.Context, inputs []string) error {
	cfg, err := c.archive.loadConfig(c.stdio, c.rules)
	if err != nil {
		return err
	}
	j, err := c.judge(cfg)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return &exitError{code: exitUnreadable, err: err}
	}
	s, err := openStore(c.stdio, cfg)
	if err != nil {
		a, err := c.archive.instead(cfg.Data, err)
		if err != nil {
			return err
		}
		return c.remote(ctx, a, inputs)
	}
	sum, err := backfill.Run(ctx, c.backfill(cfg, j, s), backfill.Files(inputs, c.in))
	if closeErr := s.Close(); err == nil && closeErr != nil {
		err = closeErr
	}
	c.line.clear()
	done := importedOf(sum)
	tellEntries(c.err, c.entries.Counts())
	if writeErr := c.tell(done, sum.Elapsed); err == nil {
		err = writeErr
	}
	return c.outcome(ctx, err, done)
}

// judge is what judges events as the service of the folder would.
func (c *importCommand) judge(cfg *config.Loaded) (*judge.Judge, error) {
	set, err := (&ruleFlags{paths: cfg.Rules.Paths, minPriority: cfg.Rules.MinPriority.String()}).load(c.err)
	if err != nil {
		return nil, err
	}
	compiled, err := judge.Compile(set, judge.Options{First: cfg.Rules.Matching == config.MatchFirst, AppendFields: cfg.Rules.AppendFields})
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	var optOut []string
	for _, cl := range cfg.Clusters {
		if !cl.Redact {
			optOut = append(optOut, cl.Name)
		}
	}
	r := cfg.Redact
	red, err := redact.New(redact.Config{Keys: r.Keys, EnvNames: r.EnvNames, Except: r.Except, OptOut: optOut})
	if err != nil {
		return nil, fmt.Errorf("redact: %w", err)
	}
	name := cfg.Hostname
	if name == "" {
		name = hostname()
	}
	return judge.New(compiled, red, name), nil
}

func (c *importCommand) backfill(cfg *config.Loaded, j *judge.Judge, s *store.Store) backfill.Config {
	cluster, _ := cfg.Cluster(c.cluster) // one that is not listed has no labels
	b := backfill.Config{
		Judge: j, Sink: embedded.New(embedded.Config{Store: s}), Workers: runtime.GOMAXPROCS(0),
		Limits: audit.Limits{MaxEvent: c.maxEvent}, Cluster: c.cluster, Labels: cluster.LabelMap(),
		Retention: cfg.Store.Retention, Rejected: c.rejected, Now: time.Now,
		Entries: &c.entries,
	}
	if c.line != nil {
		b.Progress = c.progress
	}
	return b
}

func (c *importCommand) progress(g backfill.Progress) {
	rate := float64(g.Events) / max(g.Elapsed.Seconds(), 1e-3)
	text := fmt.Sprintf("%s  %d events (%d known, %d rejected)  %.0f/s", size(g.Bytes), g.Events, g.Known, g.Rejected, rate)
	if g.Total > 0 {
		done := min(g.Bytes, g.Total) // a log can grow while it is read
		text = fmt.Sprintf("%3d%%  %s", 100*done/g.Total, text)
		if done > 0 {
			text += fmt.Sprintf("  %s left", left(g.Elapsed, done, g.Total))
		}
	}
	if !g.From.IsZero() {
		text += fmt.Sprintf("  %s to %s", stamp(g.From), stamp(g.To))
	}
	c.line.show(text)
}

func (c *importCommand) rejected(r *audit.Rejection) { c.tellRejection(r.Error()) }

func (c *importCommand) tellRejection(text string) {
	c.line.clear()
	if c.told++; c.told <= tellRejections {
		fmt.Fprintln(c.err, "kubewitness: rejected:", printable(text))
	}
	if c.told == tellRejections {
		fmt.Fprintln(c.err, "kubewitness: further rejected items are counted, not told")
	}
}

func importedOf(s *backfill.Summary) api.Imported {
	out := api.Imported{
		Events: uint64(s.Events), Known: uint64(s.Known), Detections: uint64(s.Detections), Redacted: uint64(s.Redacted),
		Expired: uint64(s.Expired), Ahead: uint64(s.Ahead), From: s.From, To: s.To,
	}
	for reason, n := range s.Rejected {
		reject(&out, string(reason), uint64(n))
	}
	return out
}

func reject(to *api.Imported, reason string, n uint64) {
	if to.Rejected == nil {
		to.Rejected = map[string]uint64{}
	}
	to.Rejected[reason] += n
}

// remote hands the inputs to a service, one after the other.
func (c *importCommand) remote(ctx context.Context, a *archive, inputs []string) error {
	if len(c.rules) > 0 {
		return errors.New("the service judges by its own rules; leave out --rules")
	}
	begin := time.Now()
	var total api.Imported
	var problems []error
	for _, in := range backfill.Files(inputs, c.in) {
		if ctx.Err() != nil {
			break
		}
		done, err := c.send(ctx, a, in)
		if err != nil {
			problems = append(problems, err)
			var unread *backfill.InputError
			if errors.As(err, &unread) {
				continue
			}
			break
		}
		addImported(&total, done)
	}
	c.line.clear()
	err := errors.Join(problems...)
	if writeErr := c.tell(total, time.Since(begin)); err == nil {
		err = writeErr
	}
	return c.outcome(ctx, err, total)
}

// send hands one input to a service.
func (c *importCommand) send(ctx context.Context, a *archive, in backfill.Input) (*api.Imported, error) {
	src, err := in.Open()
	if err != nil {
		return nil, &backfill.InputError{Input: in.Name, Err: err}
	}
	defer src.Close()
	done, err := a.Import(ctx, c.cluster, &watchedReader{r: src, line: c.line, name: filepath.Base(in.Name), total: in.Size})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.Name, err)
	}
	for _, r := range done.Rejections {
		c.tellRejection(in.Name + ": " + r)
	}
	return done, nil
}

func addImported(to *api.Imported, s *api.Imported) {
	to.Events += s.Events
	to.Known += s.Known
	to.Detections += s.Detections
	to.Redacted += s.Redacted
	to.Expired += s.Expired
	to.Ahead += s.Ahead
	if to.From.IsZero() || !s.From.IsZero() && s.From.Before(to.From) {
		to.From = s.From
	}
	if s.To.After(to.To) {
		to.To = s.To
	}
	for reason, n := range s.Rejected {
		reject(to, reason, n)
	}
}

// watchedReader tells how much of an input was sent.
type watchedReader struct {
	r           io.Reader
	line        *statusLine
	name        string
	done, total int64
	shown       time.Time
}

// Read implements io.Reader.
func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.done += int64(n)
	if now := time.Now(); now.Sub(w.shown) > 200*time.Millisecond {
		w.shown = now
		text := fmt.Sprintf("%s  %s sent", printable(w.name), size(w.done))
		if w.total > 0 {
			text = fmt.Sprintf("%3d%%  %s", 100*min(w.done, w.total)/w.total, text)
		}
		w.line.show(text)
	}
	return n, err
}

// tell prints what came of an import.
func (c *importCommand) tell(s api.Imported, took time.Duration) error {
	if c.output == "json" {
		return writeJSON(c.out, s)
	}
	var rejected uint64
	var reasons []string
	for reason, n := range s.Rejected {
		rejected += n
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	w := &lineWriter{w: c.out}
	w.print("%s stored, %d known already, in %s\n", plural(s.Events-min(s.Known, s.Events), "event"), s.Known, took.Round(time.Millisecond))
	if s.Events > 0 {
		w.print("from %s to %s\n", s.From.UTC().Format(time.RFC3339), s.To.UTC().Format(time.RFC3339))
		w.print("%s; secrets redacted in %s\n", plural(s.Detections, "detection"), plural(s.Redacted, "event"))
	}
	if s.Expired > 0 {
		w.print("%s older than is kept, filed under the time of the import\n", plural(s.Expired, "event"))
	}
	if s.Ahead > 0 {
		w.print("%s of the future, filed under the time of the import\n", plural(s.Ahead, "event"))
	}
	if rejected > 0 {
		w.print("%s rejected:\n", plural(rejected, "item"))
		for _, reason := range reasons {
			w.print("%10d  %s\n", s.Rejected[reason], reason)
		}
	}
	return w.err
}

// lineWriter keeps the first error of writing.
type lineWriter struct {
	w   io.Writer
	err error
}

func (l *lineWriter) print(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, format, args...)
	}
}

// outcome turns the end of an import into an exit code.
func (c *importCommand) outcome(ctx context.Context, err error, s api.Imported) error {
	switch {
	case err != nil || ctx.Err() != nil:
		if err == nil {
			err = context.Cause(ctx)
		}
		return askError(ctx, c.err, "", err)
	case c.strictInput && len(s.Rejected) > 0:
		return &exitError{code: exitRejected}
	}
	return nil
}
