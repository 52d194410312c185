//go:build unix

package file

import (
	"io/fs"
	"syscall"
)

// inodeOf returns the device and number of a file.
func inodeOf(info fs.FileInfo) (device, inode uint64) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev), uint64(st.Ino)
	}
	return 0, 0
}
