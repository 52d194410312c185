package rig

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// grace is how long a server may take to end before it is killed. An API server
// with a webhook that does not answer takes longer, since it keeps trying to
// deliver what it holds.
const grace = 20 * time.Second

// Process is a running server. It is in a process group of its own.
type Process struct {
	name string
	log  string // file of its output
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended, once done is closed
}

// spawn starts a program; its output goes to NAME.log in a folder, behind what is
// there already.
func spawn(tb testing.TB, dir, bin string, args ...string) *Process {
	tb.Helper()
	name := filepath.Base(bin)
	log := filepath.Join(dir, name+".log")
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatalf("rig: %v", err)
	}
	defer out.Close()
	cmd := exec.Command(bin, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	cmd.Env = append(os.Environ(), "HOME="+dir)
	p, err := Launch(name, log, cmd)
	if err != nil {
		tb.Fatalf("rig: %v", err)
	}
	return p
}

// Launch starts a command that is all set up; log is the file that its output goes to.
func Launch(name, log string, cmd *exec.Cmd) (*Process, error) {
	p := &Process{name: name, log: log, cmd: cmd, done: make(chan struct{})}
	isolate(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Stop asks the process to end, waits for it, and kills it when it does not; it
// reports whether it ended by itself.
func (p *Process) Stop(wait time.Duration) bool {
	if p.Ended() {
		return true
	}
	terminate(p.cmd)
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	select {
	case <-p.done:
		return true
	case <-deadline.C:
		p.Kill()
		return false
	}
}

// Kill ends the process at once.
func (p *Process) Kill() {
	if !p.Ended() {
		kill(p.cmd)
	}
	<-p.done
}

// Tail returns the last lines of the output, for messages.
func (p *Process) Tail(lines int) string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(string(bytes.TrimSpace(b)), "\n")
	return fmt.Sprintf("-- %s, last lines of its log:\n%s", p.name, strings.Join(all[max(0, len(all)-lines):], "\n"))
}
