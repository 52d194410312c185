//go:build linux || darwin

package store

import (
	"fmt"
	"syscall"
)

// freeSpace is how many bytes of the disk under a folder are free to us.
func freeSpace(dir string) (int64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(dir, &stat); err != nil {
		return 0, fmt.Errorf("store: free space of %s: %w", dir, err)
	}
	return int64(stat.Bavail) * int64(stat.Bsize), nil
}
