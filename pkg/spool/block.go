package spool

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/s2"
)

// Codecs of a block.
const (
	codecPlain = 0
	codecS2    = 1
)

// maxPacked is how large memory to compress in may be that is used again; that of the
// record of an API server's largest ordinary body.
const maxPacked = 4 << 20

var packBuffers = sync.Pool{New: func() any { return new([]byte) }}

// appendBlock appends a block that holds raw, the framed records of one or more
// Appends: compressed, if that makes it smaller.
func appendBlock(b, raw []byte) []byte {
	// S2 wants room for the worst case, more than raw, and mostly fills a small part.
	buf := packBuffers.Get().(*[]byte)
	if need := s2.MaxEncodedLen(len(raw)); cap(*buf) < need && need <= maxPacked {
		*buf = make([]byte, need)
	}
	codec, stored := byte(codecPlain), raw
	if packed := s2.Encode((*buf)[:cap(*buf)], raw); len(packed) < len(raw) {
		codec, stored = codecS2, packed
	}
	b = slices.Grow(b, maxBlock(len(stored)))
	b = append(b, codec)
	b = binary.AppendUvarint(b, uint64(len(raw)))
	b = appendBytes(b, stored)
	packBuffers.Put(buf)
	return b
}

// maxBlock returns what a block of n bytes before compression takes at most.
func maxBlock(n int) int { return 1 + 2*binary.MaxVarintLen64 + n }

// decodeBlocks reads blocks that take all of b and returns their records. A block
// longer than limit bytes before compression is refused before memory is taken.
func decodeBlocks(b []byte, limit int) ([]Record, error) {
	var records []Record
	d := decoder{b: b}
	for d.rest() > 0 && d.err == nil {
		raw, err := d.block(limit)
		if err != nil {
			return nil, err
		}
		inner := decoder{b: raw}
		for inner.rest() > 0 && inner.err == nil {
			one := inner.bytes()
			if inner.err != nil {
				break
			}
			r, err := decodeRecord(one)
			if err != nil {
				return nil, err
			}
			records = append(records, r)
		}
		if err := inner.end(); err != nil {
			return nil, fmt.Errorf("block: %w", err)
		}
	}
	return records, d.end()
}

// block reads one block and returns its content.
func (d *decoder) block(limit int) ([]byte, error) {
	codec := byte(codecPlain)
	if d.rest() > 0 {
		codec = d.b[d.off]
		d.off++
	}
	size, stored := d.uvarint(), d.bytes()
	if d.err != nil {
		return nil, fmt.Errorf("block: %w", d.err)
	}
	if size > uint64(limit) {
		return nil, fmt.Errorf("block: %w: %d bytes, the limit is %d", errMalformed, size, limit)
	}
	switch codec {
	case codecPlain:
		if size != uint64(len(stored)) {
			return nil, fmt.Errorf("block: %w: plain, but %d and %d bytes long", errMalformed, size, len(stored))
		}
		return stored, nil
	case codecS2:
		n, err := s2.DecodedLen(stored)
		if err != nil || uint64(n) != size {
			return nil, fmt.Errorf("block: %w: S2 data of %d bytes, announced as %d (%v)", errMalformed, n, size, err)
		}
		raw, err := s2.Decode(nil, stored)
		if err != nil {
			return nil, fmt.Errorf("block: %w: %w", errMalformed, err)
		}
		return raw, nil
	}
	return nil, fmt.Errorf("block: %w: codec %d is unknown", errMalformed, codec)
}
