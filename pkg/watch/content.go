package watch

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// content returns a digest of what is at a path: of a file's bytes, or of the names
// and bytes of a folder's rules files. Being absent or unreadable is a content, too.
func content(path string) (sum [sha256.Size]byte) {
	h := sha256.New()
	entries, err := os.ReadDir(path)
	if err != nil { // no folder
		digestFile(h, path)
		return [sha256.Size]byte(h.Sum(nil))
	}
	for _, e := range entries { // sorted by name
		if counts(e.Name()) {
			digestFile(h, filepath.Join(path, e.Name()))
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// counts reports whether a file of a folder is one to be looked at.
func counts(name string) bool {
	ext := filepath.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}

// digestFile adds a file's name, what it is, its bytes and their number.
func digestFile(h hash.Hash, path string) {
	n, err := copyFile(h, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		fmt.Fprintf(h, "\x00%s absent\x00", path)
	case err != nil:
		fmt.Fprintf(h, "\x00%s unreadable: %v\x00", path, err)
	default:
		fmt.Fprintf(h, "\x00%s %d bytes\x00", path, n)
	}
}

// copyFile copies a regular file. Anything else is refused unopened: a named pipe
// would hold the caller up.
func copyFile(to io.Writer, path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, fmt.Errorf("%s is %v, not a regular file", path, info.Mode().Type())
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return io.Copy(to, f)
}
