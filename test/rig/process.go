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

// process is a running server. It is in a process group of its own.
type process struct {
	name string
	log  string // file of its output
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // how it ended, once done is closed
}

// spawn starts a program; its output goes to NAME.log in a folder, behind what is
// there already.
func spawn(tb testing.TB, dir, bin string, args ...string) *process {
	tb.Helper()
	p := &process{name: filepath.Base(bin), done: make(chan struct{})}
	p.log = filepath.Join(dir, p.name+".log")
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatalf("rig: %v", err)
	}
	defer out.Close()
	p.cmd = exec.Command(bin, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, out
	p.cmd.Env = append(os.Environ(), "HOME="+dir)
	isolate(p.cmd)
	if err := p.cmd.Start(); err != nil {
		tb.Fatalf("rig: %v", err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p
}

// ended reports whether the process has ended.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop asks the process to end, waits for it, and kills it when it does not; it
// reports whether it ended by itself.
func (p *process) stop(wait time.Duration) bool {
	if p.ended() {
		return true
	}
	terminate(p.cmd)
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	select {
	case <-p.done:
		return true
	case <-deadline.C:
		p.kill()
		return false
	}
}

// kill ends the process at once.
func (p *process) kill() {
	if !p.ended() {
		kill(p.cmd)
	}
	<-p.done
}

// tail returns the last lines of the output, for messages.
func (p *process) tail(lines int) string {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(string(bytes.TrimSpace(b)), "\n")
	return fmt.Sprintf("-- %s, last lines of its log:\n%s", p.name, strings.Join(all[max(0, len(all)-lines):], "\n"))
}
