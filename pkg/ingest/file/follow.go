package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// find opens the file to begin with.
func (t *Tail) find() (progress bool, err error) {
	all, unlisted := siblings(t.cfg.Path)
	if len(all) == 0 && unlisted != nil {
		return false, unlisted
	}
	if t.stored == nil {
		return t.first(all)
	}
	src, err := t.locate(*t.stored, all)
	if err != nil {
		return false, err
	}
	if src != nil {
		t.adopt(src, t.stored.Skip)
		return true, unlisted
	}
	next := slices.IndexFunc(all, func(s sibling) bool {
		written := s.info.ModTime()
		return s.scheme == live || written.After(t.stored.Modified) || !t.stored.Nothing && written.Equal(t.stored.Modified)
	})
	if next < 0 {
		return false, unlisted
	}
	gaps := int64(1)
	if t.stored.unknown() && t.stored.Offset == 0 {
		gaps = 0 // there was nothing in it, so it is among those that were written since
	}
	if err := t.begin(all[next]); err != nil {
		return false, err
	}
	t.count(func(s *Status) { s.Gaps += gaps })
	return true, unlisted
}

// first opens the file when there is no position: at its end, or at its first line. A
// position is stored at once, even before there is a file, so that nothing is missed
// from here on.
func (t *Tail) first(all []sibling) (progress bool, err error) {
	if len(all) == 0 || all[len(all)-1].scheme != live {
		p := position{Version: positionVersion, Path: t.cfg.Path, Nothing: true, Head: spanOf(nil), Last: spanOf(nil)}
		for _, s := range all {
			if s.info.ModTime().After(p.Modified) {
				p.Modified = s.info.ModTime()
			}
		}
		t.stored, t.unsaved = &p, true
		return false, nil
	}
	if t.cfg.FromStart {
		return true, t.begin(all[len(all)-1])
	}
	src, err := all[len(all)-1].open(filepath.Dir(t.cfg.Position))
	if err != nil {
		return false, err
	}
	end, skip, err := endOfLines(src.f, int64(t.cfg.MaxLine))
	if err == nil {
		err = src.seek(end)
	}
	if err != nil {
		src.close()
		return false, err
	}
	t.adopt(src, skip)
	return true, nil
}

// endOfLines returns the end of the last complete line of a file. When that is farther
// from the end of the file than a line may be long, it returns the end of the file,
// which is then in the middle of a line.
func endOfLines(f *os.File, maxLine int64) (end int64, inside bool, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, false, fmt.Errorf("file: %w", err)
	}
	block := make([]byte, 64<<10)
	for end = info.Size(); end > 0; {
		from := max(0, end-int64(len(block)))
		n, err := f.ReadAt(block[:end-from], from)
		if err != nil && err != io.EOF {
			return 0, false, fmt.Errorf("file: %w", err)
		}
		if i := lastEnd(block[:n]); i >= 0 {
			return from + int64(i) + 1, false, nil
		}
		if end = from; info.Size()-end > maxLine {
			return info.Size(), true, nil
		}
	}
	return 0, false, nil
}

// begin goes on with a file from its first byte.
func (t *Tail) begin(s sibling) error {
	src, err := s.open(filepath.Dir(t.cfg.Position))
	if err != nil {
		return err
	}
	if err := src.begin(); err != nil {
		src.close()
		return err
	}
	t.adopt(src, false)
	return nil
}

// adopt makes an open file the one that is read, from where it stands.
func (t *Tail) adopt(src *source, skip bool) {
	t.close()
	t.src, t.stored, t.over, t.lost, t.away = src, nil, false, false, time.Time{}
	t.buf, t.offset, t.last, t.skip = t.buf[:0], src.pos, src.recent, skip
	t.save()
}

// locate opens the file that a position is in, at the position; nil when there is
// none. Of a file and its copies the file itself is it.
func (t *Tail) locate(p position, all []sibling) (*source, error) {
	all = slices.Clone(all)
	slices.Reverse(all) // the newest is the likeliest
	slices.SortStableFunc(all, func(a, b sibling) int {
		switch {
		case p.names(a) == p.names(b):
			return 0
		case p.names(a):
			return -1
		}
		return 1
	})
	for _, s := range all {
		if src, err := t.at(p, s); src != nil || err != nil {
			return src, err
		}
	}
	return nil, nil
}

// names reports whether a sibling has the inode of the position.
func (p position) names(s sibling) bool {
	device, inode := inodeOf(s.info)
	return device == p.Device && inode == p.Inode
}

