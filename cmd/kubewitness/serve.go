package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/server"
)

func newServe(io stdio) *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Take audit events in, judge them, keep them, hand detections on",
		Long: `serve takes audit events from API servers (a webhook, their log files), judges
each by the rules, and stores it with what the rules found before it answers:
a 200 means that the events are on disk. Detections go to the outputs from there,
each with a cursor of its own, so that nothing is lost while one is down.

It ends on SIGTERM or Ctrl-C after it has answered what is under way. SIGHUP loads
rules again and reopens output files; rules and certificates that change are
noticed without it.

Exit codes: 0 ended as told; 1 it could not go on; 2 bad configuration or rules.`,
		Example: `  kubewitness serve --config /etc/kubewitness/kubewitness.yaml
  kubewitness serve --data /tmp/kw --webhook-listen 127.0.0.1:9443 --insecure --stdout`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), io, &f) },
	}
	f.register(cmd.Flags())
	return cmd
}

func serve(ctx context.Context, io stdio, f *configFlags) error {
	cfg, err := f.load(io.err, io.err)
	if err != nil {
		return err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	reload := make(chan struct{}, 1)
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-hup:
				select {
				case reload <- struct{}{}:
				default: // one is waiting already
				}
			case <-done:
				return
			}
		}
	}()
	s, err := server.New(ctx, cfg.Config, server.Options{
		Hostname: hostname(), Stdout: io.out, Color: useColor(io.out), Logger: newLogger(io.err, cfg.Log), Reload: reload,
	})
	if err != nil {
		return startError(ctx, io.err, err)
	}
	if err := s.Run(ctx); err != nil {
		return &exitError{code: exitUnreadable, err: err}
	}
	return nil
}

// startError tells why the service does not start.
func startError(ctx context.Context, w io.Writer, err error) error {
	var invalid *server.InvalidRules
	if errors.As(err, &invalid) {
		fmt.Fprint(w, invalid.Report)
		return &exitError{code: exitUsage, err: err}
	}
	if ctx.Err() != nil {
		return &exitError{code: exitInterrupted, err: context.Cause(ctx)}
	}
	return &exitError{code: exitUnreadable, err: err}
}

func newLogger(w io.Writer, cfg config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cfg.Level)) // one of those that the configuration allows
	opt := &slog.HandlerOptions{Level: level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	return slog.New(slog.NewTextHandler(w, opt))
}
