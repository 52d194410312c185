package correlate

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/kubewitness/kubewitness/pkg/audit"
)

// codec writes values or reads them back: one function for both, so that they cannot
// part. After an error nothing happens any more.
type codec struct {
	w   *bufio.Writer // nil: it reads
	r   *bufio.Reader
	err error
}

func (x *codec) reads() bool { return x.w == nil }

var errSnapshot = errors.New("the snapshot is damaged")

func (x *codec) fail(err error) {
	if x.err == nil && err != nil {
		if x.reads() && (err == io.EOF || err == io.ErrUnexpectedEOF) {
			err = errSnapshot
		}
		x.err = err
	}
}

func (x *codec) int(v *int64) {
	if x.err != nil {
		return
	}
	if !x.reads() {
		var b [binary.MaxVarintLen64]byte
		_, err := x.w.Write(b[:binary.PutVarint(b[:], *v)])
		x.fail(err)
		return
	}
	n, err := binary.ReadVarint(x.r)
	x.fail(err)
	*v = n
}

func (x *codec) uint(v *uint64) {
	n := int64(*v)
	x.int(&n)
	*v = uint64(n)
}

func (x *codec) short(v *int32) {
	n := int64(*v)
	x.int(&n)
	*v = int32(n)
}

func (x *codec) bool(v *bool) {
	n := int64(0)
	if *v {
		n = 1
	}
	x.int(&n)
	*v = n == 1
}

// longestPart bounds what a damaged length can make this allocate.
const longestPart = 64 << 20

func (x *codec) bytes(v *[]byte) {
	n := int64(len(*v))
	x.int(&n)
	if x.err != nil {
		return
	}
	if !x.reads() {
		_, err := x.w.Write(*v)
		x.fail(err)
		return
	}
	if n < 0 || n > longestPart {
		x.fail(errSnapshot)
		return
	}
	b := make([]byte, n)
	_, err := io.ReadFull(x.r, b)
	x.fail(err)
	*v = b
}

func (x *codec) text(v *string) {
	b := []byte(*v)
	x.bytes(&b)
	*v = string(b)
}

// fixed is a number of bytes that is known.
func (x *codec) fixed(v []byte) {
	if x.err != nil {
		return
	}
	var err error
	if x.reads() {
		_, err = io.ReadFull(x.r, v)
	} else {
		_, err = x.w.Write(v)
	}
	x.fail(err)
}

// each transfers a list, one element after the other.
func each[T any](x *codec, list *[]T, one func(*T)) {
	n := int64(len(*list))
	x.int(&n)
	if !x.reads() {
		for i := range *list {
			one(&(*list)[i])
		}
		return
	}
	*list = nil
	for ; n > 0 && x.err == nil; n-- {
		var v T
		one(&v)
		*list = append(*list, v)
	}
}

// kept transfers an event.
func (x *codec) kept(v **kept) {
	there := *v != nil
	x.bool(&there)
	if !there || x.err != nil {
		*v = nil
		return
	}
	if x.reads() {
		*v = &kept{event: &audit.Event{}}
	}
	k := *v
	x.fixed(k.id[:])
	x.uint(&k.num)
	x.bytes(&k.event.Raw)
	x.text(&k.event.Cluster)
	x.text(&k.event.Input)
	if x.reads() && x.err == nil {
		e, err := readEvent(k.event.Raw)
		if err != nil {
			x.fail(fmt.Errorf("%w: event: %w", errSnapshot, err))
			return
		}
		e.Cluster, e.Input = k.event.Cluster, k.event.Input
		k.event = e
	}
}

// readEvent reads an event that was read before. Events of a list say no kind, so it is
// put into one again.
func readEvent(raw []byte) (*audit.Event, error) {
	const before, behind = `{"kind":"EventList","items":[`, `]}`
	data := append(append(append(make([]byte, 0, len(before)+len(raw)+len(behind)), before...), raw...), behind...)
	var b audit.Batch
	b.Decode(data, audit.Position{Line: 1, Offset: -int64(len(before))}, audit.Limits{MaxEvent: int64(len(raw)) + 1})
	switch {
	case len(b.Rejections) > 0:
		return nil, b.Rejections[0]
	case len(b.Events) != 1:
		return nil, fmt.Errorf("%d events in the place of one", len(b.Events))
	}
	e := b.Events[0].Clone()
	e.Line, e.Offset = 1, 0
	return e, nil
}

// entries transfers a table, what was touched longest ago first; size gives what an
// entry's value takes.
func entries[V any](x *codec, t *table[V], one func(*entry[V]), size func(*V) int64) {
	n := int64(len(t.byKey))
	x.int(&n)
	if !x.reads() {
		for e := t.oldest; e != nil; e = e.newer {
			x.text(&e.key)
			one(e)
		}
		return
	}
	for ; n > 0 && x.err == nil; n-- {
		var key string
		x.text(&key)
		if x.err != nil {
			return
		}
		e := t.touch(key)
		one(e)
		t.resize(e, size(&e.value))
	}
}

// cluster transfers which cluster's clock it is.
func (x *codec) cluster(s *Stream, k **clock) {
	var name string
	if *k != nil {
		name = (*k).name
	}
	x.text(&name)
	if x.reads() && x.err == nil {
		if *k = s.clusters[name]; *k == nil {
			x.fail(errSnapshot)
		}
	}
}

func (x *codec) times(v *[]int64) { each(x, v, x.int) }
