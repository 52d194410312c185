package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// broken looks at a day as the engine will, at what is quickly seen: that its lists of
// files can be read, that the files are there, and that they are as long as they should
// be. The engine opens most files only when it needs them, and a file that is short
// kills the process then. It returns what is wrong.
func broken(partition string) string {
	if _, err := os.ReadDir(partition); err != nil {
		return err.Error()
	}
	err := brokenTable(filepath.Join(partition, "indexdb"), brokenIndexPart)
	if err == nil {
		err = brokenTable(filepath.Join(partition, "datadb"), brokenDataPart)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// brokenTable looks at the parts of one of the two tables of a day.
func brokenTable(dir string, part func(dir string) error) error {
	var parts []string
	err := readJSON(filepath.Join(dir, "parts.json"), &parts)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the process died when it made it, or the engine will tell
	}
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err := part(filepath.Join(dir, p)); err != nil {
			return err
		}
	}
	return nil
}

// brokenIndexPart looks at a part of the index of streams.
func brokenIndexPart(dir string) error {
	for _, name := range []string{"metaindex.bin", "index.bin", "items.bin", "lens.bin"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	var about map[string]any
	return readJSON(filepath.Join(dir, "metadata.json"), &about)
}

// brokenDataPart looks at a part of the rows, which says how long its files are together.
func brokenDataPart(dir string) error {
	var about struct{ CompressedSizeBytes int64 }
	if err := readJSON(filepath.Join(dir, "metadata.json"), &about); err != nil {
		return err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var size int64
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			return err
		}
		if f.Name() != "metadata.json" {
			size += info.Size()
		}
	}
	if size != about.CompressedSizeBytes {
		return fmt.Errorf("the files of %s have %d bytes, and should have %d", dir, size, about.CompressedSizeBytes)
	}
	return nil
}

func readJSON(path string, to any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, to); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}
