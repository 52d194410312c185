package service

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// disk is what a folder is on a disk that loses power, worked out from the calls that
// changed it.
//
// It is assumed of the file system that names are journaled in order, as ext4, XFS and
// btrfs do: at the worst those changes of names are lost that came after the last sync
// of any file. The content of a file is safe when that file was synced after it was
// written, and not before the sync has returned.
type disk struct {
	root  string
	fds   map[int64]*opened
	names map[string]*inode // paths of files; the folders are below
	dirs  map[string]bool

	journal names // as the last sync left them
}

type names struct {
	files map[string]*inode
	dirs  map[string]bool
}

// inode is a file as the list of what was done to it.
type inode struct {
	changes []change
	size    int64
	synced  int // so many changes are safe
}

// change writes data at an offset, or cuts the file there.
type change struct {
	at   int64
	data []byte
	cut  bool
}

// opened is a file descriptor.
type opened struct {
	path         string
	file         *inode // nil: a folder
	sync, append bool
	offset       int64
	known        bool // whether offset is
	syncing      map[*call]syncMark
}

// syncMark is what a sync that has begun will have made safe.
type syncMark struct {
	changes int
	names   names
}

func newDisk(root string) *disk {
	d := &disk{root: root, fds: map[int64]*opened{}, names: map[string]*inode{}, dirs: map[string]bool{root: true}}
	d.journal = d.now()
	return d
}

func (d *disk) now() names { return names{maps.Clone(d.names), maps.Clone(d.dirs)} }

// do takes a step of the trace.
func (d *disk) do(s step) error {
	c := s.call
	switch c.name {
	case "close":
		if fd, err := c.number(0); err == nil && !s.end {
			delete(d.fds, fd) // at the beginning: another thread may get the number before the call has returned
		}
		return nil
	case "fsync", "fdatasync":
		return d.sync(s)
	}
	if !s.end || c.ended.ret < 0 {
		return nil
	}
	switch c.name {
	case "openat":
		return d.open(c)
	case "write", "pwrite64":
		return d.write(c)
	case "lseek":
		if o := d.fd(c); o != nil {
			o.offset, o.known = c.ended.ret, true
		}
		return nil
	case "ftruncate":
		return d.truncate(c)
	case "mkdirat", "unlinkat", "renameat":
		return d.rename(c)
	case "mmap":
		if strings.Contains(c.arg(3), "MAP_SHARED") && strings.Contains(c.arg(2), "PROT_WRITE") && d.fdAt(c, 4) != nil {
			return fmt.Errorf("%s is written through memory, which is not seen", d.fdAt(c, 4).path)
		}
		return nil
	case "fcntl":
		if o := d.fd(c); o != nil && strings.Contains(c.arg(1), "F_DUPFD") {
			return fmt.Errorf("%s: the descriptor of %s is copied, which is not followed", c.name, o.path)
		}
		return nil
	}
	return d.unknown(c)
}

// unknown refuses calls that are not followed when they are about our files.
func (d *disk) unknown(c *call) error {
	for i, a := range c.args {
		if strings.Contains(a, d.root+"/") || i < 4 && d.fdAt(c, i) != nil && d.fdAt(c, i).file != nil {
			return fmt.Errorf("%s(%.200s) is not followed", c.name, strings.Join(c.args, ", "))
		}
	}
	return nil
}

func (d *disk) fd(c *call) *opened { return d.fdAt(c, 0) }

func (d *disk) fdAt(c *call, i int) *opened {
	n, err := strconv.ParseInt(c.arg(i), 10, 64)
	if err != nil {
		return nil
	}
	return d.fds[n]
}

// path resolves a path argument behind the folder argument before it; "" when it is
// not below the root.
func (d *disk) path(c *call, dir, i int) (string, error) {
	b, err := c.text(i)
	if err != nil {
		return "", err
	}
	p := string(b)
	if !filepath.IsAbs(p) {
		o := d.fdAt(c, dir)
		if o == nil {
			return "", nil // of the working directory, which is not ours, or of a folder that is not
		}
		p = filepath.Join(o.path, p)
	}
	p = filepath.Clean(p)
	if p != d.root && !strings.HasPrefix(p, d.root+"/") {
		return "", nil
	}
	return p, nil
}

func (d *disk) open(c *call) error {
	delete(d.fds, c.ended.ret)
	p, err := d.path(c, 0, 1)
	if err != nil || p == "" {
		return err
	}
	flags := strings.Split(c.arg(2), "|")
	has := func(f string) bool { return slices.Contains(flags, f) }
	o := &opened{
		path: p, sync: has("O_SYNC") || has("O_DSYNC"), append: has("O_APPEND"),
		known: true, syncing: map[*call]syncMark{},
	}
	d.fds[c.ended.ret] = o
	if d.dirs[p] {
		return nil
	}
	o.file = d.names[p]
	if o.file == nil {
		if !has("O_CREAT") {
			return fmt.Errorf("%s is opened and was never made", p)
		}
		o.file = &inode{}
		d.names[p] = o.file
	}
	if has("O_TRUNC") && o.file.size > 0 {
		o.file.changes = append(o.file.changes, change{at: 0, cut: true})
		o.file.size = 0
	}
	// Where reads leave a descriptor is not followed; writes at it come to empty files.
	o.known = o.file.size == 0
	return nil
}

