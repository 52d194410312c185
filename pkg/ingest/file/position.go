package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/kubewitness/kubewitness/pkg/durable"
)

// spanSize is how many bytes at the begin of a file, and before the position, it is
// known by. Lines of an audit log differ within far less.
const spanSize = 1024

// positionVersion is the version of the position's file.
const positionVersion = 1

// position is a place in a file that can be found again, whatever the file is called
// by then.
type position struct {
	Version  int       `json:"version"`
	Path     string    `json:"path"`    // what it was read as; for people
	Nothing  bool      `json:"nothing"` // there was no file; Modified is that of the newest rotated one
	Device   uint64    `json:"device"`
	Inode    uint64    `json:"inode"`
	Modified time.Time `json:"modified"` // the file, when it was last looked at
	Offset   int64     `json:"offset"`
	Skip     bool      `json:"skip"` // in the middle of a line that was cut
	Head     span      `json:"head"` // the file's first bytes
	Last     span      `json:"last"` // those before Offset
}

// span is some bytes of a file, by their digest.
type span struct {
	Length int    `json:"length"`
	Digest string `json:"digest"` // SHA-256, hex
}

func spanOf(b []byte) span {
	sum := sha256.Sum256(b)
	return span{len(b), hex.EncodeToString(sum[:])}
}

// unknown reports whether there was too little in the file to tell it from others.
// Its inode would not do: file systems give numbers again at once.
func (p position) unknown() bool { return p.Head.Length == 0 }

// in reports whether r is the file of the position, or a copy of it.
func (p position) in(r io.ReaderAt) (bool, error) {
	ok, err := p.Head.at(r, 0)
	if ok {
		ok, err = p.Last.at(r, p.Offset-int64(p.Last.Length))
	}
	return ok, err
}

// at reports whether the bytes of the span are at an offset.
func (s span) at(r io.ReaderAt, offset int64) (bool, error) {
	b := make([]byte, s.Length)
	if n, err := r.ReadAt(b, offset); n < len(b) {
		if err == io.EOF {
			err = nil
		}
		return false, err
	}
	return spanOf(b) == s, nil
}

// parsePosition reads what save wrote.
func parsePosition(text []byte) (position, error) {
	var p position
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return p, err
	}
	if p.Version != positionVersion {
		return p, fmt.Errorf("it has version %d, this program knows version %d", p.Version, positionVersion)
	}
	for _, s := range []span{p.Head, p.Last} {
		if s.Length < 0 || s.Length > spanSize || len(s.Digest) != 2*sha256.Size {
			return p, errors.New("a digest in it is not one")
		}
	}
	if p.Offset < int64(p.Last.Length) {
		return p, errors.New("its offset is wrong")
	}
	return p, nil
}

// loadPosition returns the stored position, or nil if there is none.
func loadPosition(path string) (*position, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("file: the stored position: %w", err)
	}
	p, err := parsePosition(text)
	if err != nil {
		return nil, fmt.Errorf("file: the stored position %s cannot be understood; remove it to follow the log from its end, or from its first line: %w", path, err)
	}
	return &p, nil
}

// save puts the position on disk, as a whole or not at all.
func (p position) save(path string) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("file: store the position: %w", err)
	}
	if err := durable.Write(path, append(text, '\n')); err != nil {
		return fmt.Errorf("file: store the position: %w", err)
	}
	return nil
}
