package spool

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// version is the first byte of every message written.
const version = 1

// Kinds of a message.
const (
	kindGroup = 1
	kindChunk = 2
)

const (
	headLen     = 10 // version, kind, writer
	tailLen     = 4  // CRC
	groupLen    = headLen + tailLen
	maxChunkLen = groupLen + 4*binary.MaxVarintLen64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// chunk is the body of a chunk.
type chunk struct {
	record, index, total uint64
	piece                []byte
}

// message is a decoded message: its blocks, or a chunk.
type message struct {
	writer uint64
	chunk  *chunk // nil in a group
	blocks []byte // the body of a group
}

// unknownVersion says that a message was written by a later version of this
// program: it is not garbage, and it is not for us to judge.
type unknownVersion struct{ version byte }

func (e unknownVersion) Error() string {
	return fmt.Sprintf("message: version %d, this program reads version %d; run a later one", e.version, version)
}

func appendHead(b []byte, kind byte, writer uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, version, kind), writer)
}

// seal appends the CRC of the message b.
func seal(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// chunks cuts a block into messages of at most limit bytes.
func chunks(writer, record uint64, block []byte, limit int) [][]byte {
	size := limit - maxChunkLen
	total := (len(block) + size - 1) / size
	ms := make([][]byte, 0, total)
	for i := range total {
		piece := block[i*size : min(len(block), (i+1)*size)]
		b := appendHead(make([]byte, 0, maxChunkLen+len(piece)), kindChunk, writer)
		b = binary.AppendUvarint(b, record)
		b = binary.AppendUvarint(b, uint64(i))
		b = binary.AppendUvarint(b, uint64(total))
		ms = append(ms, seal(appendBytes(b, piece)))
	}
	return ms
}

// decodeMessage checks a message and tells its kind. It aliases b.
func decodeMessage(b []byte) (message, error) {
	if len(b) < groupLen {
		return message{}, fmt.Errorf("message: %w: %d bytes, the shortest has %d", errMalformed, len(b), groupLen)
	}
	if b[0] != version {
		return message{}, unknownVersion{b[0]}
	}
	end := len(b) - tailLen
	if got, want := crc32.Checksum(b[:end], castagnoli), binary.LittleEndian.Uint32(b[end:]); got != want {
		return message{}, fmt.Errorf("message: %w: CRC-32C %08x, written as %08x", errMalformed, got, want)
	}
	m := message{writer: binary.BigEndian.Uint64(b[2:headLen])}
	body := b[headLen:end:end]
	switch b[1] {
	case kindGroup:
		m.blocks = body
		return m, nil
	case kindChunk:
		d := decoder{b: body}
		m.chunk = &chunk{record: d.uvarint(), index: d.uvarint(), total: d.uvarint(), piece: d.bytes()}
		if err := d.end(); err != nil {
			return message{}, fmt.Errorf("chunk: %w", err)
		}
		if c := m.chunk; c.total < 2 || c.index >= c.total || c.record == 0 || len(c.piece) == 0 {
			return message{}, fmt.Errorf("chunk: %w: %d of %d of record %d, %d bytes", errMalformed, c.index, c.total, c.record, len(c.piece))
		}
		return m, nil
	}
	return message{}, fmt.Errorf("message: %w: kind %d is unknown", errMalformed, b[1])
}
