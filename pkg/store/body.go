package store

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/durable"
)

// What a row cannot hold is in a file beside the engine: bodies/DAY/NAME.gz, where DAY
// is the partition of the row and NAME a hash of its ID. It has the columns, each the
// lengths and bytes of name and value, after their number, and then the raw bytes.

func (s *Store) bodiesDir() string { return filepath.Join(s.cfg.Dir, "bodies") }

func (s *Store) bodyPath(id string, t time.Time) string {
	sum := sha256.Sum256([]byte(id))
	return filepath.Join(s.bodiesDir(), dayOf(t), hex.EncodeToString(sum[:])+".gz")
}

// keepBody writes what is beside a row, to the disk. That its name is there too is left
// to the barrier.
func (s *Store) keepBody(r *Row, b *body) error {
	path := s.bodyPath(r.ID, r.Time)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("store: keep a body: %w", err)
	}
	packed, err := b.marshal()
	if err == nil {
		err = durable.Replace(path, packed)
	}
	if err != nil {
		return fmt.Errorf("store: keep a body: %w", err)
	}
	s.dirtyBodies[filepath.Dir(path)] = true
	s.counts.beside.Add(1)
	return nil
}

// syncBodies writes down the names of bodies. What is in them has been.
func (s *Store) syncBodies() error {
	if len(s.dirtyBodies) == 0 {
		return nil
	}
	for dir := range s.dirtyBodies {
		if err := durable.SyncFolder(dir); err != nil {
			return fmt.Errorf("store: write down bodies: %w", err)
		}
	}
	for _, dir := range []string{s.bodiesDir(), s.cfg.Dir} {
		if err := durable.SyncFolder(dir); err != nil {
			return fmt.Errorf("store: write down bodies: %w", err)
		}
	}
	clear(s.dirtyBodies)
	return nil
}

func (b *body) marshal() ([]byte, error) {
	head := binary.AppendUvarint(nil, uint64(len(b.columns)))
	for _, c := range b.columns {
		head = append(binary.AppendUvarint(head, uint64(len(c.Name))), c.Name...)
		head = append(binary.AppendUvarint(head, uint64(len(c.Value))), c.Value...)
	}
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(head)
	if err == nil {
		_, err = z.Write(b.raw)
	}
	if closeErr := z.Close(); err == nil {
		err = closeErr
	}
	return out.Bytes(), err
}

var errBody = errors.New("it is cut short")

// readBody reads what is beside a row.
func readBody(path string) (*body, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was read
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	return unmarshalBody(content)
}

func unmarshalBody(content []byte) (*body, error) {
	n, size := binary.Uvarint(content)
	if size <= 0 || n > uint64(len(content)) {
		return nil, errBody
	}
	content = content[size:]
	b := &body{columns: make([]Column, n)}
	var err error
	for i := range b.columns {
		if b.columns[i].Name, content, err = cutText(content); err != nil {
			return nil, err
		}
		if b.columns[i].Value, content, err = cutText(content); err != nil {
			return nil, err
		}
	}
	b.raw = content
	return b, nil
}

func cutText(content []byte) (string, []byte, error) {
	n, size := binary.Uvarint(content)
	if size <= 0 || n > uint64(len(content)-size) {
		return "", nil, errBody
	}
	end := size + int(n)
	return string(content[size:end]), content[end:], nil
}

// fill puts what is beside a row into it.
func (s *Store) fill(r *Row, o *Scan, beside, cut bool) {
	if (!beside || o.NoRaw) && !cut {
		return
	}
	b, err := readBody(s.bodyPath(r.ID, r.Time))
	if err != nil {
		s.counts.lost.Add(1)
		s.log.Error("store: what is kept beside a row cannot be read", "id", r.ID, "error", err)
		r.Lost = true
		return
	}
	if beside && !o.NoRaw {
		r.Raw = b.raw
	}
	for _, c := range b.columns {
		if o.Columns == nil || slices.Contains(o.Columns, c.Name) {
			r.Columns = append(r.Columns, c)
		}
	}
}

// sweepBodies removes the bodies of days that the engine has removed. No rows may be
// written meanwhile.
func (s *Store) sweepBodies() error {
	days, err := os.ReadDir(s.bodiesDir())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("store: remove bodies: %w", err)
	}
	kept := s.engine.PartitionList()
	for _, d := range days {
		if slices.Contains(kept, d.Name()) {
			continue
		}
		delete(s.dirtyBodies, filepath.Join(s.bodiesDir(), d.Name()))
		if err := os.RemoveAll(filepath.Join(s.bodiesDir(), d.Name())); err != nil {
			return fmt.Errorf("store: remove bodies: %w", err)
		}
	}
	return nil
}
