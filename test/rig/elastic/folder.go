package elastic

import (
	"os"
	"path/filepath"
)

const (
	folderPrefix = "kubewitness-elastic-"
	claimName    = "claim"
)

// claim marks a folder as that of a process that runs: with a lock on a file in it, which
// ends with the process, however that ends.
func claim(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, claimName+"-")
	if err != nil {
		return nil, err
	}
	lock(f)
	return f, os.Rename(f.Name(), filepath.Join(dir, claimName)) // seen by others only once it is locked
}

// sweep removes folders of test binaries that were killed.
func sweep() {
	claims, err := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*", claimName))
	if err != nil {
		return
	}
	for _, path := range claims {
		f, err := os.Open(path)
		if err != nil {
			continue // gone meanwhile, or another user's
		}
		if lock(f) {
			os.RemoveAll(filepath.Dir(path))
		}
		f.Close()
	}
}
