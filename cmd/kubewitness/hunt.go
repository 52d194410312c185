package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
	"github.com/kubewitness/kubewitness/pkg/ruleset"
	"github.com/kubewitness/kubewitness/pkg/search"
)

type huntCommand struct {
	stdio
	archive archiveFlags
	index   indexFlags
	in      searchFlags
	output  string
	iso8601 bool
	several bool // rules about several events too

	line   *statusLine // nil: no terminal
	opt    alert.Options
	events int
	counts map[string]*huntCount
}

// huntCount is how often a rule of a hunt matched.
type huntCount struct {
	name     string
	priority rules.Priority
	alerts   int
}

func newHunt(io stdio) *cobra.Command {
	c := &huntCommand{stdio: io, counts: map[string]*huntCount{}}
	cmd := &cobra.Command{
		Use:   "hunt RULES...",
		Short: "Judge the events that were kept by other rules",
		Long: `hunt judges the events that a service has kept by rules of files and folders, as if
they came now, and prints the alerts, those of the newest events first, in the forms of
"kubewitness replay". Nobody is notified, and nothing is stored.

Rules about several events ask for --stateful: all events are then read, and what they
are told about stands oldest first.

What events say is judged as it is stored: where a rule asks for a secret that was
redacted, the event is left out, and the number of such events told.

It asks the service that --server names, or looks into the data folder itself; where a
service has that folder, the service is asked. With --on elasticsearch it judges the
events that the service has indexed there, which can be years of them. Alerts go to standard output; progress and
a summary go to standard error.`,
		Example: `  kubewitness hunt my-rules.yaml --since 30d
  kubewitness hunt rules/ --from 2026-01-01 --cluster prod --output falco-json
  kubewitness hunt my-rules.yaml --on elasticsearch --config kubewitness.yaml --since 365d`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("name the rules files to hunt by")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
	}
	fs := cmd.Flags()
	c.in.register(fs)
	fs.StringVarP(&c.output, "output", "o", "", "alerts as `answer` (a sentence), or as falco-json or text (Falco's lines) (default answer on a terminal, else falco-json)")
	fs.BoolVar(&c.iso8601, "time-format-iso-8601", false, "full dates in Falco's lines")
	fs.BoolVar(&c.several, "stateful", false, "judge rules about several events too: reads all events, the oldest first")
	c.archive.register(fs)
	c.index.register(fs)
	return cmd
}

func (c *huntCommand) run(ctx context.Context, paths []string) error {
	q, err := c.in.query()
	if err != nil {
		return err
	}
	line, err := alertWriter(c.output, c.out)
	if err != nil {
		return err
	}
	c.opt = alert.Options{Hostname: hostname(), ISO8601: c.iso8601, Color: useColor(c.out)}
	set, err := (&ruleFlags{paths: paths, minPriority: "debug"}).load(c.err)
	if err != nil {
		return err
	}
	if q.Stateful = c.several && hasStateful(set); !c.several && hasStateful(set) {
		fmt.Fprintln(c.err, "kubewitness: rules about several events are left out; --stateful judges them too")
	}
	text, err := rulesText(paths)
	if err != nil {
		return err
	}
	ctx, cancel := c.archive.deadline(ctx)
	defer cancel()
	a, err := c.index.open(ctx, c.stdio, &c.archive)
	if err != nil {
		return err
	}
	defer a.close()
	if isTerminal(c.err) {
		c.line = &statusLine{w: c.err}
		defer c.line.clear()
	}
	begin := time.Now()
	asked := search.WithProgress(ctx, func(p search.Progress) {
		to := "back to"
		if q.Stateful {
			to = "up to"
		}
		c.line.show(fmt.Sprintf("%d judged, %s %s", p.Scanned, to, stamp(p.Reached)))
	})
	sum, err := a.Hunt(asked, text, q, func(h *api.HuntHit) error { return c.hit(h, line) })
	c.line.clear()
	c.summary(sum, time.Since(begin))
	return askError(ctx, c.err, "", err)
}

