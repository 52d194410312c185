package server

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryShare is how much of the cgroup's limit the Go runtime may use; the rest
// is for stacks of the kernel, page tables and memory that Go does not count.
const memoryShare = 0.9

// ordinaryMemory is the soft limit where nothing sets one. About 100 MB are in use
// under full load; without a limit the collector lets four times that gather before
// it looks, and spares nothing by it. More than the limit is used when it must be.
const ordinaryMemory = 256 << 20

// limitMemory sets the runtime's soft memory limit from the cgroup's hard one,
// unless GOMEMLIMIT says otherwise, and returns it; 0: GOMEMLIMIT switched it off.
// caches are what the embedded store and others may take besides.
// With a hard limit and no soft one the heap grows until the kernel ends the process.
func limitMemory(caches int64) int64 {
	if os.Getenv("GOMEMLIMIT") != "" {
		if n := debug.SetMemoryLimit(-1); n != math.MaxInt64 {
			return n
		}
		return 0
	}
	soft := ordinaryMemory + caches
	if limit := cgroupLimit("/proc/self/cgroup", "/sys/fs/cgroup"); limit > 0 {
		soft = int64(float64(limit) * memoryShare)
	}
	debug.SetMemoryLimit(soft)
	return soft
}

// cgroupLimit is the least memory limit of the process's cgroup and of those
// above it, of version 2 or 1; 0 where there is none.
func cgroupLimit(self, mount string) int64 {
	memberships, err := os.ReadFile(self)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(memberships)) {
		// hierarchy-ID:controllers:path
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		switch {
		case parts[1] == "" && parts[0] == "0":
			if n := leastLimit(mount, parts[2], "memory.max"); n > 0 {
				return n
			}
		case strings.Contains(","+parts[1]+",", ",memory,"):
			if n := leastLimit(filepath.Join(mount, "memory"), parts[2], "memory.limit_in_bytes"); n > 0 {
				return n
			}
		}
	}
	return 0
}

// leastLimit looks from a cgroup up to the root. In a container the path may be
// the host's, of which only the root is mounted.
func leastLimit(mount, path, file string) int64 {
	var least int64
	for dir := filepath.Join("/", path); ; dir = filepath.Dir(dir) {
		b, err := os.ReadFile(filepath.Join(mount, dir, file))
		if err == nil {
			n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64) // "max" is no number
			if err == nil && n > 0 && n < 1<<60 && (least == 0 || n < least) {
				least = n
			}
		}
		if dir == "/" {
			return least
		}
	}
}
