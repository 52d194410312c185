package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubewitness/kubewitness/pkg/api"
	"github.com/kubewitness/kubewitness/pkg/client"
	"github.com/kubewitness/kubewitness/pkg/search"
)

// searchFlags say which time and which clusters are meant.
type searchFlags struct {
	since, from, to string
	clusters        []string
}

func (f *searchFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.since, "since", "", "only events of this `time` until now, such as 30m, 24h or 7d")
	fs.StringVar(&f.from, "from", "", "only events from this `time` on, such as 2026-01-31 or 2026-01-31T15:04:05Z")
	fs.StringVar(&f.to, "to", "", "only events before this `time`")
	fs.StringArrayVar(&f.clusters, "cluster", nil, "only events of the cluster of this `name`; repeat for more")
}

// query is what the API is asked for.
func (f *searchFlags) query() (q client.Query, err error) {
	q = client.Query{Since: f.since, Clusters: f.clusters}
	if q.From, err = readTime("--from", f.from); err != nil {
		return q, err
	}
	q.To, err = readTime("--to", f.to)
	return q, err
}

// readTime reads a time of RFC 3339, or what one begins with, in UTC.
func readTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02T15:04Z07:00", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s %q: write a time such as 2026-01-31T15:04:05Z, 2026-01-31T15:04 or 2026-01-31; without a zone it is UTC", flag, text)
}

type searchCommand struct {
	stdio
	archive    archiveFlags
	index      indexFlags
	in         searchFlags
	condition  string
	text       string
	rules      []string
	detections bool
	priority   string

	output string
	facets []string
	limit  int
	follow bool

	line *statusLine // nil: no terminal
}

// defaultLimit is how many events a search gives that says nothing else.
const defaultLimit = 50

func newSearch(io stdio) *cobra.Command {
	c := &searchCommand{stdio: io}
	cmd := &cobra.Command{
		Use:   "search ['CONDITION']",
		Short: "Find events among those that were kept",
		Long: `search finds events that a service has kept, newest first, by a condition in
Falco's syntax: the fields are those of rules ("kubewitness rules fields"), and macros and
lists of the rules in force may be used. Without a condition all events are found.

It asks the service that --server names, or looks into the data folder itself; where a
service has that folder, the service is asked. With --on elasticsearch it asks the cluster
that the service indexes to (outputs.elasticsearch of the configuration, or the flags);
the answer is the same, and an event is found once its document is: seconds after it
was indexed.

Events go to standard output: as answer, a line each; as json, an object a line, with
the raw event under "event"; as csv, with the columns time, cluster, user, action, verb,
resource, namespace, name, outcome, code, source_ip, user_agent, sentence, rules, priority
and id. Cells that a spreadsheet would take for a formula get an apostrophe. What the
search came to goes to standard error, and so does what is missing: time that was not
looked at, and events that were left out since a secret that decides was redacted.

Exit codes: 0 something was found; 4 nothing was found; 1 the service or the folder could
not be asked; 2 bad condition or flags; 130 interrupted.`,
		Example: `  kubewitness search 'ka.verb = delete and ka.target.resource = secrets' --since 7d
  kubewitness search 'ka.user.name = jane' --facet ka.verb --facet ka.target.resource
  kubewitness search --detections --priority warning --output json | jq .sentence
  kubewitness search 'ka.target.subresource = exec' --follow --server https://kubewitness:8443`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				c.condition = args[0]
			}
			return c.run(cmd.Context())
		},
	}
	c.register(cmd.Flags())
	return cmd
}

func (c *searchCommand) register(fs *pflag.FlagSet) {
	c.in.register(fs)
	fs.StringVar(&c.text, "text", "", "only events with this `text` somewhere in their raw JSON, letters in either case")
	fs.StringArrayVar(&c.rules, "rule", nil, "only events on which the rule of this `name` fired; repeat for one of several")
	fs.BoolVar(&c.detections, "detections", false, "only events on which a rule fired")
	fs.StringVar(&c.priority, "priority", "", "only events on which a rule of at least this `priority` fired")
	fs.StringVarP(&c.output, "output", "o", "", "events as `answer` (a sentence), json or csv (default answer on a terminal, else json)")
	fs.StringArrayVar(&c.facets, "facet", nil, "count the values of a `field` instead: one of rules, or rule, priority, tag, cluster; repeat for more")
	fs.IntVar(&c.limit, "limit", defaultLimit, "at most this `number` of events, or values of a facet; 0 is all events")
	fs.BoolVarP(&c.follow, "follow", "f", false, "give events as they come in, from now on, until interrupted")
	c.archive.register(fs)
	c.index.register(fs)
}

func (c *searchCommand) run(ctx context.Context) error {
	q, err := c.query()
	if err != nil {
		return err
	}
	ctx, cancel := c.archive.deadline(ctx)
	defer cancel()
	a, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	if isTerminal(c.err) {
		c.line = &statusLine{w: c.err}
		defer c.line.clear()
	}
	found := false
	switch {
	case c.follow && a.local:
		return errors.New("--follow needs a running service: name it with --server; nothing comes into a folder that no service has")
	case c.follow:
		err = c.tail(ctx, a, q)
	case len(c.facets) > 0:
		found, err = c.count(ctx, a, q)
	default:
		found, err = c.list(ctx, a, q)
	}
	c.line.clear()
	if err != nil {
		return askError(ctx, c.err, c.condition, err)
	}
	if !found {
		return &exitError{code: exitNothing}
	}
	return nil
}

