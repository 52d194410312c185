package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/field"
	"github.com/kubewitness/kubewitness/pkg/ingest/gcp"
	"github.com/kubewitness/kubewitness/pkg/replay"
)

func newGCP(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gcp",
		Short: "Audit logs of GKE clusters",
		Args:  cobra.NoArgs, // or else an unknown command is taken for a wish for help
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newGCPConvert(io), newGCPBackfill(io), newGCPDoctor(io))
	return cmd
}

type convertCommand struct {
	stdio
	strictInput bool
	maxEvent    int64

	entries  gcp.Stream
	events   int64
	rejected map[audit.Reason]int64
}

func newGCPConvert(io stdio) *cobra.Command {
	c := &convertCommand{stdio: io, rejected: map[audit.Reason]int64{}}
	cmd := &cobra.Command{
		Use:   "convert FILE...",
		Short: "Print the audit events that log entries of GKE hold",
		Long: `convert reads log entries of Google Cloud from files ("-" is standard input) and prints
the Kubernetes audit event (audit.k8s.io/v1) of each, one JSON line each, in order. A
file may hold what gcloud logging read --format=json prints, what a log sink writes,
pages of the API, or Pub/Sub messages, gzipped or not; audit events are printed as
they are.

An entry does not tell all that an event has. The annotations
gcp.kubewitness.io/reconstructed and gcp.kubewitness.io/unknown of each event name
the members that were worked out of others, and those of which nothing is known.

Entries that are no audit entries of the Kubernetes API are passed over and counted.
Rejected items and a summary go to standard error. Other commands read log entries as
they are; import them so, not converted, or what is imported twice is stored twice.`,
		Example: `  gcloud logging read 'resource.type="k8s_cluster" protoPayload.serviceName="k8s.io"' \
      --project P --format=json | kubewitness gcp convert -`,
		Args: someInput,
		RunE: func(cmd *cobra.Command, args []string) error { return c.run(cmd.Context(), args) },
	}
	cmd.Flags().BoolVar(&c.strictInput, "strict-input", false, "exit with 3 when an item of the input was rejected")
	cmd.Flags().Int64Var(&c.maxEvent, "max-event-size", 16<<20, "reject items of more `bytes`")
	return cmd
}

func (c *convertCommand) run(ctx context.Context, inputs []string) error {
	begin := time.Now()
	var problems []error
	for _, name := range inputs {
		err := replay.Events(ctx, c.source(name), c.print)
		var unread *replay.InputError
		if err == nil {
			continue
		}
		problems = append(problems, err)
		if !errors.As(err, &unread) {
			break
		}
	}
	c.tell(time.Since(begin))
	return c.outcome(errors.Join(problems...))
}

func (c *convertCommand) source(name string) replay.Source {
	return replay.Source{
		Inputs: []string{name}, Stdin: c.in, Limits: audit.Limits{MaxEvent: c.maxEvent}, Entries: &c.entries,
		Rejected: func(r *audit.Rejection) {
			c.rejected[r.Reason]++
			if total(c.rejected) <= tellRejections {
				fmt.Fprintln(c.err, "kubewitness: rejected:", printable(r.Error()))
			}
			if total(c.rejected) == tellRejections {
				fmt.Fprintln(c.err, "kubewitness: further rejected items are counted, not told")
			}
		},
	}
}

// print writes an event as soon as it is there: whoever reads may wait for it.
func (c *convertCommand) print(at *field.Context) error {
	c.events++
	_, err := c.out.Write(append(slices.Clip(at.Event.Root().Compact()), '\n'))
	return err
}

func (c *convertCommand) tell(took time.Duration) {
	fmt.Fprintf(c.err, "%s printed in %s\n", plural(uint64(c.events), "event"), took.Round(time.Millisecond))
	tellEntries(c.err, c.entries.Counts())
	if n := total(c.rejected); n > 0 {
		fmt.Fprintf(c.err, "%s rejected:\n", plural(uint64(n), "item"))
		for _, reason := range slices.Sorted(maps.Keys(c.rejected)) {
			fmt.Fprintf(c.err, "%10d  %s\n", c.rejected[reason], reason)
		}
	}
	if c.events == 0 && c.rejected[audit.ReasonSyntax] > 0 {
		fmt.Fprintln(c.err, "kubewitness: no JSON; gcloud prints YAML unless it is given --format=json")
	}
}

func total(counts map[audit.Reason]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

func (c *convertCommand) outcome(err error) error {
	switch {
	case errors.Is(err, errInterrupted):
		return &exitError{code: exitInterrupted, err: err}
	case errors.Is(err, syscall.EPIPE):
		return &exitError{code: exitUnreadable} // the reader went away; it knows
	case err != nil:
		return &exitError{code: exitUnreadable, err: err}
	case c.strictInput && total(c.rejected) > 0:
		return &exitError{code: exitRejected}
	}
	return nil
}

// tellEntries tells what became of log entries; nothing when there were none.
func tellEntries(w io.Writer, n gcp.Counts) {
	if n.Entries == 0 {
		return
	}
	fmt.Fprintf(w, "%s read", several(n.Entries, "log entry", "log entries"))
	if n.Truncated > 0 {
		fmt.Fprintf(w, "; parts missing in %s", plural(uint64(n.Truncated), "event"))
	}
	fmt.Fprintln(w)
	if len(n.Skipped) == 0 {
		return
	}
	names := slices.SortedFunc(maps.Keys(n.Skipped), func(a, b string) int {
		return cmp.Or(cmp.Compare(n.Skipped[b], n.Skipped[a]), cmp.Compare(a, b))
	})
	var skipped int64
	for _, name := range names {
		skipped += n.Skipped[name]
	}
	fmt.Fprintf(w, "%s passed over, not of the Kubernetes API:\n", several(skipped, "log entry", "log entries"))
	for _, name := range names {
		fmt.Fprintf(w, "%10d  %s\n", n.Skipped[name], printable(name))
	}
}

func several(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