func (d *disk) write(c *call) error {
	o := d.fd(c)
	if o == nil || o.file == nil {
		return nil // a socket, a pipe
	}
	data, err := c.text(1)
	if err != nil {
		return err
	}
	data = data[:c.ended.ret]
	at := o.offset
	switch {
	case c.name == "pwrite64":
		if at, err = c.number(3); err != nil {
			return err
		}
	case o.append:
		at = o.file.size
	case !o.known:
		return fmt.Errorf("%s is written at a place that is not known", o.path)
	}
	if c.name == "write" {
		o.offset = at + int64(len(data))
	}
	f := o.file
	f.changes = append(f.changes, change{at: at, data: data})
	f.size = max(f.size, at+int64(len(data)))
	if o.sync {
		f.synced = len(f.changes)
		d.journal = d.now()
	}
	return nil
}

func (d *disk) truncate(c *call) error {
	o := d.fd(c)
	if o == nil || o.file == nil {
		return nil
	}
	n, err := c.number(1)
	if err != nil {
		return err
	}
	o.file.changes = append(o.file.changes, change{at: n, cut: true})
	o.file.size = n
	return nil
}

// sync makes safe, at its end, what was there at its beginning.
func (d *disk) sync(s step) error {
	o := d.fd(s.call)
	if o == nil {
		return nil
	}
	if !s.end {
		m := syncMark{names: d.now()}
		if o.file != nil {
			m.changes = len(o.file.changes)
		}
		o.syncing[s.call] = m
		return nil
	}
	m := o.syncing[s.call]
	delete(o.syncing, s.call)
	if s.call.ended.ret < 0 {
		return fmt.Errorf("a sync of %s failed", o.path)
	}
	if o.file != nil {
		o.file.synced = max(o.file.synced, m.changes)
	}
	d.journal = m.names
	return nil
}

// rename changes names.
func (d *disk) rename(c *call) error {
	p, err := d.path(c, 0, 1)
	if err != nil {
		return err
	}
	switch c.name {
	case "mkdirat":
		if p != "" {
			d.dirs[p] = true
		}
		return nil
	case "unlinkat":
		delete(d.names, p)
		delete(d.dirs, p)
		return nil
	}
	to, err := d.path(c, 2, 3)
	if err != nil || p == "" && to == "" {
		return err
	}
	if p == "" || to == "" || d.dirs[p] {
		return fmt.Errorf("%s becomes %s: folders, and files from elsewhere, are not followed", c.arg(1), c.arg(3))
	}
	d.names[to] = d.names[p]
	delete(d.names, p)
	return nil
}

// cutPower says what of that which is not safe is there after the cut.
type cutPower struct {
	names bool // changes of names that came after the last sync
	some  bool // half of the changes of content, any of them, and torn; else none
}

// image writes the folder as it is after a cut of the power now.
func (d *disk) image(to string, how cutPower, rng *rand.Rand) error {
	n := d.journal
	if how.names {
		n = d.now()
	}
	for _, dir := range slices.Sorted(maps.Keys(n.dirs)) {
		if err := os.MkdirAll(filepath.Join(to, strings.TrimPrefix(dir, d.root)), 0o700); err != nil {
			return err
		}
	}
	for _, p := range slices.Sorted(maps.Keys(n.files)) {
		b := n.files[p].content(how, rng)
		if err := os.WriteFile(filepath.Join(to, strings.TrimPrefix(p, d.root)), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// content is what a file holds after the cut.
func (f *inode) content(how cutPower, rng *rand.Rand) (b []byte) {
	for i, c := range f.changes {
		if i >= f.synced {
			if !how.some || rng.IntN(2) == 0 {
				continue
			}
			if len(c.data) > 0 && rng.IntN(4) == 0 {
				c.data = c.data[:rng.IntN(len(c.data))]
			}
		}
		b = c.apply(b)
	}
	return b
}

func (c *change) apply(b []byte) []byte {
	if c.cut {
		if int64(len(b)) > c.at {
			return b[:c.at:c.at]
		}
		return append(b, make([]byte, c.at-int64(len(b)))...)
	}
	if end := c.at + int64(len(c.data)); int64(len(b)) < end {
		b = append(b, make([]byte, end-int64(len(b)))...)
	}
	copy(b[c.at:], c.data)
	return b
}

// player goes along a trace.
type player struct {
	disk  *disk
	steps []step
}

// until takes the steps that had been taken at a time.
func (p *player) until(t time.Time) error {
	for len(p.steps) > 0 {
		s := p.steps[0]
		at := s.call.began
		if s.end {
			at = s.call.ended.at
		}
		if at.After(t) {
			return nil
		}
		if err := p.disk.do(s); err != nil {
			return err
		}
		p.steps = p.steps[1:]
	}
	return nil
}
