package ecs

// Paths are the keys that lead to the copied fields in an event, for tests that put odd
// values there.
func Paths() (paths [][]string) {
	for _, f := range auditFields() {
		paths = append(paths, f.path)
	}
	return paths
}
