package spool

import (
	"fmt"
	"time"
)

// assembler puts chunked records together. Chunks of several writers may stand
// between each other, those of one writer do not: it writes one record after the
// other, so whatever else comes from it ends a record that is not complete.
type assembler struct {
	limit int // bytes of a block
	parts map[uint64]*partial
}

// partial is a record of which chunks are missing.
type partial struct {
	record, total uint64
	block         []byte
	next          uint64   // index of the chunk that is missing
	seqs          []uint64 // of the chunks that came
	since         time.Time
}

// piece is what a message turned out to be.
type piece struct {
	records []Record
	seqs    []uint64 // messages that make up the records
	torn    []uint64 // messages of records that never will be complete
}

// add takes the message stored under seq. An error means that the message, and those
// in piece.seqs, cannot be read; torn ones come with it.
func (a *assembler) add(seq uint64, at time.Time, data []byte) (piece, error) {
	m, err := decodeMessage(data)
	if err != nil {
		return piece{seqs: []uint64{seq}}, err
	}
	if m.chunk == nil {
		p := piece{seqs: []uint64{seq}, torn: a.drop(m.writer)}
		p.records, err = decodeBlocks(m.blocks, a.limit)
		return p, err
	}
	return a.chunk(seq, at, m.writer, m.chunk)
}

func (a *assembler) chunk(seq uint64, at time.Time, writer uint64, c *chunk) (piece, error) {
	var p piece
	part := a.parts[writer]
	switch {
	case part != nil && part.record == c.record && part.total == c.total && c.index < part.next:
		return p, nil // delivered twice; the first stands
	case part == nil || part.record != c.record || part.total != c.total || part.next != c.index:
		p.torn = a.drop(writer)
		if c.index != 0 {
			p.torn = append(p.torn, seq) // its beginning was torn off
			return p, nil
		}
		part = &partial{record: c.record, total: c.total, since: at}
		if a.parts == nil {
			a.parts = map[uint64]*partial{}
		}
		a.parts[writer] = part
	}
	part.block = append(part.block, c.piece...)
	part.seqs = append(part.seqs, seq)
	part.next++
	if len(part.block) > maxBlock(a.limit) {
		p.seqs = a.drop(writer)
		return p, fmt.Errorf("chunk: %w: a record of more than %d bytes", errMalformed, a.limit)
	}
	if part.next < part.total {
		return p, nil
	}
	p.seqs = a.drop(writer)
	var err error
	p.records, err = decodeBlocks(part.block, a.limit)
	return p, err
}

// drop forgets what has come of a writer's record and returns its messages.
func (a *assembler) drop(writer uint64) []uint64 {
	part := a.parts[writer]
	if part == nil {
		return nil
	}
	delete(a.parts, writer)
	return part.seqs
}

// dropIf forgets the incomplete records for which torn holds.
func (a *assembler) dropIf(torn func(writer uint64, since time.Time) bool) []uint64 {
	var seqs []uint64
	for writer, part := range a.parts {
		if torn(writer, part.since) {
			seqs = append(seqs, a.drop(writer)...)
		}
	}
	return seqs
}
