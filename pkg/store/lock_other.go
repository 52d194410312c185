//go:build !(linux || darwin)

package store

import (
	"fmt"
	"os"
)

// lockFile opens the lock of a store. Where the system has no such locks, the engine's
// own is the only one.
func lockFile(path, _ string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store: open the lock: %w", err)
	}
	return f, nil
}
