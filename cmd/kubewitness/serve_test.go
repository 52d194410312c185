package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// serveAndSend starts the service with the given flags on free ports, posts files
// to its webhook one after the other, prints the answers, ends the service, and
// prints what it put out.
func serveAndSend(ts *testscript.TestScript, neg bool, args []string) {
	flags, files := args, []string(nil)
	for i, a := range args {
		if a == "--" {
			flags, files = args[:i], args[i+1:]
		}
	}
	if neg || len(files) == 0 {
		ts.Fatalf("usage: served FLAG... -- FILE...")
	}
	cmd := exec.Command("kubewitness", append([]string{"serve", "--webhook-listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--insecure",
		"--log-format", "json"}, flags...)...)
	path, err := exec.LookPath("kubewitness") // testscript has put it there
	ts.Check(err)
	cmd.Path, cmd.Dir, cmd.Env = path, ts.MkAbs("."), append(cmd.Environ(), "KUBEWITNESS_SPOOL_FREE_FLOOR=1", "FALCO_HOSTNAME=falco-0")
	var out strings.Builder
	cmd.Stdout = &out
	told, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewScanner(told)
	webhook := ""
	for webhook == "" && lines.Scan() {
		var line struct{ Msg, Webhook string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			webhook = line.Webhook
		}
	}
	drained := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, told) // or it would stand still
		close(drained)
	}()
	for _, f := range files {
		res, err := http.Post("http://"+webhook+"/?timeout=30s", "application/json", strings.NewReader(ts.ReadFile(f)))
		ts.Check(err)
		answer, err := io.ReadAll(res.Body)
		ts.Check(err)
		res.Body.Close()
		ts.Logf("%s: %s: %s", f, res.Status, strings.TrimSpace(string(answer)))
	}
	ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	<-drained
	ts.Check(cmd.Wait())
	_, err = io.WriteString(ts.Stdout(), out.String())
	ts.Check(err)
}
