package watch

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is how many links a path may lead through, as in the kernel.
const maxLinks = 40

// anyRules stands among the names of a folder for all that counts.
const anyRules = "*"

// places are names in folders that decide what paths lead to. Folders are free of
// links.
type places map[string]map[string]bool

func (p places) add(folder, name string) {
	if p[folder] == nil {
		p[folder] = map[string]bool{}
	}
	p[folder][name] = true
}

// has reports whether an entry of a folder decides anything.
func (p places) has(path string) bool {
	names, name := p[filepath.Dir(path)], filepath.Base(path)
	return names[name] || names[anyRules] && counts(name)
}

// covers reports whether everything in q is in p.
func (p places) covers(q places) bool {
	for folder, names := range q {
		for name := range names {
			if !p[folder][name] {
				return false
			}
		}
	}
	return true
}

// placesOf returns what decides where the paths lead and, for folders, what is in
// them.
func placesOf(paths []string) places {
	p := places{}
	for _, path := range paths {
		folder, ok := p.follow(path)
		if !ok {
			continue
		}
		p.add(folder, anyRules)
		entries, _ := os.ReadDir(folder) // unreadable: the folder's own place tells when that changes
		for _, e := range entries {
			if counts(e.Name()) {
				p.follow(filepath.Join(folder, e.Name()))
			}
		}
	}
	return p
}

// follow adds the places along a path, through links, up to its end or to the first
// name that does not exist. When the path leads to a folder, it is returned.
func (p places) follow(path string) (folder string, ok bool) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", false
	}
	at := root(abs)
	rest := split(abs)
	for links := 0; len(rest) > 0; {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			at = filepath.Dir(at)
			continue
		}
		p.add(at, name)
		next := filepath.Join(at, name)
		info, err := os.Lstat(next)
		switch {
		case err != nil:
			return "", false
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(next)
			if links++; err != nil || links > maxLinks {
				return "", false
			}
			if filepath.IsAbs(target) {
				at = root(target)
			}
			rest = append(split(target), rest...)
		case info.IsDir():
			at = next
		default:
			return "", false
		}
	}
	return at, true
}

func root(abs string) string { return filepath.VolumeName(abs) + string(filepath.Separator) }

// split returns the names in a path, ".." among them: behind a link it cannot be
// taken away by looking at the text.
func split(path string) (names []string) {
	for name := range strings.SplitSeq(strings.TrimPrefix(path, filepath.VolumeName(path)), string(filepath.Separator)) {
		if name != "" && name != "." {
			names = append(names, name)
		}
	}
	return names
}
