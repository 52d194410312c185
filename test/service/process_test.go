package service

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// plan is what a process is started with.
type plan struct {
	binary string
	config string   // YAML
	dir    string   // the configuration's file is put there
	under  []string // a command to run it under
	env    []string
	stdout *os.File // nil: discarded
}

// withHTTP is the configuration of a service on a data folder, with an HTTP output only.
func withHTTP(data, floor string, r *receiver) string {
	return fmt.Sprintf(`
data: %s
webhook: {listen: "127.0.0.1:0", insecure: true, default_cluster: %s}
http: {listen: "127.0.0.1:0"}
log: {format: json}
spool: {free_floor: %s, append_timeout: 5s}
outputs:
  stdout: {enabled: false}
  http: {url: "%s/detections"}
`, data, cluster, floor, r.URL)
}

// process is a running service, or one that has ended.
type process struct {
	cmd           *exec.Cmd
	webhook, http string        // addresses; "" if it ended before it served
	ended         chan struct{} // closed when it has
	serving       chan struct{} // closed when it serves, or has ended

	mu    sync.Mutex
	told  []string // what it told last
	tell  chan struct{}
	fails error // of Wait
}

// start starts a service and returns when it serves, or has ended.
func start(t testing.TB, p plan) *process {
	t.Helper()
	s := launch(t, p)
	select {
	case <-s.serving:
	case <-time.After(patience):
		s.kill()
		require.Fail(t, "the service does not start", s.log())
	}
	return s
}

// launch starts a service and does not wait for it.
func launch(t testing.TB, p plan) *process {
	t.Helper()
	file := filepath.Join(p.dir, "kubewitness.yaml")
	require.NoError(t, os.WriteFile(file, []byte(p.config), 0o600))
	args := append(append([]string{}, p.under...), p.binary, "serve", "--config", file)
	if !strings.Contains(p.config, "paths:") {
		args = append(args, "--rules", alone(t, p.dir))
	}
	s := &process{cmd: exec.Command(args[0], args[1:]...), ended: make(chan struct{}), serving: make(chan struct{}), tell: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), p.env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that all of it can be ended, what it runs under included
	if p.stdout != nil {
		s.cmd.Stdout = p.stdout
	}
	stderr, err := s.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	go func() {
		s.read(stderr)
		s.fails = s.cmd.Wait()
		close(s.ended)
		if s.webhook == "" {
			close(s.serving)
		}
	}()
	t.Cleanup(s.kill)
	return s
}

// read reads what the service tells and finds its addresses.
func (s *process) read(stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct{ Msg, Webhook, HTTP string }
		if err := json.Unmarshal(lines.Bytes(), &line); err == nil && line.Msg == "serving" {
			s.webhook, s.http = line.Webhook, line.HTTP
			close(s.serving)
		}
		s.mu.Lock()
		s.told = append(s.told, lines.Text())
		if len(s.told) > 1000 {
			s.told = s.told[500:]
		}
		close(s.tell)
		s.tell = make(chan struct{})
		s.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, stderr) // a line too long
}

func (s *process) log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.told, "\n")
}

// wait waits until the service has told something.
func (s *process) wait(t testing.TB, text string) {
	t.Helper()
	limit := time.After(patience)
	for {
		s.mu.Lock()
		tell := s.tell
		s.mu.Unlock()
		if strings.Contains(s.log(), text) {
			return
		}
		select {
		case <-tell:
		case <-s.ended:
			require.Contains(t, s.log(), text)
		case <-limit:
			require.Fail(t, "it does not tell "+text, s.log())
		}
	}
}

// kill kills the process and what it runs under, and waits for them.
func (s *process) kill() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	<-s.ended
}

// await waits for the end of the process; false if it does not come in time.
func (s *process) await(d time.Duration) bool {
	select {
	case <-s.ended:
		return true
	case <-time.After(d):
		return false
	}
}

// terminate ends the process in order.
func (s *process) terminate(t testing.TB) {
	t.Helper()
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	require.True(t, s.await(patience), "%s", s.log())
	require.NoError(t, s.fails, "%s", s.log())
}

// killed tells whether the process was ended by kill -9.
func (s *process) killed() bool {
	<-s.ended
	status, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// get asks a page of the service.
func (s *process) get(ctx context.Context, page string) (status int, text string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.http+page, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// left is how many messages of the log are still to be settled.
func (s *process) left(ctx context.Context) (n uint64, err error) {
	code, text, err := s.get(ctx, "/status")
	if err != nil || code != http.StatusOK {
		return 0, fmt.Errorf("/status: %d %s %w", code, text, err)
	}
	var status struct{ Consumers []struct{ Pending uint64 } }
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		return 0, err
	}
	for _, c := range status.Consumers {
		n = max(n, c.Pending)
	}
	return n, nil
}

// drained waits until the outputs have read all of the log.
func (s *process) drained(t testing.TB) {
	t.Helper()
	limit := time.After(2 * patience)
	for {
		n, err := s.left(t.Context())
		if err == nil && n == 0 {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-s.ended:
			require.Fail(t, "it ended", s.log())
		case <-limit:
			require.Fail(t, fmt.Sprintf("%d messages are not settled: %v", n, err), s.log())
		}
	}
}
