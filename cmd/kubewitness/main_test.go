package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kubewitness/kubewitness/test/corpora"
)

var update = flag.Bool("update", false, "write what the commands print into testdata/script/*.txtar")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kubewitness": main})
}

// TestScript runs the sessions of testdata/script. Each begins in a folder with
// the files of testdata/given; $ROOT is the root of the repository. Besides
// testscript's own there are the commands
//
//	exits CODE PROGRAM ARG...    run a program that must end with this exit code
//	fill FILE COUNT TEXT...      append the texts, one after the other, so many times; they are Go strings without the quotes
//	gzip FILE [BYTES]            make FILE.gz, without so many bytes at its end
//	cloudlogging ACTIVITY DATA_ACCESS [PERMISSION...]    start a Cloud Logging with so many entries in its logs, for what is run then
//	awaits FILE    wait until a file is there
//	served FLAG... -- FILE...    run the service, post files to its webhook, end it, print what it put out
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ROOT", corpora.Root(t))
			env.Setenv("FALCO_HOSTNAME", "falco-0")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector's binaries end a second late without
			return os.CopyFS(env.WorkDir, os.DirFS("testdata/given"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"fill":   fill,
			"gzip":   zip,
			"served": serveAndSend,

			"awaits":       awaits,
			"cloudlogging": startCloudLogging,
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	code := 0
	var ee *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &ee):
		code = ee.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if args[0] != strconv.Itoa(code) {
		ts.Fatalf("exit code %d, not %s", code, args[0])
	}
}

func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: fill FILE COUNT TEXT...")
	}
	count, err := strconv.Atoi(args[1])
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	ts.Check(err)
	defer f.Close()
	for _, text := range args[2:] {
		text, err = strconv.Unquote(`"` + text + `"`)
		ts.Check(err)
		_, err = f.Write(bytes.Repeat([]byte(text), count))
		ts.Check(err)
	}
}

func zip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: gzip FILE [BYTES]")
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	ts.Check(z.Close())
	if len(args) == 2 {
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		b.Truncate(b.Len() - n)
	}
	ts.Check(os.WriteFile(filepath.Clean(ts.MkAbs(args[0])+".gz"), b.Bytes(), 0o666))
}
