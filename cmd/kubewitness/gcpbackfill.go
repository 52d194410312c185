package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/backfill"
	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging"
	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging/query"
	"github.com/kubewitness/kubewitness/pkg/server"
)

// logFlags say which logs in Cloud Logging are meant.
type logFlags struct {
	projects, resources []string
	filter, cluster     string
	credentials         string
	requests            int
}

func (f *logFlags) register(fs *pflag.FlagSet) {
	f.registerPlaces(fs)
	fs.StringVar(&f.cluster, "cluster", "", "only entries of the cluster of this `name`")
	fs.StringVar(&f.filter, "filter", "", "only entries that meet this `filter` in the Logging query language, too (default: that of the configuration)")
	fs.IntVar(&f.requests, "requests-per-minute", 0, "read requests a minute and project (default: those of the configuration, 60)")
}

// registerPlaces registers what says where logs are, and who asks for them.
func (f *logFlags) registerPlaces(fs *pflag.FlagSet) {
	fs.StringArrayVar(&f.projects, "project", nil, "`ID` of a project; repeat for more (default: the resources of the configuration)")
	fs.StringArrayVar(&f.resources, "resource", nil, "`name` of something else that has logs: folders/NUMBER or organizations/NUMBER with the projects in them, a view of a log bucket; repeat for more")
	fs.StringVar(&f.credentials, "credentials-file", "", "`file` with a service account's key or a configuration of workload identity federation (default: that of the configuration, else application default credentials)")
}

// complete takes what no flag says from the configuration, and checks all.
func (f *logFlags) complete(c config.CloudLogging) error {
	for _, p := range f.projects {
		f.resources = append(f.resources, "projects/"+strings.TrimPrefix(p, "projects/"))
	}
	if len(f.resources) == 0 {
		f.resources = c.Resources
	}
	if len(f.resources) == 0 {
		return errors.New("no log is named; write --project ID")
	}
	for _, r := range f.resources {
		if err := query.CheckResource(r); err != nil {
			return err
		}
	}
	f.filter, f.credentials = cmp.Or(f.filter, c.Filter), cmp.Or(f.credentials, c.CredentialsFile)
	if err := query.Check(f.filter); err != nil {
		return fmt.Errorf("--filter: %w", err)
	}
	if f.cluster != "" && !config.ValidClusterName(f.cluster) {
		return fmt.Errorf(`--cluster %q: lower-case letters, digits, "-" and "." in between, 63 at most`, f.cluster)
	}
	if f.requests < 0 {
		return fmt.Errorf("--requests-per-minute %d: write 1 or more", f.requests)
	}
	f.requests = cmp.Or(f.requests, c.RequestsPerMin)
	return nil
}

