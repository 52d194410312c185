package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/server"
	"github.com/kubewitness/kubewitness/pkg/spool"
)

func newSpool(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "spool",
		Short: "Look at the durable log",
		Long: `spool looks at the durable log between sources and outputs. While a service uses an
embedded log only its status can be had, from the service; the rest asks for the
service to end first.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSpoolStatus(io), newSpoolDead(io), newSpoolVerify(io))
	return cmd
}

// spoolFlags say which log is meant.
type spoolFlags struct {
	data, url, stream string
	output            string
}

func (f *spoolFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.data, "data", "", "`folder` of the service's state (default KUBEWITNESS_DATA, else "+config.Default().Data+")")
	fs.StringVar(&f.url, "spool-url", "", "NATS servers that the log is on, instead of a folder")
	fs.StringVar(&f.stream, "spool-stream", spool.DefaultStream, "`name` of the log's stream")
	fs.StringVarP(&f.output, "output", "o", "text", "`text` or json")
}

// inspect calls f with a look at the log.
func (f *spoolFlags) inspect(ctx context.Context, look func(*spool.View) error) error {
	if f.output != "text" && f.output != "json" {
		return fmt.Errorf("--output %q: text or json", f.output)
	}
	cfg := spool.Config{URL: f.url, Stream: f.stream, Now: time.Now}
	if f.url == "" {
		f.data = cmp.Or(f.data, os.Getenv("KUBEWITNESS_DATA"), config.Default().Data)
		cfg.Dir = filepath.Join(f.data, server.Folder)
	}
	v, err := spool.Inspect(ctx, cfg)
	if err != nil {
		return &exitError{code: exitUnreadable, err: err}
	}
	defer v.Close()
	return look(v)
}

func newSpoolStatus(io stdio) *cobra.Command {
	var f spoolFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "How full the log is, and how far each output has read it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write := func(s spool.Status, err error) error {
				switch {
				case err != nil:
					return &exitError{code: exitUnreadable, err: err}
				case f.output == "json":
					return writeJSON(io.out, s)
				}
				return writeSpoolStatus(io.out, s)
			}
			err := f.inspect(cmd.Context(), func(v *spool.View) error { return write(v.Status(cmd.Context())) })
			if used := new(spool.InUse); errors.As(err, used) {
				return write(f.ask(cmd.Context(), *used))
			}
			return err
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// ask has the service that uses the log say how it is.
func (f *spoolFlags) ask(ctx context.Context, used spool.InUse) (s spool.Status, err error) {
	at, ok := beacon(f.data, "")
	if !ok {
		return s, used
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/status", nil)
	if err != nil {
		return s, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, fmt.Errorf("%w, or ask it by %s/status: %w", used, at, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return s, fmt.Errorf("%w: its %s/status answers %s", used, at, res.Status)
	}
	return s, json.NewDecoder(res.Body).Decode(&s)
}

func writeSpoolStatus(w io.Writer, s spool.Status) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintf(tw, "messages\t%d\n", s.Messages)
	fmt.Fprintf(tw, "bytes\t%d of %d\n", s.Bytes, s.MaxBytes)
	fmt.Fprintf(tw, "sequences\t%d to %d\n", s.FirstSeq, s.LastSeq)
	if s.FreeBytes > 0 {
		fmt.Fprintf(tw, "free on the disk\t%d\n", s.FreeBytes)
	}
	fmt.Fprintf(tw, "dead letters\t%d messages\n", s.DeadLetters)
	if len(s.Consumers) > 0 {
		fmt.Fprintf(tw, "\nOUTPUT\tREAD UP TO\tNOT SETTLED\tOLDEST\n")
	}
	for _, c := range s.Consumers {
		oldest := "-"
		if !c.Oldest.IsZero() {
			oldest = c.Oldest.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(tw, "%s\t%d\t%d\t%s\n", c.Name, c.Cursor, c.Pending, oldest)
	}
	return tw.Flush()
}

func newSpoolDead(io stdio) *cobra.Command {
	var f spoolFlags
	cmd := &cobra.Command{
		Use:   "dead-letters",
		Short: "What came in and is no event, and what an output gave up",
		Long: `dead-letters prints what is kept beside the log, oldest first: bodies and items
that could not be read as events, cut to their beginning and without secrets as
far as they can be known, and records that an output never could take. With
--output json one object a line; raw bytes are base64.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.inspect(cmd.Context(), func(v *spool.View) error {
				write := writeDeadText
				if f.output == "json" {
					write = writeDeadJSON
				}
				err := v.DeadLetters(cmd.Context(), func(d spool.Dead) error { return write(io.out, d) })
				if err != nil {
					return &exitError{code: exitUnreadable, err: err}
				}
				return nil
			})
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// excerptBytes is how much of a dead letter a line of text shows.
const excerptBytes = 200

func writeDeadText(w io.Writer, d spool.Dead) error {
	of := "came in"
	if d.Consumer != "" {
		of = "given up by " + d.Consumer
	}
	r := &d.Record
	head := fmt.Sprintf("%s  %s  %s  cluster=%s", r.Received.UTC().Format(time.RFC3339), of, r.Kind, strconv.Quote(r.Cluster))
	for _, l := range r.Dead {
		raw := l.Raw[:min(len(l.Raw), excerptBytes)]
		if _, err := fmt.Fprintf(w, "%s  %s  %d bytes, sha256 %s: %q\n", head, strconv.Quote(l.Reason), l.Size, hex.EncodeToString(l.Digest), raw); err != nil {
			return err
		}
	}
	if len(r.Events) > 0 {
		if _, err := fmt.Fprintf(w, "%s  %s  record of %d events\n", head, strconv.Quote(d.Reason), len(r.Events)); err != nil {
			return err
		}
	}
	return nil
}

// deadJSON is a dead letter for programs.
type deadJSON struct {
	Output   string            `json:"output,omitempty"` // that gave it up
	Reason   string            `json:"reason"`
	Sequence uint64            `json:"sequence,omitempty"`
	Kept     time.Time         `json:"kept"`
	Source   string            `json:"source"`
	Cluster  string            `json:"cluster"`
	Received time.Time         `json:"received"`
	Events   []json.RawMessage `json:"events,omitempty"`
	Items    []deadItem        `json:"items,omitempty"`
}

type deadItem struct {
	Reason string `json:"reason"`
	Size   uint64 `json:"size"`
	SHA256 string `json:"sha256,omitempty"`
	Raw    []byte `json:"raw"`
}

func writeDeadJSON(w io.Writer, d spool.Dead) error {
	out := deadJSON{
		Output: d.Consumer, Reason: d.Reason, Sequence: d.Seq, Kept: d.Buried.UTC(),
		Source: d.Record.Kind, Cluster: d.Record.Cluster, Received: d.Record.Received.UTC(),
	}
	for _, e := range d.Record.Events {
		raw := json.RawMessage(e.Raw)
		if !json.Valid(raw) {
			raw, _ = json.Marshal(string(e.Raw)) // a text cannot fail
		}
		out.Events = append(out.Events, raw)
	}
	for _, l := range d.Record.Dead {
		out.Items = append(out.Items, deadItem{l.Reason, l.Size, hex.EncodeToString(l.Digest), l.Raw})
	}
	b, err := json.Marshal(out)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

func newSpoolVerify(io stdio) *cobra.Command {
	var f spoolFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Read the whole log and tell what is damaged",
		Long: `verify reads every message that is still in the log, checks its sum and its
form, and counts. The exit code is 1 when a message cannot be read.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.inspect(cmd.Context(), func(v *spool.View) error {
				found, err := v.Verify(cmd.Context())
				if err != nil {
					return &exitError{code: exitUnreadable, err: err}
				}
				if err := writeVerification(io.out, found, f.output); err != nil {
					return err
				}
				if len(found.Unreadable) > 0 {
					return &exitError{code: exitUnreadable, err: errors.New("some messages cannot be read")}
				}
				return nil
			})
		},
	}
	f.register(cmd.Flags())
	return cmd
}

func writeVerification(w io.Writer, v spool.Verification, output string) error {
	if output == "json" {
		return writeJSON(w, v)
	}
	for _, u := range v.Unreadable {
		if _, err := fmt.Fprintf(w, "message %d: %v\n", u.Seq, u.Err); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d messages, %d bytes: %d records with %d events; %d chunks of incomplete records; %d unreadable\n",
		v.Messages, v.Bytes, v.Records, v.Events, v.Incomplete, len(v.Unreadable))
	return err
}
