package load

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
	"testing"

	"github.com/kubewitness/kubewitness/pkg/config"
	"github.com/kubewitness/kubewitness/pkg/server"
)

// envServe makes the test binary the service, with the configuration in the file
// that it names. It is how the service's own work is profiled, without the sender's
// and without a door for it in the product.
const envServe = "KUBEWITNESS_LOAD_SERVE"

func TestMain(m *testing.M) {
	if file := os.Getenv(envServe); file != "" {
		if err := serve(file, os.Getenv(envProfile)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve runs the service until it is told to end and writes a CPU profile, and one
// of what was allocated, to the same name with .allocs behind it.
func serve(file, profile string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cfg, err := config.Load(config.Sources{File: file})
	if err != nil {
		return err
	}
	out, err := os.Create(profile)
	if err != nil {
		return err
	}
	defer out.Close()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	s, err := server.New(ctx, cfg.Config, server.Options{Hostname: "load", Stdout: null, Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil))})
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	if err := s.Run(ctx); err != nil {
		return err
	}
	allocs, err := os.Create(profile + ".allocs")
	if err != nil {
		return err
	}
	defer allocs.Close()
	return pprof.Lookup("allocs").WriteTo(allocs, 0)
}
