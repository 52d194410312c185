// Command kubewitness judges Kubernetes audit events against Falco rules and
// answers who did what, when and where.
//
// Here are flags, exit codes and terminals; what the commands do is in pkg.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes. They are part of the command's contract.
const (
	exitOK          = 0
	exitUnreadable  = 1   // an input could not be read, or an output not written
	exitUsage       = 2   // bad rules, bad flags
	exitRejected    = 3   // items were rejected and --strict-input is set
	exitNothing     = 4   // a search found nothing
	exitInterrupted = 130 // ended by Ctrl-C or SIGTERM
)

// exitError is an error that decides the exit code. Its cause may be nil when
// everything has been told already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// errInterrupted is the cause of a context ended by a signal.
var errInterrupted = errors.New("interrupted")

func main() {
	os.Exit(run())
}

func run() int {
	ctx, cancel := context.WithCancelCause(context.Background())
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away is an error of writing, and the summary is still told
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		signal.Stop(signals) // a second signal ends the process at once
		cancel(errInterrupted)
	}()
	cmd := newRoot(stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	cmd.SetArgs(os.Args[1:])
	return exitCode(cmd.ExecuteContext(ctx), os.Stderr)
}

func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return exitOK
	}
	var ee *exitError
	var pe *fs.PathError
	switch {
	case errors.As(err, &ee):
	case errors.Is(err, syscall.EPIPE):
		ee = &exitError{code: exitUnreadable} // the reader went away; it knows
	case errors.As(err, &pe) && pe.Op == "write":
		ee = &exitError{code: exitUnreadable, err: err}
	default:
		ee = &exitError{code: exitUsage, err: err}
	}
	if ee.err != nil {
		fmt.Fprintln(stderr, "kubewitness:", ee.err)
	}
	return ee.code
}

// stdio is what a command talks to.
type stdio struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

func newRoot(io stdio) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kubewitness",
		Short: "Kubernetes audit logs judged by Falco rules: who did what, when and where",
		Long: `kubewitness takes Kubernetes audit events in as a service, or reads recorded ones,
judges each against Falco rules and answers what was done, by whom, when and where.

Exit codes: 0 done; 1 an input could not be read or an output not written;
2 bad rules or flags; 3 rejected items with --strict-input; 4 a search found nothing;
130 interrupted.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.SetIn(io.in)
	cmd.SetOut(io.out)
	cmd.SetErr(io.err)
	cmd.CompletionOptions.HiddenDefaultCmd = true
	cmd.AddCommand(newServe(io), newReplay(io), newSearch(io), newHunt(io), newEnforce(io), newMutate(io), newAdmission(io), newImport(io), newRules(io), newConfig(io), newSpool(io), newElastic(io), newKibana(io), newGCP(io), newPolicy(io))
	return cmd
}
