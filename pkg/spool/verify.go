package spool

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Verification is what reading a whole log found.
type Verification struct {
	Messages   uint64       `json:"messages"` // read
	Bytes      uint64       `json:"bytes"`    // of them, without the store's own framing
	Records    uint64       `json:"records"`
	Events     uint64       `json:"events"`
	DeadItems  uint64       `json:"dead_items"` // dead letters in records
	Incomplete uint64       `json:"incomplete"` // chunks of records that are not complete: torn, or being written
	Unreadable []Unreadable `json:"unreadable"` // messages that are damaged, foreign or of a later version
}

// Unreadable is a message that Verify could not read.
type Unreadable struct {
	Seq uint64
	Err error
}

// MarshalJSON gives the error as a text.
func (u Unreadable) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Seq    uint64 `json:"sequence"`
		Reason string `json:"reason"`
	}{u.Seq, u.Err.Error()})
}

// Verify reads every message that the log holds and checks it down to the records:
// the store's checksums, ours, and every length. The error says that the log could
// not be read to its end, not that something in it is wrong.
func (v *View) Verify(ctx context.Context) (Verification, error) {
	var out Verification
	asm := assembler{limit: v.cfg.MaxRecord + 16}
	err := v.walk(ctx, v.eng.stream, v.cfg.subject(), func(m *jetstream.RawStreamMsg) error {
		out.Messages++
		out.Bytes += uint64(len(m.Data))
		p, err := asm.add(m.Sequence, m.Time, m.Data)
		out.Incomplete += uint64(len(p.torn))
		if err != nil {
			out.Unreadable = append(out.Unreadable, Unreadable{m.Sequence, err})
		}
		for i := range p.records {
			out.Records++
			out.Events += uint64(len(p.records[i].Events))
			out.DeadItems += uint64(len(p.records[i].Dead))
		}
		return nil
	})
	for _, part := range asm.parts {
		out.Incomplete += uint64(len(part.seqs))
	}
	if err != nil {
		return out, fmt.Errorf("spool: verify: %w", err)
	}
	return out, nil
}