// query checks what the API cannot know of, and is what it is asked for.
func (c *searchCommand) query() (client.Query, error) {
	if c.output == "" {
		c.output = "json"
		if isTerminal(c.out) {
			c.output = "answer"
		}
	}
	if c.output != "answer" && c.output != "json" && c.output != "csv" {
		return client.Query{}, fmt.Errorf("--output %q: answer, json or csv", c.output)
	}
	q, err := c.in.query()
	if err != nil {
		return q, err
	}
	switch timed := q.Since != "" || !q.From.IsZero() || !q.To.IsZero(); {
	case c.limit < 0:
		return q, fmt.Errorf("--limit %d: a number of events, or 0 for all", c.limit)
	case c.follow && timed:
		return q, errors.New("--follow begins now; leave out --since, --from and --to")
	case c.follow && len(c.facets) > 0:
		return q, errors.New("--facet counts what is there, and --follow waits for what comes; give one of them")
	case c.follow && c.output == "csv":
		return q, errors.New("--follow gives events as answer or json; a table has an end")
	}
	q.Condition, q.Text, q.Rules, q.Detections, q.Priority = c.condition, c.text, c.rules, c.detections, c.priority
	return q, nil
}

// pageEvents is how many events are asked for at once; the API gives no more rows in a
// table.
const pageEvents = 10_000

// list gives the events, page by page where there are many.
func (c *searchCommand) list(ctx context.Context, a *archive, q client.Query) (found bool, err error) {
	t := newTotals(c.hiddenOnly())
	ctx = search.WithProgress(ctx, func(p search.Progress) {
		c.line.show(fmt.Sprintf("%d found, back to %s", t.hits, stamp(p.Reached)))
	})
	for more := true; more; {
		q.Limit = pageEvents
		if c.limit > 0 {
			q.Limit = min(pageEvents, c.limit-t.hits)
		}
		sum, err := c.page(ctx, a, q, t)
		t.add(sum)
		if err != nil {
			c.line.clear()
			t.tell(c.err, c.limit)
			return t.hits > 0, err
		}
		more = sum.Next != "" && sum.Next != q.After && (c.limit == 0 || t.hits < c.limit)
		q.After = sum.Next
	}
	c.line.clear()
	if c.output == "answer" {
		if err := c.histogram(ctx, a, q, t); err != nil {
			return t.hits > 0, err
		}
	}
	t.tell(c.err, c.limit)
	return t.hits > 0, nil
}

// page gives one page of events.
func (c *searchCommand) page(ctx context.Context, a *archive, q client.Query, t *totals) (api.Summary, error) {
	if c.output == "csv" {
		table, sum, err := a.EventTable(ctx, q)
		if err != nil {
			return sum, err
		}
		return sum, c.write(withoutHeader(table, t.pages > 0))
	}
	n := 0
	show := func(line []byte) error {
		if n++; !a.local && n%100 == 0 {
			c.line.show(fmt.Sprintf("%d found", t.hits+n))
		}
		return c.write(line)
	}
	var line []byte
	var sum api.Summary
	var err error
	if c.output == "json" { // it is what the API gives
		sum, err = a.EachEventLine(ctx, q, func(text []byte) error {
			line = append(append(line[:0], text...), '\n')
			return show(line)
		})
	} else {
		sum, err = a.EachEvent(ctx, q, func(e *api.Event) error {
			line = append(appendAnswer(line[:0], e, useColor(c.out)), '\n')
			return show(line)
		})
	}
	if err != nil {
		sum.Hits = n
	}
	return sum, err
}

// appendEvent appends the line of an event that has come.
func (c *searchCommand) appendEvent(dst []byte, e *api.Event) ([]byte, error) {
	if c.output == "answer" {
		return append(appendAnswer(dst, e, useColor(c.out)), '\n'), nil
	}
	dst, err := api.AppendEvent(dst, e, true)
	return append(dst, '\n'), err
}

// write writes where the status line may stand.
func (c *searchCommand) write(p []byte) error {
	c.line.clear()
	_, err := c.out.Write(p)
	return err
}

// hiddenOnly tells whether only what is missing is told, since the output is for
// programs.
func (c *searchCommand) hiddenOnly() bool { return c.output != "answer" }

// tail gives events as they come.
func (c *searchCommand) tail(ctx context.Context, a *archive, q client.Query) error {
	var line []byte
	return a.Tail(ctx, q, client.Follow{
		Event: func(e *api.Event) (err error) {
			if line, err = c.appendEvent(line[:0], e); err != nil {
				return err
			}
			return c.write(line)
		},
		Lagged: func(l api.Lagged) {
			fmt.Fprintln(c.err, "kubewitness: some events are not shown:", printable(l.Why))
		},
		Lost: func(cause error, wait time.Duration) {
			fmt.Fprintf(c.err, "kubewitness: %s; again in %v\n", printable(cause.Error()), wait.Round(time.Second))
		},
	})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }
