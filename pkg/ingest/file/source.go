package file

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// errMoved says that a name leads to another file than it did a moment ago.
var errMoved = errors.New("file: it was renamed while it was being opened")

// source is an open file and the bytes that it is known by.
type source struct {
	f       *os.File // what is read: the file, or what it decompresses to
	path    string   // what it was opened as
	info    fs.FileInfo
	gz      bool
	head    []byte    // its first bytes, as far as they were there
	recent  []byte    // the last ones before pos
	pos     int64     // read up to here
	written time.Time // when it was last written to, as of the last read
	grown   time.Time // when there was something to read last; zero: never
}

// open opens a sibling. What is compressed is decompressed into a file without a name
// in dir, since a position in it has to be found first.
func (s sibling) open(dir string) (*source, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(info, s.info) {
		err = errMoved
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	src := &source{f: f, path: s.path, info: info, gz: s.gz}
	if s.gz {
		src.f, err = decompress(f, dir)
		_ = f.Close() // was only read
		if err != nil {
			return nil, fmt.Errorf("file: decompress %s: %w", s.path, err)
		}
	}
	return src, nil
}

// decompress returns the content of a compressed file as a file of its own, which is
// gone when it is closed.
func decompress(r io.Reader, dir string) (*os.File, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "rotated-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // where an open file cannot be removed, close does
	if _, err := io.Copy(f, z); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// begins reports whether a sibling's content begins with the bytes of a span.
func (s sibling) begins(with span) (bool, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return false, fmt.Errorf("file: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	if s.gz {
		if r, err = gzip.NewReader(f); err != nil {
			return false, nil // nothing that could be read
		}
	}
	head := make([]byte, with.Length)
	if _, err := io.ReadFull(r, head); err != nil {
		return false, nil // too short, or torn: another file
	}
	return spanOf(head) == with, nil
}

func (s *source) close() {
	_ = s.f.Close() // was only read
	if s.gz {
		_ = os.Remove(s.f.Name())
	}
}

// begin puts the source at its first byte.
func (s *source) begin() error {
	head := make([]byte, spanSize)
	n, err := s.f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return fmt.Errorf("file: %w", err)
	}
	s.head, s.recent, s.pos = bytes.TrimRight(head[:n], "\x00"), nil, 0
	s.written = s.modified()
	return nil
}

// seek puts the source behind n bytes.
func (s *source) seek(n int64) error {
	if err := s.begin(); err != nil {
		return err
	}
	recent := make([]byte, min(n, spanSize))
	if got, err := s.f.ReadAt(recent, n-int64(len(recent))); got < len(recent) {
		return fmt.Errorf("file: %s became shorter while its end was being looked for: %w", s.path, err)
	}
	s.recent, s.pos = recent, n
	return nil
}

// read returns what stands behind the position, into chunk, and moves it. Nothing
// means the end. cut tells that the file is not the one it was before: what was read
// is not to be believed, and the position stays.
//
// The check comes after the reading: what is still there then was there before.
func (s *source) read(chunk []byte) (got []byte, cut bool, err error) {
	written := s.modified()
	n, err := s.f.ReadAt(chunk, s.pos)
	if err != nil && err != io.EOF {
		return nil, false, fmt.Errorf("file: %w", err)
	}
	got = chunk[:n]
	if n < len(chunk) {
		// At the end of a file, zeros may be bytes that have not arrived yet.
		got = bytes.TrimRight(got, "\x00")
	}
	same, err := s.unchanged()
	if err != nil || !same {
		return nil, err == nil, err
	}
	if from := int64(len(s.head)) - s.pos; from >= 0 && from < int64(len(got)) && len(s.head) < spanSize {
		s.head = append(s.head, got[from:min(len(got), int(from)+spanSize-len(s.head))]...)
	}
	s.written = written
	s.recent = lastBytes(s.recent, got)
	s.pos += int64(len(got))
	return got, false, nil
}

// unchanged reports whether the bytes that the source is known by are still there.
func (s *source) unchanged() (bool, error) {
	for _, known := range []struct {
		at    int64
		bytes []byte
	}{{0, s.head}, {s.pos - int64(len(s.recent)), s.recent}} {
		now := make([]byte, len(known.bytes))
		n, err := s.f.ReadAt(now, known.at)
		if err != nil && err != io.EOF {
			return false, fmt.Errorf("file: %w", err)
		}
		if !bytes.Equal(now[:n], known.bytes) {
			return false, nil
		}
	}
	return true, nil
}

// position returns the place at an offset, behind the bytes in last.
func (s *source) position(offset int64, last []byte, skip bool) position {
	device, inode := inodeOf(s.info)
	return position{
		Version: positionVersion, Path: s.path, Device: device, Inode: inode, Modified: s.written,
		Offset: offset, Skip: skip, Head: spanOf(s.telling()), Last: spanOf(last),
	}
}

// telling returns the first bytes of the file when it can be told by them from others.
// All lines of an audit log begin alike, so it takes a line, or a good part of one.
func (s *source) telling() []byte {
	if firstEnd(s.head) < 0 && len(s.head) < spanSize/2 {
		return nil
	}
	return s.head
}

// modified returns when the file was last written to.
func (s *source) modified() time.Time {
	if !s.gz {
		if info, err := s.f.Stat(); err == nil {
			return info.ModTime()
		}
	}
	return s.info.ModTime()
}

// lastBytes returns the last bytes of two pieces, as many as a file is known by.
func lastBytes(before, more []byte) []byte {
	if len(more) >= spanSize {
		return bytes.Clone(more[len(more)-spanSize:])
	}
	keep := min(len(before), spanSize-len(more))
	return append(bytes.Clone(before[len(before)-keep:]), more...)
}
