//go:build linux || darwin

package cloudlogging

import (
	"os"
	"syscall"
)

// lockFile waits for the lock of a file, which is held for moments, and has it until the file is closed.
func lockFile(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			return err
		}
	}
}
