//go:build !linux

package scale

// resident is the most memory that a process had, where the kernel tells it in KiB.
func resident(any) string { return "unknown" }
