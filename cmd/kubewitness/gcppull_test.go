package main

import (
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging"
	"github.com/kubewitness/kubewitness/pkg/server"
	logserver "github.com/kubewitness/kubewitness/test/cloudlogging"
)

// startCloudLogging starts a Cloud Logging with so many entries of the last hours in each of its logs, every tenth of
// another cluster. The permissions are those that are granted; without any named, all are.
func startCloudLogging(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: cloudlogging ACTIVITY DATA_ACCESS [PERMISSION...]")
	}
	s, stop, err := logserver.Start()
	ts.Check(err)
	ts.Defer(stop)
	begin := time.Now().Add(-10 * time.Hour)
	for i, log := range []string{"activity", "data_access"} {
		count, err := strconv.Atoi(args[i])
		ts.Check(err)
		for n := range count {
			made := logserver.Made{N: 1_000_000*i + n, At: begin.Add(time.Duration(n) * 8 * time.Hour / time.Duration(count)), Log: log}
			if n%10 == 0 {
				made.Cluster = "lab"
			}
			s.Add(logserver.Entry(made))
		}
	}
	s.Place("folders/12", "folders/13")
	s.Place("folders/13", "projects/acme", "projects/empty")
	if len(args) > 2 {
		s.Grant(args[2:]...)
	}
	ts.Setenv(cloudlogging.EndpointVariable, s.Addr())
	ts.Setenv(cloudlogging.EndpointVariable+"_HTTP", s.RightsAddr())
	// Where what was read is noted with a service that is named.
	ts.Setenv("XDG_CACHE_HOME", ts.MkAbs("cache"))
	ts.Check(os.MkdirAll(filepath.Join(ts.MkAbs("."), "cache", server.CloudLoggingFolder), 0o700))
}

// awaits waits for what a program makes in its own time.
func awaits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: awaits FILE")
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(time.Minute); ; {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			ts.Fatalf("%s does not come", args[0])
		}
	}
}