// hasStateful tells whether enabled rules are about several events.
func hasStateful(set *ruleset.Set) bool {
	return slices.ContainsFunc(set.Rules.Rules, func(r *rules.Rule) bool { return r.Enabled && r.Stateful() })
}

// rulesText gives rules files as one text: each a YAML document.
func rulesText(paths []string) ([]byte, error) {
	files, err := ruleset.Files(paths)
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	var text [][]byte
	for _, f := range files {
		text = append(text, []byte(f.Content))
	}
	return bytes.Join(text, []byte("\n---\n")), nil
}

// hit prints the alerts of an event.
func (c *huntCommand) hit(h *api.HuntHit, line lineFunc) error {
	e, err := eventOf(h)
	if err != nil {
		return err
	}
	c.events++
	var text []byte
	for _, d := range h.Found {
		found, err := detectionOf(d)
		if err != nil {
			return err
		}
		c.count(found.Rule)
		text = append(line(text, &alert.Alert{Event: e, Detection: found}, c.opt), '\n')
	}
	c.line.clear()
	_, err = c.out.Write(text)
	return err
}

// eventOf reads the raw event of a hit.
func eventOf(h *api.HuntHit) (*audit.Event, error) {
	e, err := audit.NewReader(bytes.NewReader(h.Event.Event), "hunt", audit.Limits{MaxEvent: 1 << 30}).Next()
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", h.ID, err)
	}
	e.Cluster = h.Cluster
	return e, nil
}

// detectionOf makes of a detection's JSON what the writers of alerts take.
func detectionOf(d api.Detection) (match.Detection, error) {
	p, err := rules.ParsePriority(d.Priority)
	if err != nil {
		return match.Detection{}, fmt.Errorf("detection by %q: %w", d.Rule, err)
	}
	out := match.Detection{Rule: &rules.Rule{Name: d.Rule, Priority: p, Source: "k8s_audit", Tags: d.Tags}, Output: d.Output}
	for key, v := range d.OutputFields {
		out.Fields = append(out.Fields, match.OutputField{Key: key, Value: valueOf(v)})
	}
	slices.SortFunc(out.Fields, func(a, b match.OutputField) int { return cmp.Compare(a.Key, b.Key) })
	return out, nil
}

// valueOf gives an output field's value the type that it had before it was JSON.
func valueOf(v any) any {
	switch v := v.(type) {
	case json.Number:
		var n uint64
		if _, err := fmt.Sscan(v.String(), &n); err == nil {
			return n
		}
		return v.String()
	case []any:
		texts := make([]string, 0, len(v))
		for _, x := range v {
			text, _ := x.(string)
			texts = append(texts, text)
		}
		return texts
	}
	return v
}

func (c *huntCommand) count(r *rules.Rule) {
	n := c.counts[r.Name]
	if n == nil {
		n = &huntCount{name: r.Name, priority: r.Priority}
		c.counts[r.Name] = n
	}
	n.alerts++
}

// summary tells what the hunt came to, by rule.
func (c *huntCommand) summary(sum api.Summary, took time.Duration) {
	byRule := make([]*huntCount, 0, len(c.counts))
	alerts := 0
	for _, n := range c.counts {
		byRule = append(byRule, n)
		alerts += n.alerts
	}
	slices.SortFunc(byRule, func(a, b *huntCount) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(b.alerts, a.alerts), cmp.Compare(a.name, b.name))
	})
	fmt.Fprintf(c.err, "%s judged, %s on %s in %s\n", plural(sum.Scanned, "event"), plural(uint64(alerts), "alert"),
		plural(uint64(c.events), "event"), took.Round(time.Millisecond))
	for _, n := range byRule {
		fmt.Fprintf(c.err, "%10d  %-13s  %s\n", n.alerts, n.priority, printable(n.name))
	}
	tellMissing(c.err, sum.Hidden, sum.Why, sum.Partial)
}

// alertWriter chooses the form of alerts, by the name of the form or by whom they go to.
func alertWriter(output string, out io.Writer) (lineFunc, error) {
	return (&replayCommand{stdio: stdio{out: out}, output: output}).lineWriter()
}