// withProjects are the resources, and the projects in those of them that are folders or organizations.
func (f *logFlags) withProjects(ctx context.Context, client *cloudlogging.Client) (all []string, err error) {
	for _, r := range f.resources {
		all = append(all, r)
		if cloudlogging.HasProjects(r) {
			projects, err := client.Projects(ctx, r)
			if err != nil {
				return nil, err
			}
			all = append(all, projects...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

type gcpBackfill struct {
	importCommand
	logs         logFlags
	since, until string
	again        bool

	history  *cloudlogging.History
	progress *cloudlogging.Progress
	from, to time.Time
	all      time.Duration // of all stretches that are to be read
	covered  time.Duration // of these
	begin    time.Time
	total    api.Imported
	put      func(context.Context, []byte) (*api.Imported, error)

	pieces  []cloudlogging.Piece // read and not stored
	bytes   int                  // of them
	stored  time.Time            // when pieces were stored
	shown   time.Time
	settled time.Time // what is older does not change any more
}

// Bounds of what is stored at once. The store puts it on disk each time.
const (
	putPieces = 20
	putBytes  = 16 << 20
	putEvery  = 5 * time.Second
)

// unsettled is how long before now entries may still come: that is read again the next time.
const unsettled = 10 * time.Minute

func newGCPBackfill(io stdio) *cobra.Command {
	c := &gcpBackfill{importCommand: importCommand{stdio: io}}
	cmd := &cobra.Command{
		Use:   "backfill",
		Short: "Put history of Cloud Logging among the events that are kept",
		Long: `backfill reads the audit log of GKE from the Cloud Logging API, as far back as it is
told, judges the events by the rules, takes their secrets out, and stores them, to be
searched. Nobody is notified.

What is stored already is known and stays as it is. What was read is noted in the data
folder, so that the same command goes on where it ended, or was ended, and reads what
has come since; --again reads all of it again.

Of a folder or an organization the projects in it are read, too.

Several stretches of time are read at once. Read requests are counted together with
those of a service that has the same data folder, which go first.

The events go into the data folder; where a service has that folder, or --server names
one, the service takes them, and judges by its own rules.`,
		Example: `  kubewitness gcp backfill --project acme-prod --since 30d
  kubewitness gcp backfill --project acme-prod --cluster shop --since 2026-01-31 --until 2026-02-03`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	c.logs.register(fs)
	fs.StringVar(&c.since, "since", "30d", "how far back, such as 12h or 30d, or from which `time` on, such as 2026-01-31")
	fs.StringVar(&c.until, "until", "", "until which `time` (default: now)")
	fs.BoolVar(&c.again, "again", false, "read again what was read before")
	fs.StringArrayVarP(&c.rules, "rules", "r", nil, "rules `file`, or folder of *.yaml files; repeat for more, in order (default: those of the configuration)")
	fs.StringVarP(&c.output, "output", "o", "text", "what came of it as `text` or json")
	fs.BoolVar(&c.strictInput, "strict-input", false, "exit with 3 when an entry was rejected")
	c.archive.register(fs)
	return cmd
}

func (c *gcpBackfill) run(ctx context.Context) error {
	if c.output != "text" && c.output != "json" {
		return fmt.Errorf("--output %q: text or json", c.output)
	}
	url, err := c.archive.remote()
	if err != nil {
		return err
	}
	cfg, err := c.archive.loadConfig(c.stdio, c.rules)
	if err != nil {
		return err
	}
	c.begin = time.Now()
	if err := errors.Join(c.logs.complete(cfg.CloudLogging), c.span()); err != nil {
		return err
	}
	c.cluster = c.logs.cluster
	ctx, cancel := c.archive.deadline(ctx)
	defer cancel()
	if isTerminal(c.err) {
		c.line = &statusLine{w: c.err}
		defer c.line.clear()
	}
	done, err := c.target(url, cfg)
	if err != nil {
		return err
	}
	err = c.read(ctx, url, cfg)
	if closeErr := done(); err == nil {
		err = closeErr
	}
	return c.end(ctx, err)
}

// span reads from when to when.
func (c *gcpBackfill) span() (err error) {
	c.to = c.begin.UTC()
	if c.until != "" {
		if c.to, err = readTime("--until", c.until); err != nil {
			return err
		}
	}
	if ago, spanErr := readSpan("--since", c.since); spanErr == nil && ago > 0 {
		c.from = c.begin.Add(-ago).UTC()
	} else if c.from, err = readTime("--since", c.since); err != nil {
		return fmt.Errorf("%w; or how long ago, such as 12h or 30d", err)
	}
	if !c.to.After(c.from) {
		return fmt.Errorf("--since %s is not before --until %s", c.from.Format(time.RFC3339), c.to.Format(time.RFC3339))
	}
	c.settled = c.begin.Add(-unsettled)
	return nil
}

// target opens what takes the events: the data folder, or a service. done closes it.
func (c *gcpBackfill) target(url string, cfg *config.Loaded) (done func() error, err error) {
	nothing := func() error { return nil }
	if url != "" {
		a, err := c.archive.dial(url)
		if err != nil {
			return nil, err
		}
		return nothing, c.toService(a)
	}
	j, err := c.judge(cfg)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return nil, &exitError{code: exitUnreadable, err: err}
	}
	s, err := openStore(c.stdio, cfg)
	if err != nil {
		a, err := c.archive.instead(cfg.Data, err)
		if err != nil {
			return nil, err
		}
		return nothing, c.toService(a)
	}
	b := c.backfill(cfg, j, s)
	b.Progress = nil
	c.put = func(ctx context.Context, lines []byte) (*api.Imported, error) {
		sum, err := backfill.Run(context.WithoutCancel(ctx), b, []backfill.Input{backfill.Stream("cloudlogging", bytes.NewReader(lines))})
		got := importedOf(sum)
		return &got, err
	}
	return s.Close, nil
}

func (c *gcpBackfill) toService(a *archive) error {
	if len(c.rules) > 0 {
		return errors.New("the service judges by its own rules; leave out --rules")
	}
	c.put = func(ctx context.Context, lines []byte) (*api.Imported, error) {
		got, err := a.Import(ctx, c.cluster, bytes.NewReader(lines))
		if err == nil {
			for _, r := range got.Rejections {
				c.tellRejection(r)
			}
		}
		return got, err
	}
	return nil
}

// folder is where it is noted what was read: in the data folder, or where the folder of a service is not known, in the
// user's cache.
func (c *gcpBackfill) folder(url string, cfg *config.Loaded) (string, error) {
	dir := filepath.Join(cfg.Data, server.CloudLoggingFolder)
	if url != "" && c.archive.data == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(cache, "kubewitness", server.CloudLoggingFolder)
	}
	return dir, os.MkdirAll(dir, 0o700)
}

// read reads what is left and stores it.
func (c *gcpBackfill) read(ctx context.Context, url string, cfg *config.Loaded) error {
	dir, err := c.folder(url, cfg)
	if err != nil {
		return err
	}
	// Whose events a service has is part of it: another service has read nothing.
	of := url + "\n" + query.Query{Cluster: c.logs.cluster, User: c.logs.filter}.String()
	if c.progress, err = cloudlogging.OpenProgress(dir, strings.TrimPrefix(of, "\n")); err != nil {
		return err
	}
	if c.again {
		c.progress.Forget()
	}
	client, err := cloudlogging.Dial(ctx, cloudlogging.AccessOf(c.logs.credentials, os.Getenv))
	if err != nil {
		return err
	}
	defer client.Close()
	c.history, err = cloudlogging.NewHistory(cloudlogging.HistoryConfig{
		Client: client, Quotas: &cloudlogging.Quotas{Dir: dir, PerMinute: c.logs.requests, Now: time.Now}, Cluster: c.logs.cluster, Filter: c.logs.filter,
		Logger: newLogger(c.err, config.Log{Level: c.level(), Format: "text"}), Now: time.Now,
	})
	if err != nil {
		return err
	}
	asked, err := c.logs.withProjects(ctx, client)
	if err != nil {
		return err
	}
	var left []cloudlogging.Stretch
	for _, r := range asked {
		left = append(left, c.progress.Left(cloudlogging.Stretch{Resource: r, From: c.from, To: c.to})...)
	}
	left = cloudlogging.Divide(left, divisions, time.Hour)
	for _, s := range left {
		c.all += s.To.Sub(s.From)
	}
	c.stored = time.Now()
	err = c.history.Read(ctx, left, func(p cloudlogging.Piece) error { return c.piece(ctx, p) })
	// What was read is worth keeping however it ended.
	return errors.Join(err, c.flush(context.WithoutCancel(ctx)))
}

// divisions is into how many stretches the time is cut. Each may take a request more.
const divisions = 8

// level is what is told while it is read: on a terminal there is a line that tells it.
func (c *gcpBackfill) level() string {
	if c.line != nil {
		return "error"
	}
	return "warn"
}

// piece takes what was read.
func (c *gcpBackfill) piece(ctx context.Context, p cloudlogging.Piece) error {
	c.pieces = append(c.pieces, p)
	c.bytes += len(p.Lines)
	c.covered += max(0, p.To.Sub(p.From))
	c.show()
	if len(c.pieces) < putPieces && c.bytes < putBytes && time.Since(c.stored) < putEvery {
		return nil
	}
	return c.flush(ctx)
}

// flush stores what was read, and then notes that it was.
func (c *gcpBackfill) flush(ctx context.Context) error {
	c.stored = time.Now()
	var lines []byte
	for _, p := range c.pieces {
		lines = append(lines, p.Lines...)
	}
	if len(lines) > 0 {
		got, err := c.put(ctx, lines)
		if err != nil {
			return err
		}
		addImported(&c.total, got)
	}
	for _, p := range c.pieces {
		if p.To.After(c.settled) {
			p.To = c.settled
		}
		c.progress.Done(p.Stretch)
	}
	if len(c.pieces) == 0 {
		return nil
	}
	c.pieces, c.bytes = nil, 0
	return c.progress.Save()
}

// show tells how far it is.
func (c *gcpBackfill) show() {
	now := time.Now()
	if c.line == nil || now.Sub(c.shown) < 200*time.Millisecond {
		return
	}
	c.shown = now
	read, quota := c.history.Counters()
	took := now.Sub(c.begin)
	text := fmt.Sprintf("%3d%%  %s of %s  %d entries  %.0f/s", 100*c.covered/max(c.all, 1), spanOf(c.covered), spanOf(c.all), read.Entries, float64(read.Entries)/max(took.Seconds(), 1e-3))
	if quota.Waits > 0 {
		text += fmt.Sprintf("  waited for quota %s", quota.Waited.Round(time.Second))
	}
	if !quota.Blocked.IsZero() {
		text += "  quota used up"
	}
	if c.covered > 0 {
		text += fmt.Sprintf("  %s left", left(took, int64(c.covered), int64(c.all)))
	}
	c.line.show(text)
}

// spanOf spells a time of days or less.
func spanOf(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%.1f days", d.Hours()/24)
	}
	return d.Round(time.Minute).String()
}

// end tells what came of it.
func (c *gcpBackfill) end(ctx context.Context, err error) error {
	c.line.clear()
	if c.history == nil { // nothing was asked
		return c.outcome(ctx, err, c.total)
	}
	read, quota := c.history.Counters()
	tellEntries(c.err, c.entries.Counts())
	fmt.Fprintf(c.err, "%s of entries.list, %d made again; %d waited for quota, %s in all\n",
		plural(uint64(read.Requests), "request"), read.Retries, quota.Waits, quota.Waited.Round(time.Second))
	if c.all == 0 && err == nil {
		fmt.Fprintln(c.err, "nothing is left to read; --again reads it again")
	}
	if writeErr := c.tell(c.total, time.Since(c.begin)); err == nil {
		err = writeErr
	}
	if err != nil {
		fmt.Fprintln(c.err, "kubewitness: the same command goes on from here")
	}
	return c.outcome(ctx, err, c.total)
}
