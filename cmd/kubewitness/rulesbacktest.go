package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/backtest"
	"github.com/kubewitness/kubewitness/pkg/client"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/replay"
	"github.com/kubewitness/kubewitness/pkg/row"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/search"
)

type backtestCommand struct {
	stdio
	archive archiveFlags
	index   indexFlags
	in      searchFlags
	files   []string
	compare []string
	marks   string
	top     int
	output  string

	line     *statusLine  // nil: no terminal
	query    client.Query // of what is kept
	events   uint64       // judged
	hidden   map[string]uint64
	partial  string
	rejected int64
}

func newRulesBacktest(std stdio) *cobra.Command {
	c := &backtestCommand{stdio: std, hidden: map[string]uint64{}}
	cmd := &cobra.Command{
		Use:   "backtest RULES...",
		Short: "Count what rules would have found in the past",
		Long: `backtest judges events of the past by rules of files and folders, and tells how often
each rule would have fired: by day, user and namespace.

The events are those that a service has kept, as with "kubewitness hunt": of the service
that --server names, of a data folder, or with --on elasticsearch in a cluster; or those
of recordings, with --file, as with "kubewitness replay". Where there are rules about
several events, all of them are read, the oldest first.

With --compare it tells also what other rules, those before a change for instance, would
have found: which alerts are new, and which are gone.

With --false-positive it proposes exceptions, as YAML to be pasted, for the alerts that a
file marks: JSON lines with a rule and an event's auditID or ID, or with a rule and the
values of fields; alerts as "--output falco-json" prints them are marks too. Of each row
of values it is told what else it would hide.`,
		Example: `  kubewitness rules backtest my-rules/ --since 30d
  kubewitness rules backtest new/ --compare old/ --file audit.log.gz
  kubewitness rules backtest my-rules/ --since 30d --false-positive noise.jsonl > exceptions.yaml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("name the rules files to test")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
	}
	fs := cmd.Flags()
	c.in.register(fs)
	fs.StringArrayVar(&c.files, "file", nil, "judge the events of this `file` (- is standard input); repeat for more")
	fs.StringArrayVar(&c.compare, "compare", nil, "tell what is new and gone against the rules of this `file` or folder; repeat for more")
	fs.StringVar(&c.marks, "false-positive", "", "propose exceptions for the alerts that this `file` marks")
	fs.IntVar(&c.top, "top", 5, "list this `number` of users and namespaces of each rule")
	fs.StringVarP(&c.output, "output", "o", "text", "`text` or json")
	c.archive.register(fs)
	c.index.register(fs)
	return cmd
}

func (c *backtestCommand) run(ctx context.Context, paths []string) error {
	if err := c.check(); err != nil {
		return err
	}
	var marks []backtest.Mark
	if c.marks != "" {
		f, err := os.Open(c.marks)
		if err != nil {
			return &exitError{code: exitUnreadable, err: err}
		}
		defer f.Close()
		if marks, err = backtest.ReadMarks(c.marks, f); err != nil {
			return err
		}
	}
	if isTerminal(c.err) {
		c.line = &statusLine{w: c.err}
		defer c.line.clear()
	}
	judge, end, err := c.judge(ctx)
	if err != nil {
		return err
	}
	defer end()
	report, err := c.report(ctx, paths, marks, judge)
	c.line.clear()
	if report != nil {
		if werr := c.write(report); werr != nil {
			return werr
		}
	}
	return err
}

func (c *backtestCommand) check() (err error) {
	switch {
	case c.output != "text" && c.output != "json":
		return fmt.Errorf("--output %q: text or json", c.output)
	case c.top < 1:
		return errors.New("--top is at least 1")
	case len(c.files) > 0 && (c.in.since != "" || c.in.from != "" || c.in.to != "" || len(c.in.clusters) > 0):
		return errors.New("--since, --from, --to and --cluster choose among events that were kept; leave them out with --file")
	case len(c.files) > 0 && (c.archive.server != "" || c.archive.data != "" || c.index.on != onStore || c.index.given()):
		return errors.New("--file names recordings, --server, --data and --on where events were kept; give one of them")
	case len(c.compare) > 0 && slices.Contains(c.files, replay.Stdin):
		return errors.New("--compare judges the events twice, and standard input can be read once; name a file")
	}
	c.query, err = c.in.query()
	return err
}

// testedRules are the rules of some files, ready to be judged by.
type testedRules struct {
	set   *ruleset.Set
	paths []string
}

// judgeFunc judges all events by rules, and tells the tally of what it finds.
type judgeFunc func(ctx context.Context, r testedRules, t *backtest.Tally) error

// judge opens where the events are.
func (c *backtestCommand) judge(ctx context.Context) (judgeFunc, func(), error) {
	if len(c.files) > 0 {
		return c.overFiles, func() {}, nil
	}
	opening := &searchCommand{stdio: c.stdio, archive: c.archive, index: c.index}
	a, err := opening.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context, r testedRules, t *backtest.Tally) error { return c.overArchive(ctx, a, r, t) }, a.close, nil
}

// report judges by the rules to compare with, and then by the others. The report comes with
// an error that tells that it is not whole.
func (c *backtestCommand) report(ctx context.Context, paths []string, marks []backtest.Mark, judge judgeFunc) (*backtest.Report, error) {
	r, err := c.load(paths)
	if err != nil {
		return nil, err
	}
	opt := backtest.Options{Catalogue: r.set.Catalogue, Marks: marks}
	if len(c.compare) > 0 {
		old, err := c.load(c.compare)
		if err != nil {
			return nil, err
		}
		opt.Before = backtest.New(old.set.Rules, backtest.Options{Catalogue: old.set.Catalogue, Remember: true})
		if err := judge(ctx, old, opt.Before); err != nil {
			return nil, err
		}
	}
	c.events, c.hidden, c.partial = 0, map[string]uint64{}, ""
	t := backtest.New(r.set.Rules, opt)
	err = judge(ctx, r, t)
	out := t.Report(c.top)
	out.Events, out.Hidden, out.Partial = c.events, c.hidden, c.partial
	c.tellMarks(t)
	return out, err
}

func (c *backtestCommand) load(paths []string) (testedRules, error) {
	set, err := (&ruleFlags{paths: paths, minPriority: "debug"}).load(c.err)
	return testedRules{set, paths}, err
}

// tellMarks tells of marks that mean nothing.
func (c *backtestCommand) tellMarks(t *backtest.Tally) {
	unused := t.Unused()
	if len(unused) == 0 {
		return
	}
	lines := make([]string, 0, len(unused))
	for _, m := range unused[:min(len(unused), 20)] {
		lines = append(lines, fmt.Sprint(m.Line))
	}
	c.line.clear()
	fmt.Fprintf(c.err, "kubewitness: %s: %s no alert, in lines %s\n", c.marks, plural(uint64(len(unused)), "mark")+" found", strings.Join(lines, ", "))
}

// overArchive judges what was kept.
func (c *backtestCommand) overArchive(ctx context.Context, a *archive, r testedRules, t *backtest.Tally) error {
	text, err := rulesText(r.paths)
	if err != nil {
		return err
	}
	ctx, cancel := c.archive.deadline(ctx)
	defer cancel()
	total, err := a.Histogram(ctx, c.query, 24*time.Hour)
	if err != nil {
		return askError(ctx, c.err, "", err)
	}
	c.events = total.Total
	bar := &timeBar{line: c.line, total: total.Total, begin: time.Now()}
	asked := search.WithProgress(ctx, bar.draw)
	q := c.query
	q.Stateful = hasStateful(r.set)
	sum, err := a.Hunt(asked, text, q, func(h *api.HuntHit) error {
		e, err := eventOf(h)
		if err != nil {
			return err
		}
		for _, d := range h.Found {
			found, err := detectionOf(d)
			if err != nil {
				return err
			}
			t.Add(h.ID, e, found)
		}
		return nil
	})
	c.line.clear()
	for name, n := range sum.HiddenBy {
		c.hidden[name] += n
	}
	if sum.Partial {
		c.partial = sum.Why
	}
	return askError(ctx, c.err, "", err)
}

// overFiles judges recordings.
func (c *backtestCommand) overFiles(ctx context.Context, r testedRules, t *backtest.Tally) error {
	m, stateful, err := r.set.Compiled(false, nil)
	if err != nil {
		return err
	}
	var entries gcp.Stream
	opt := replay.Options{
		Source: replay.Source{
			Inputs: c.files, Stdin: c.stdio.in, Hostname: hostname(), Entries: &entries,
			Rejected: func(*audit.Rejection) { c.rejected++ },
		},
		Matcher: m, Stateful: stateful, Workers: runtime.GOMAXPROCS(0),
		Line: func(dst []byte, a *alert.Alert) []byte {
			t.Add(row.ID(a.Event.Identity()), a.Event, a.Detection)
			return dst
		},
		Out: io.Discard, Now: time.Now,
		Fault: (&replayCommand{stdio: c.stdio}).fault,
	}
	if isTerminal(c.err) {
		progress := &progressLine{w: c.err}
		opt.Progress = progress.draw
		defer progress.clear()
	}
	c.rejected = 0
	summary, err := replay.Run(ctx, opt)
	c.events = uint64(summary.Events)
	tellEntries(c.err, entries.Counts())
	if c.rejected > 0 {
		fmt.Fprintf(c.err, "kubewitness: %s rejected\n", plural(uint64(c.rejected), "item"))
	}
	return (&replayCommand{}).outcome(err, summary)
}

// write writes the report.
func (c *backtestCommand) write(r *backtest.Report) error {
	if c.output == "json" {
		return r.WriteJSON(c.out)
	}
	return r.WriteText(c.out)
}

// timeBar draws how far back in time a hunt has come.
type timeBar struct {
	line  *statusLine
	total uint64
	begin time.Time
	first time.Time // reached
}

const barWidth = 30

func (b *timeBar) draw(p search.Progress) {
	if b.line == nil {
		return
	}
	if b.first.IsZero() {
		b.first = p.Reached
	}
	done := 0.0
	to := "back to"
	if whole := b.first.Sub(p.Oldest); whole != 0 && !p.Oldest.IsZero() {
		done = max(0, min(1, float64(b.first.Sub(p.Reached))/float64(whole)))
		if whole < 0 {
			to = "up to"
		}
	}
	full := int(done * barWidth)
	text := fmt.Sprintf("[%s%s] %3.0f%%  %s %s", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full), 100*done, to, stamp(p.Reached))
	if took := time.Since(b.begin); done > 0.01 && took > time.Second {
		text += fmt.Sprintf("  %s left", time.Duration(float64(took)*(1-done)/done).Round(time.Second))
	}
	b.line.show(text)
}