// at opens a sibling at a position; nil when it is another file.
func (t *Tail) at(p position, s sibling) (*source, error) {
	if p.unknown() {
		return nil, nil
	}
	if ok, err := s.begins(p.Head); !ok {
		return nil, err
	}
	src, err := s.open(filepath.Dir(t.cfg.Position))
	if err != nil {
		return nil, err
	}
	ok, err := p.in(src.f)
	if ok {
		err = src.seek(p.Offset)
	}
	if ok && err == nil && spanOf(src.recent[len(src.recent)-p.Last.Length:]) != p.Last {
		err = errMoved // cut off just now
	}
	if !ok || err != nil {
		src.close()
		return nil, err
	}
	return src, nil
}

// cutOff goes on with the copy of a file that is not what it was, or, without one,
// with what was written since.
func (t *Tail) cutOff() error {
	all, unlisted := siblings(t.cfg.Path)
	if len(all) == 0 && unlisted != nil {
		return unlisted
	}
	src, err := t.locate(t.src.position(t.src.pos, t.src.recent, false), all)
	if err != nil {
		return err
	}
	t.count(func(s *Status) { s.Cutoffs++ })
	if src == nil {
		t.over, t.lost = true, true
		t.count(func(s *Status) { s.Gaps++ })
		return nil
	}
	t.src.close()
	t.src, t.unsaved = src, true // what was read and not taken stays
	return nil
}

// look is asked at the end of a file whether anything comes after it. The last file
// before the followed one is not left before that has content and a while has passed:
// a writer notices late that its file was renamed.
func (t *Tail) look() (progress bool, err error) {
	info, err := os.Stat(t.cfg.Path)
	switch {
	case err == nil && os.SameFile(info, t.src.info):
		t.away = time.Time{}
		return false, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("file: %w", err)
	}
	now := t.cfg.Now()
	if t.away.IsZero() {
		// What was written before it was renamed may have come after the last read.
		t.away = now
		return true, nil
	}
	later, err := t.later()
	if err != nil || len(later) == 0 {
		return false, err
	}
	if later[0].scheme == live {
		left := t.away
		if t.src.grown.After(left) {
			left = t.src.grown
		}
		if later[0].info.Size() == 0 || now.Sub(left) < t.cfg.Linger {
			return false, nil
		}
	}
	t.over = true
	return true, nil
}

// turn goes on with the next file.
func (t *Tail) turn() (progress bool, err error) {
	later, err := t.later()
	if err != nil || len(later) == 0 {
		return false, err
	}
	lost := t.lost
	if err := t.begin(later[0]); err != nil {
		return false, err
	}
	if !lost {
		t.count(func(s *Status) { s.Rotations++ })
	}
	return true, nil
}

// later returns the files that were begun after the one that is read, in order. A
// folder that cannot be read leaves the followed name.
func (t *Tail) later() ([]sibling, error) {
	all, unlisted := siblings(t.cfg.Path)
	if len(all) == 0 {
		return nil, unlisted
	}
	self, err := t.self(all)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(s sibling) bool {
		if self >= 0 {
			return !s.after(all[self])
		}
		return s.scheme != live && s.info.ModTime().Before(t.src.written)
	}), nil
}

// self returns which of the files is the one that is read: the same, or what it was
// compressed to. -1: none of them.
func (t *Tail) self(all []sibling) (int, error) {
	if t.lost {
		return -1, nil
	}
	if i := slices.IndexFunc(all, func(s sibling) bool { return os.SameFile(s.info, t.src.info) }); i >= 0 {
		return i, nil
	}
	head := spanOf(t.src.telling())
	for i := len(all) - 1; i >= 0 && head.Length > 0; i-- {
		ok, err := all[i].begins(head)
		if err != nil || ok {
			return i, err
		}
	}
	return -1, nil
}

// measure puts into the status where the tail is and what lies before it.
func (t *Tail) measure() {
	if t.src == nil {
		return
	}
	lag := -t.offset
	if info, err := t.src.f.Stat(); err == nil {
		lag += info.Size()
	}
	if info, err := os.Stat(t.cfg.Path); err != nil || !os.SameFile(info, t.src.info) {
		later, _ := t.later() // what it says goes wrong is said when it is needed
		for _, s := range later {
			lag += s.info.Size()
		}
	}
	t.count(func(s *Status) { s.Reading, s.Offset, s.Lag = t.src.path, t.offset, max(0, lag) })
}
