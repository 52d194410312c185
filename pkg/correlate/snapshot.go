package correlate

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
)

// A snapshot is what a stream knows, written down:
//
//	8 bytes   "kwcorr", version 1, 0
//	...       sections: name, length, content; numbers are varints
//	4 bytes   CRC-32C of all before it
//
// The state of a rule is a section of its own, by the digest of what the rule says: a
// rule that has changed begins anew, the others go on.
var snapshotMagic = [8]byte{'k', 'w', 'c', 'o', 'r', 'r', 1, 0}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Save writes a snapshot, with something of the caller's own in it.
func (s *Stream) Save(w io.Writer, extra []byte) error {
	sum := crc32.New(castagnoli)
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10)
	if _, err := out.Write(snapshotMagic[:]); err != nil {
		return err
	}
	for _, sec := range append(s.sections(), section{name: extraSection, transfer: func(x *codec) { x.bytes(&extra) }}) {
		var content bytes.Buffer
		x := &codec{w: bufio.NewWriter(&content)}
		sec.transfer(x)
		if x.err == nil {
			x.err = x.w.Flush()
		}
		if x.err != nil {
			return x.err
		}
		head := &codec{w: out}
		name, body := sec.name, content.Bytes()
		head.text(&name)
		n := int64(len(body))
		head.int(&n)
		if head.err != nil {
			return head.err
		}
		if _, err := out.Write(body); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return binary.Write(w, binary.LittleEndian, sum.Sum32())
}

// ErrSnapshot is why a snapshot cannot be read; what it held is lost.
var ErrSnapshot = errSnapshot

const extraSection = "extra"

// Restore reads a snapshot into a new stream. It gives the caller's own, and the names
// of the rules whose state it did not hold: they begin anew. With an error the stream
// is not to be used.
func (s *Stream) Restore(data []byte) (extra []byte, anew []string, err error) {
	if len(data) < len(snapshotMagic)+4 || !bytes.Equal(data[:len(snapshotMagic)], snapshotMagic[:]) {
		return nil, nil, fmt.Errorf("%w: it is none of this version", errSnapshot)
	}
	end := len(data) - 4
	if crc32.Checksum(data[:end], castagnoli) != binary.LittleEndian.Uint32(data[end:]) {
		return nil, nil, fmt.Errorf("%w: its checksum is wrong", errSnapshot)
	}
	found, err := readSections(data[len(snapshotMagic):end])
	if err != nil {
		return nil, nil, err
	}
	for _, sec := range append(s.sections(), section{name: extraSection, transfer: func(x *codec) { x.bytes(&extra) }}) {
		body, ok := found[sec.name]
		if !ok {
			if sec.rule != nil {
				anew = append(anew, sec.rule.spec.Name)
				s.beginLate(sec.n)
			}
			continue
		}
		x := &codec{r: bufio.NewReader(bytes.NewReader(body))}
		sec.transfer(x)
		if _, more := x.r.Peek(1); x.err == nil && more == nil {
			x.err = errSnapshot
		}
		if x.err != nil {
			return nil, nil, fmt.Errorf("%s: %w", sec.name, x.err)
		}
	}
	return extra, anew, nil
}

func readSections(data []byte) (map[string][]byte, error) {
	found := map[string][]byte{}
	r := bytes.NewReader(data)
	in := bufio.NewReader(r)
	for {
		if _, err := in.Peek(1); errors.Is(err, io.EOF) {
			return found, nil
		}
		x := &codec{r: in}
		var name string
		var body []byte
		x.text(&name)
		x.bytesUpTo(&body, int64(len(data)))
		if x.err != nil {
			return nil, x.err
		}
		found[name] = body
	}
}

// bytesUpTo is bytes for what may be long.
func (x *codec) bytesUpTo(v *[]byte, most int64) {
	var n int64
	x.int(&n)
	if x.err != nil {
		return
	}
	if n < 0 || n > most {
		x.fail(errSnapshot)
		return
	}
	*v = make([]byte, n)
	_, err := io.ReadFull(x.r, *v)
	x.fail(err)
}

// section is a part of a snapshot.
type section struct {
	name     string
	rule     *rule
	n        int
	transfer func(*codec)
}

func (s *Stream) sections() []section {
	all := []section{{name: "clusters", transfer: s.transferClusters}}
	if s.pods != nil {
		all = append(all, section{name: "pods", transfer: s.pods.transfer})
	}
	if s.finished != nil {
		all = append(all, section{name: "finished", transfer: func(x *codec) { s.finished.transfer(x, s) }})
	}
	for i, st := range s.states {
		r := s.rules.rules[i]
		if r.state == nil {
			continue
		}
		all = append(all, section{name: fmt.Sprintf("rule %x", r.digest[:sha256.Size/2]), rule: r, n: i, transfer: func(x *codec) { st.transfer(x, s) }})
	}
	return all
}

func (s *Stream) transferClusters(x *codec) {
	list := slices.SortedFunc(maps.Values(s.clusters), func(a, b *clock) int { return cmp.Compare(a.name, b.name) })
	each(x, &list, func(k **clock) {
		if x.reads() {
			*k = &clock{}
		}
		x.text(&(*k).name)
		x.int(&(*k).first)
		x.int(&(*k).max)
		x.int(&(*k).told)
	})
	for _, k := range list {
		s.clusters[k.name] = k
	}
}

// beginLate tells a rule that clusters were there before it.
func (s *Stream) beginLate(n int) {
	if t, ok := s.states[n].(*terms); ok {
		for _, k := range s.clusters {
			t.since[k.name] = k.max
		}
	}
}
