package scale

import (
	"fmt"
	"syscall"
)

// resident is the most memory that a process had.
func resident(usage any) string {
	u, ok := usage.(*syscall.Rusage)
	if !ok {
		return "unknown"
	}
	return fmt.Sprintf("%d MB", u.Maxrss>>10)
}
