package apiserver

import (
	"os/exec"
	"syscall"
)

// isolate keeps a process from outliving the tests, however they end.
func isolate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
