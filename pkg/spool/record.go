package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Record is what one Append stores: the events of one body, or one event, with
// what was found in them. The log looks at Cluster, for quotas, and at nothing
// else. Empty and nil byte slices are the same; a decoded record has nil.
type Record struct {
	Kind     string       // what made it, such as "webhook"; opaque
	Cluster  string       // the cluster it is accounted to
	Received time.Time    // when it came in, to the nanosecond; UTC when decoded
	Ruleset  []byte       // digest of the rules that judged it; opaque
	Extra    []byte       // whatever else belongs to all of its events, such as labels; opaque
	Events   []Item       // in the order they came
	Dead     []DeadLetter // what came with them and is no event
}

// Item is one event of a record.
type Item struct {
	Flags      uint64 // bits of the writer; opaque
	Raw        []byte // the event
	Detections []byte // what the rules found; opaque
	Notes      []byte // what was done to it, such as the paths redacted; opaque
}

// DeadLetter is something that came in and could not be taken for an event.
type DeadLetter struct {
	Reason string // why, in words
	Raw    []byte // its bytes, or the first of them
	Size   uint64 // its length in bytes before Raw was cut
	Digest []byte // digest of all its bytes; opaque
}

// errMalformed is what every refusal of a decoder is, under its position.
var errMalformed = errors.New("malformed")

// appendRecord appends the encoding of a record, without its length.
func appendRecord(b []byte, r *Record) []byte {
	b = appendBytes(b, r.Kind)
	b = appendBytes(b, r.Cluster)
	b = binary.AppendVarint(b, r.Received.Unix())
	b = binary.AppendUvarint(b, uint64(r.Received.Nanosecond()))
	b = appendBytes(b, r.Ruleset)
	b = appendBytes(b, r.Extra)
	b = binary.AppendUvarint(b, uint64(len(r.Events)))
	for i := range r.Events {
		e := &r.Events[i]
		b = binary.AppendUvarint(b, e.Flags)
		b = appendBytes(b, e.Raw)
		b = appendBytes(b, e.Detections)
		b = appendBytes(b, e.Notes)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Dead)))
	for i := range r.Dead {
		d := &r.Dead[i]
		b = appendBytes(b, d.Reason)
		b = appendBytes(b, d.Raw)
		b = binary.AppendUvarint(b, d.Size)
		b = appendBytes(b, d.Digest)
	}
	return b
}

func appendBytes[T string | []byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// sizeHint returns about how many bytes the encoding of a record takes, never less.
func sizeHint(r *Record) int {
	const fixed = 6 * binary.MaxVarintLen64
	n := fixed + 2*binary.MaxVarintLen64 + len(r.Kind) + len(r.Cluster) + len(r.Ruleset) + len(r.Extra)
	for i := range r.Events {
		n += 4*binary.MaxVarintLen64 + len(r.Events[i].Raw) + len(r.Events[i].Detections) + len(r.Events[i].Notes)
	}
	for i := range r.Dead {
		n += 4*binary.MaxVarintLen64 + len(r.Dead[i].Reason) + len(r.Dead[i].Raw) + len(r.Dead[i].Digest)
	}
	return n
}

// decodeRecord reads a record that takes all of b. The record's slices alias b.
func decodeRecord(b []byte) (Record, error) {
	d := decoder{b: b}
	r := Record{Kind: string(d.bytes()), Cluster: string(d.bytes()), Received: d.time(), Ruleset: d.bytes(), Extra: d.bytes()}
	if n := d.count(4); n > 0 {
		r.Events = make([]Item, 0, n)
		for range n {
			r.Events = append(r.Events, Item{Flags: d.uvarint(), Raw: d.bytes(), Detections: d.bytes(), Notes: d.bytes()})
		}
	}
	if n := d.count(4); n > 0 {
		r.Dead = make([]DeadLetter, 0, n)
		for range n {
			r.Dead = append(r.Dead, DeadLetter{Reason: string(d.bytes()), Raw: d.bytes(), Size: d.uvarint(), Digest: d.bytes()})
		}
	}
	if err := d.end(); err != nil {
		return Record{}, fmt.Errorf("record: %w", err)
	}
	return r, nil
}

// decoder reads varints and bytes off a slice. After the first error, which it
// keeps, it returns zero values.
type decoder struct {
	b   []byte
	off int
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w at byte %d: %s", errMalformed, d.off, what)
	}
}

func (d *decoder) rest() int { return len(d.b) - d.off }

func (d *decoder) uvarint() uint64 {
	if d.err != nil {
		return 0
	}
	v, n := binary.Uvarint(d.b[d.off:])
	if n <= 0 {
		d.fail("no varint")
		return 0
	}
	if n > 1 && d.b[d.off+n-1] == 0 {
		d.fail("a varint longer than its number needs")
		return 0
	}
	d.off += n
	return v
}

func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if d.err != nil {
		return nil
	}
	if n > uint64(d.rest()) {
		d.fail(fmt.Sprintf("%d bytes announced, %d left", n, d.rest()))
		return nil
	}
	if n == 0 {
		return nil
	}
	b := d.b[d.off : d.off+int(n) : d.off+int(n)]
	d.off += int(n)
	return b
}

// count reads how many things of at least size bytes follow.
func (d *decoder) count(size int) int {
	n := d.uvarint()
	if n > uint64(d.rest()/size) {
		d.fail(fmt.Sprintf("%d things announced, %d bytes left", n, d.rest()))
		return 0
	}
	return int(n)
}

func (d *decoder) time() time.Time {
	u, ns := d.uvarint(), d.uvarint()
	if ns >= uint64(time.Second) {
		d.fail("a second's worth of nanoseconds")
		return time.Time{}
	}
	t := time.Unix(int64(u>>1)^-int64(u&1), int64(ns)).UTC()
	return t
}

// end returns the first error, or that something is left over.
func (d *decoder) end() error {
	if d.err == nil && d.rest() != 0 {
		d.fail(fmt.Sprintf("%d bytes left over", d.rest()))
	}
	return d.err
}
