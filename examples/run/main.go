// Command run shows the service at work: it starts `kubewitness serve` in a
// temporary folder, sends it a recorded audit log as an API server's webhook
// would, and prints what it detects.
//
// It is what `make run` runs, and an example of a sender: bodies of up to 400
// events, each sent until the answer is 200.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// batch is how many events an API server sends at once, at most.
const batch = 400

func main() {
	binary := flag.String("binary", "bin/kubewitness", "the program to run")
	sample := flag.String("sample", "examples/sample/audit.jsonl", "the audit log to send")
	once := flag.Bool("once", false, "end when all is printed, without waiting for Ctrl-C")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *binary, *sample, *once); err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, sample string, once bool) error {
	dir, err := os.MkdirTemp("", "kubewitness-run-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := start(binary, dir)
	if err != nil {
		return err
	}
	defer s.stop()
	n, err := s.send(ctx, sample)
	if err != nil {
		return err
	}
	if err := s.settled(ctx); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "\n%d events of %s went through the webhook at http://%s; above is what the rules found in them.\n"+
		"Look at them, and search, at http://%s/\n", n, sample, s.webhook, s.http)
	if once {
		return nil
	}
	fmt.Fprintln(os.Stderr, "Ctrl-C ends it.")
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.ended:
		return fmt.Errorf("the service ended: %w", err)
	}
}

// service is a running kubewitness.
type service struct {
	cmd           *exec.Cmd
	webhook, http string // addresses
	ended         chan error
}

// start starts the service on free ports and waits until it takes events.
func start(binary, dir string) (*service, error) {
	s := &service{ended: make(chan error, 1)}
	s.cmd = exec.Command(binary, "serve", "--data", dir, "--webhook-listen", "127.0.0.1:0", "--insecure", "--default-cluster", "demo",
		"--http-listen", "127.0.0.1:0", "--stdout", "--stdout-format", "answer", "--log-format", "json",
		"--min-priority", "notice") // what is ordinary fills the screen
	s.cmd.Stdout = os.Stdout
	// Ctrl-C is for this program, which ends the other in order.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	serving := make(chan error, 1)
	go func() {
		s.read(stderr, serving)
		s.ended <- s.cmd.Wait()
	}()
	if err := <-serving; err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// read reads what the service tells, finds its addresses, and passes on what is
// worth a look.
func (s *service) read(stderr io.Reader, serving chan<- error) {
	lines := bufio.NewScanner(stderr)
	told := false
	for lines.Scan() {
		var line struct {
			Level, Msg    string
			Webhook, HTTP string
		}
		err := json.Unmarshal(lines.Bytes(), &line)
		switch {
		case err == nil && line.Msg == "serving":
			s.webhook, s.http = line.Webhook, line.HTTP
			serving <- nil
			told = true
		case err != nil || line.Level == "WARN" || line.Level == "ERROR":
			fmt.Fprintln(os.Stderr, lines.Text())
		}
	}
	if !told {
		serving <- errors.New("the service does not start")
	}
}

func (s *service) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		_ = s.cmd.Process.Kill()
	}
}

// send sends a log in bodies as an API server makes them.
func (s *service) send(ctx context.Context, sample string) (n int, err error) {
	f, err := os.Open(sample)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := audit.NewReader(f, sample, audit.Limits{})
	for more := true; more; {
		var body bytes.Buffer
		body.WriteString(`{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[`)
		count := 0
		for count < batch {
			e, err := r.Next()
			if err == io.EOF {
				more = false
				break
			}
			if err != nil {
				return n, err
			}
			if count > 0 {
				body.WriteByte(',')
			}
			body.Write(e.Raw)
			count++
		}
		body.WriteString("]}\n")
		if err := s.post(ctx, body.Bytes()); err != nil {
			return n, err
		}
		n += count
	}
	return n, nil
}

// post sends a body until it is taken: a 200 means that it is on disk.
func (s *service) post(ctx context.Context, body []byte) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.webhook+"/audit/demo?timeout=30s", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		answer, _ := io.ReadAll(res.Body) // for the message only
		res.Body.Close()
		switch {
		case res.StatusCode == http.StatusOK:
			return nil
		case res.StatusCode != http.StatusTooManyRequests && res.StatusCode != http.StatusServiceUnavailable:
			return fmt.Errorf("the webhook answers %s: %s", res.Status, bytes.TrimSpace(answer))
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// settled waits until the outputs have read all of the log.
func (s *service) settled(ctx context.Context) error {
	for {
		left, err := s.unsettled(ctx)
		if err != nil || left == 0 {
			return err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

func (s *service) unsettled(ctx context.Context) (left int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.http+"/status", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	var status struct{ Consumers []struct{ Pending int } }
	if err := json.NewDecoder(res.Body).Decode(&status); err != nil {
		return 0, fmt.Errorf("/status: %w", err)
	}
	for _, c := range status.Consumers {
		left += c.Pending
	}
	return left, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
