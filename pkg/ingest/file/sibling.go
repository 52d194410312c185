package file

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// sibling is the followed file, or one that was rotated away from its name.
type sibling struct {
	path   string
	info   fs.FileInfo
	scheme scheme
	rank   string // within a scheme, older files have lower ones
	gz     bool   // compressed
}

// scheme is how rotated files are named.
type scheme int

const (
	numbered scheme = iota // audit.log.2, audit.2.log: the higher, the older
	stamped                // audit-2026-11-21T10-00-00.000.log, audit.log-20261121
	live                   // the followed name itself
)

// numberOrStamp is what a rotation adds to a name, with what stands before it.
var (
	number = regexp.MustCompile(`^\.([0-9]{1,4})$`)
	stamp  = regexp.MustCompile(`^[-.]([0-9]{4}[-0-9T:.]{2,}Z?)$`)
)

// parseName reports how a name was made from that of the followed file, if it was.
func parseName(base, name string) (s sibling, ok bool) {
	name, s.gz = strings.CutSuffix(name, ".gz")
	added, ok := strings.CutPrefix(name, base)
	if !ok { // before the extension
		ext := filepath.Ext(base)
		if added, ok = strings.CutPrefix(name, strings.TrimSuffix(base, ext)); !ok || ext == "" {
			return s, false
		}
		if added, ok = strings.CutSuffix(added, ext); !ok {
			return s, false
		}
	}
	if m := number.FindStringSubmatch(added); m != nil {
		n, _ := strconv.Atoi(m[1]) // four digits at most
		s.scheme, s.rank = numbered, fmt.Sprintf("%04d", 9999-n)
		return s, true
	}
	if m := stamp.FindStringSubmatch(added); m != nil {
		s.scheme, s.rank = stamped, m[1]
		return s, true
	}
	return s, false
}

func (s sibling) compare(o sibling) int {
	return cmp.Or(cmp.Compare(s.scheme, o.scheme), strings.Compare(s.rank, o.rank), strings.Compare(s.path, o.path))
}

// after reports whether s was begun after o. Names tell, as they were given in that
// order; names of two kinds do not, so there the time of the last write does.
func (s sibling) after(o sibling) bool {
	switch {
	case o.scheme == live:
		return false
	case s.scheme == live:
		return true
	case s.scheme == o.scheme:
		return s.compare(o) > 0
	}
	return !s.info.ModTime().Before(o.info.ModTime())
}

// siblings returns the followed file, last, and the rotated ones before it in the
// order they were written, as they all stood at one moment. A folder that cannot be
// read gives the followed file alone, and an error as well.
func siblings(path string) ([]sibling, error) {
	before, err := list(path)
	for range 5 {
		now, err := list(path)
		if err != nil {
			return now, err
		}
		if slices.EqualFunc(before, now, sibling.is) {
			return now, nil
		}
		before = now
	}
	if err == nil {
		err = fmt.Errorf("file: the files beside %s are being renamed without end", path)
	}
	return nil, err
}

// is reports whether two are the same file under the same name.
func (s sibling) is(o sibling) bool { return s.path == o.path && os.SameFile(s.info, o.info) }

// list looks at all names once. Names change meanwhile: see siblings.
func list(path string) (all []sibling, err error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		err = fmt.Errorf("file: rotated files cannot be looked for: %w", err)
	}
	for _, e := range entries {
		s, ok := parseName(base, e.Name())
		if !ok {
			continue
		}
		s.path = filepath.Join(dir, e.Name())
		var missing error
		if s.info, missing = os.Stat(s.path); missing == nil && s.info.Mode().IsRegular() {
			all = append(all, s)
		}
	}
	if info, missing := os.Stat(path); missing == nil && info.Mode().IsRegular() {
		all = append(all, sibling{path: path, info: info, scheme: live})
	}
	slices.SortFunc(all, sibling.compare)
	return withoutDoubles(all), err
}

// withoutDoubles leaves out compressed files that are there uncompressed as well:
// they are being written.
func withoutDoubles(all []sibling) []sibling {
	plain := map[string]bool{}
	for _, s := range all {
		plain[s.path] = true
	}
	return slices.DeleteFunc(all, func(s sibling) bool {
		uncompressed, gz := strings.CutSuffix(s.path, ".gz")
		return gz && plain[uncompressed]
	})
}
