// Package durable puts small files on disk so that they outlast the process and the
// machine: under a file's name there is all of what was written, or what was there before.
//
// What stands in the files is who writes them. Streams, and what grows, are no files of
// this kind.
package durable

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Write puts a file in the place of another. It is there for good when nil is returned.
func Write(path string, content []byte) error {
	if err := Replace(path, content); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// Replace is Write for who calls [SyncFolder] later, once for many files: until then the
// content is on disk and its name may be lost. What is half written is called path.new.
func Replace(path string, content []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// SyncFolder makes what names are in a folder last, where the file system can do that.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // it syncs no folders
	}
	return errors.Join(err, d.Close())
}
