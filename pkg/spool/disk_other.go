//go:build !linux && !darwin

package spool

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
)

// freeSpace is not known here: the floor never stops an Append.
func freeSpace(string) (int64, error) { return math.MaxInt64, nil }

// lockDir opens the lock file; nothing here keeps a second process out.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	return f, nil
}
