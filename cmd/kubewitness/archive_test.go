package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// service is a kubewitness serve that runs in a folder with the files of
// testdata/given.
type service struct {
	dir           string
	cmd           *exec.Cmd
	webhook, http string // addresses
}

const aToken = "a token that nobody guesses"

// startService runs the service, with one token that may do everything.
func startService(t *testing.T, flags ...string) *service {
	t.Helper()
	s := &service{dir: t.TempDir()}
	require.NoError(t, os.CopyFS(s.dir, os.DirFS("testdata/given")))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "token"), []byte(aToken+"\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "kubewitness.yaml"), []byte(`
data: d
webhook: {listen: "127.0.0.1:0", insecure: true, default_cluster: prod}
http: {listen: "127.0.0.1:0", tokens: [{name: all, file: token, clusters: ["*"], import: true}]}
rules: {paths: [rules.yaml]}
spool: {free_floor: 1}
store: {retention: 36500d, sync_every: 10ms}
outputs: {stdout: {enabled: false}}
log: {format: json}
`), 0o600))
	s.cmd = s.command(t, append([]string{"serve", "--config", "kubewitness.yaml"}, flags...)...)
	told, err := s.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	t.Cleanup(func() { s.end(t) })
	var before bytes.Buffer
	lines := bufio.NewScanner(told)
	for s.http == "" && lines.Scan() {
		var line struct{ Msg, Webhook, HTTP string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			s.webhook, s.http = line.Webhook, line.HTTP
		}
		before.WriteString(lines.Text() + "\n")
	}
	require.NotEmpty(t, s.http, before.String())
	go func() {
		for lines.Scan() { // or it would stand still
		}
	}()
	return s
}

func (s *service) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("kubewitness") // testscript has put it there
	require.NoError(t, err)
	cmd := exec.Command(path, args...)
	// What tells tests what to do is no setting, and the command would say so.
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasPrefix(name, "KUBEWITNESS_") && !strings.HasPrefix(name, "KUBEWITNESS_STORE_")
	})
	cmd.Dir, cmd.Env = s.dir, append(env, "FALCO_HOSTNAME=falco-0")
	return cmd
}

// run runs a command beside the service, to its end.
func (s *service) run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := s.command(t, args...)
	var out, told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &told
	_ = cmd.Run() // the exit code says it
	return out.String(), told.String(), cmd.ProcessState.ExitCode()
}

func (s *service) end(t *testing.T) {
	t.Helper()
	if s.cmd.ProcessState == nil {
		require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, s.cmd.Wait())
	}
}

func (s *service) post(t *testing.T, body string) {
	t.Helper()
	res, err := http.Post("http://"+s.webhook+"/?timeout=30s", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
}

// TestFolderAndServiceAnswerTheSame: while a service has the folder it is asked, and
// what it answers is byte by byte what the folder answers afterwards.
func TestFolderAndServiceAnswerTheSame(t *testing.T) {
	s := startService(t)
	out, told, code := s.run(t, "import", "--config", "kubewitness.yaml", "--token-file", "token", "--cluster", "prod", "--strict-input", "events.jsonl")
	require.Zero(t, code, told)
	assert.Contains(t, out, "3 events stored, 0 known already")
	assert.Contains(t, out, "3 detections; ")

	asks := [][]string{
		{"search"},
		{"search", "ka.user.name = jane", "--output", "answer"},
		{"search", "--output", "csv", "--limit", "2"},
		{"search", "ka.user.name contains a", "--limit", "1", "--from", "2026-11-21"},
		{"search", "--facet", "ka.verb", "--facet", "rule"},
		{"search", "--facet", "ka.verb", "--output", "csv"},
		{"search", "ka.verb = none", "--output", "answer"},
		{"search", "ka.nothing = x"},
		{"search", "--since", "7x"},
		{"hunt", "rules.yaml", "--output", "falco-json"},
		{"hunt", "rules.yaml", "--output", "text", "--to", "2026-11-21T19:18:30Z"},
	}
	type answer struct {
		out, told string
		code      int
	}
	ask := func(args []string, from ...string) (a answer) {
		a.out, a.told, a.code = s.run(t, append(args, from...)...)
		if args[0] == "hunt" {
			_, a.told, _ = strings.Cut(a.told, "\n") // the time that it took
		}
		return a
	}
	var remote []answer
	for _, args := range asks {
		a := ask(args, "--server", "http://"+s.http, "--token-file", "token")
		assert.Equal(t, a, ask(args, "--config", "kubewitness.yaml", "--token-file", "token"), args)
		remote = append(remote, a)
	}
	assert.Equal(t, 3, strings.Count(remote[0].out, "\n"))
	s.end(t)
	for i, args := range asks {
		assert.Equal(t, remote[i], ask(args, "--config", "kubewitness.yaml"), args)
	}
}

// TestWithoutToken: who shows none, or a wrong one, is told what to do.
func TestWithoutToken(t *testing.T) {
	s := startService(t)
	_, told, code := s.run(t, "search", "--data", "d")
	assert.Equal(t, exitUnreadable, code)
	assert.Contains(t, told, "kubewitness: send a token")
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "wrong"), []byte("another token, longer than 16"), 0o600))
	_, told, code = s.run(t, "search", "--data", "d", "--token-file", "wrong")
	assert.Equal(t, exitUnreadable, code)
	assert.Contains(t, told, "kubewitness: the token is not in force")
	assert.NotContains(t, told, "another token")
}

// TestFollow: events come as they are stored, until it is interrupted.
func TestFollow(t *testing.T) {
	s := startService(t)
	cmd := s.command(t, "search", "--follow", "--data", "d", "--token-file", "token", "--detections", "--output", "answer")
	var told bytes.Buffer
	cmd.Stderr = &told
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	seen := make(chan string, 10)
	go func() {
		defer close(seen)
		for lines.Scan() {
			seen <- lines.Text()
		}
	}()
	// Nothing tells when it listens; events are sent until one is seen.
	event := strings.SplitAfter(givenEvents(t), "\n")[0]
	var line string
	sent := 0
	require.Eventually(t, func() bool {
		sent++
		s.post(t, strings.Replace(event, `"auditID":"1"`, fmt.Sprintf(`"auditID":"%d"`, sent), 1))
		select {
		case line = <-seen:
			return true
		default:
			return false
		}
	}, time.Minute, 50*time.Millisecond)
	assert.Equal(t, "2026-11-21 19:17:56.428Z  Notice         jane (person) read secret shop/db  [prod/shop]  Secret read", line)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	for range seen { // to its end
	}
	_ = cmd.Wait() // the exit code says it
	assert.Equal(t, exitInterrupted, cmd.ProcessState.ExitCode(), told.String())
	assert.Equal(t, "kubewitness: interrupted\n", told.String())
}

// TestFolderInUse: a folder that another process has, which is no service, is said to be
// in use, whatever a service that has died left there. An import that waits for input can
// be interrupted, and keeps what it has stored.
func TestFolderInUse(t *testing.T) {
	s := &service{dir: t.TempDir()}
	t.Setenv("KUBEWITNESS_STORE_FREE_FLOOR", "1")
	t.Setenv("KUBEWITNESS_STORE_RETENTION", "36500d")
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer w.Close()
	importing := s.command(t, "import", "--data", "d", "-")
	var out, told bytes.Buffer
	importing.Stdin, importing.Stdout, importing.Stderr = r, &out, &told
	require.NoError(t, importing.Start())
	r.Close()
	_, err = w.WriteString(strings.Repeat(givenEvents(t), 400)) // more than a batch
	require.NoError(t, err)

	lock := filepath.Join(s.dir, "d", "store", "LOCK")
	require.Eventually(t, func() bool {
		b, err := os.ReadFile(lock)
		return err == nil && len(b) > 0
	}, time.Minute, 10*time.Millisecond)
	beacon := fmt.Sprintf(`{"url":"http://127.0.0.1:1","pid":%d}`, os.Getpid())
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "d", "server.json"), []byte(beacon), 0o600))
	for _, args := range [][]string{{"search", "--data", "d"}, {"import", "--data", "d", "missing"}} {
		_, refused, code := s.run(t, args...)
		assert.Equal(t, exitUnreadable, code)
		assert.Equal(t, fmt.Sprintf("kubewitness: d/store is in use by process %d, which does not say where it can be asked: "+
			"wait until it has ended, or name the service with --server\n", importing.Process.Pid), refused)
	}

	require.NoError(t, importing.Process.Signal(os.Interrupt))
	_ = importing.Wait() // the exit code says it
	assert.Equal(t, exitInterrupted, importing.ProcessState.ExitCode())
	assert.Equal(t, "kubewitness: interrupted\n", told.String())
	assert.Regexp(t, `^[0-9] events? stored, [0-9]+ known already, in `, out.String())
	_, told2, code := s.run(t, "search", "--data", "d", "--output", "answer")
	assert.Contains(t, []int{exitOK, exitNothing}, code, told2)
}
