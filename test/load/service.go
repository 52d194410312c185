package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Service is a process of the service.
type Service struct {
	Webhook, HTTP string // addresses
	Admission     string // "": it answers no reviews
	cmd           *exec.Cmd
	ended         chan error
}

// patience is how long the service may take to start, to end, and to hand on what
// it holds.
const patience = 5 * time.Minute

// Start starts a service that tells its addresses on standard error, as JSON, and
// returns when it takes events. What it complains about goes to complaints.
func Start(cmd *exec.Cmd, complaints io.Writer) (*Service, error) {
	s := &Service{cmd: cmd, ended: make(chan error, 1)}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	serving := make(chan bool, 1)
	go func() {
		s.read(stderr, complaints, serving)
		close(serving)
		s.ended <- cmd.Wait()
	}()
	select {
	case ok := <-serving:
		if !ok {
			return nil, fmt.Errorf("load: the service does not start: %w", <-s.ended)
		}
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		return nil, errors.New("load: the service does not start in time")
	}
	return s, nil
}

func (s *Service) read(stderr io.Reader, complaints io.Writer, serving chan<- bool) {
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		var line struct{ Level, Msg, Webhook, Admission, HTTP string }
		err := json.Unmarshal(lines.Bytes(), &line)
		switch {
		case err == nil && line.Msg == "serving":
			s.Webhook, s.Admission, s.HTTP = line.Webhook, line.Admission, line.HTTP
			serving <- true
		case err != nil || line.Level == "WARN" || line.Level == "ERROR":
			fmt.Fprintln(complaints, lines.Text())
		}
	}
}

// Stop ends the service in order.
func (s *Service) Stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case err := <-s.ended:
		return err
	case <-time.After(patience):
		_ = s.cmd.Process.Kill()
		return errors.New("load: the service does not end in time")
	}
}

// Metrics are the service's own counts: a metric's values over all its labels,
// added up.
func (s *Service) Metrics() (map[string]float64, error) {
	answer, err := http.Get("http://" + s.HTTP + "/metrics")
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	defer answer.Body.Close()
	sums := map[string]float64{}
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || at < 0 {
			continue
		}
		name, _, _ := strings.Cut(line[:at], "{")
		if v, err := strconv.ParseFloat(line[at+1:], 64); err == nil {
			sums[strings.TrimPrefix(name, "kubewitness_")] += v
		}
	}
	return sums, lines.Err()
}

// Drained waits until the outputs have taken all that is in the log, and returns
// the counts then.
func (s *Service) Drained() (map[string]float64, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		m, err := s.Metrics()
		if err != nil {
			return nil, err
		}
		if lag, ok := m["sink_lag_messages"]; ok && lag == 0 {
			return m, nil
		}
	}
	return nil, errors.New("load: the outputs do not catch up")
}

// ticks is how many parts of a second the kernel counts CPU time in.
const ticks = 100

// CPU is the time that a process, "self" or a number, has spent on processors so
// far; an error where the kernel has no /proc.
func CPU(process string) (time.Duration, error) {
	stat, err := os.ReadFile("/proc/" + process + "/stat")
	if err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	// The name of the program may hold anything; behind it the fields are numbered from 3.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var sum int64
	for _, number := range []int{14, 15} { // user and system
		n, err := strconv.ParseInt(fields[number-3], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("load: %w", err)
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks, nil
}

// CPU is the service's CPU time so far.
func (s *Service) CPU() (time.Duration, error) { return CPU(strconv.Itoa(s.cmd.Process.Pid)) }

// PeakMemory is the most memory that the service had, in bytes.
func (s *Service) PeakMemory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("load: the kernel does not tell the peak of memory")
}
