package spool

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// States of a log, in Status.
const (
	StateOpen     = "open"
	StateFull     = "full" // the disk has no room; others are seen by Append only
	StatePoisoned = "poisoned"
	StateDraining = "draining"
)

// Counters count since the log was opened.
type Counters struct {
	Records     uint64 `json:"records"`      // Appends answered with nil
	Events      uint64 `json:"events"`       // events in them
	DeadItems   uint64 `json:"dead_items"`   // dead letters in them
	Unknown     uint64 `json:"unknown"`      // Appends answered with Unknown
	Refused     uint64 `json:"refused"`      // Appends answered with another error
	Messages    uint64 `json:"messages"`     // written, chunks included
	Chunked     uint64 `json:"chunked"`      // records cut into chunks
	TornChunks  uint64 `json:"torn_chunks"`  // discarded, for each consumer
	Delivered   uint64 `json:"delivered"`    // records settled by handlers, for each consumer
	Gaps        uint64 `json:"gaps"`         // times a reader went back to its cursor because messages did not arrive
	Redelivered uint64 `json:"redelivered"`  // deliveries repeated after an error
	DeadLetters uint64 `json:"dead_letters"` // records given up by handlers
	Reopened    uint64 `json:"reopened"`     // times the store was opened anew after a full disk
}

func (c *Counters) appended(r *Record, err error) {
	switch {
	case err == nil:
		c.Records++
		c.Events += uint64(len(r.Events))
		c.DeadItems += uint64(len(r.Dead))
	case errors.As(err, new(Unknown)):
		c.Unknown++
	default:
		c.Refused++
	}
}

// Status is what can be said about a log.
type Status struct {
	State       string           `json:"state"`               // StateOpen, ...; a view does not know and has StateOpen
	Reason      string           `json:"reason,omitempty"`    // of the state, in words
	Messages    uint64           `json:"messages"`            // stored, and not settled by all consumers
	Bytes       uint64           `json:"bytes"`               // of them
	MaxBytes    int64            `json:"max_bytes"`           // limit of Bytes
	FirstSeq    uint64           `json:"first_sequence"`      // sequence of the first message stored
	LastSeq     uint64           `json:"last_sequence"`       // sequence of the last message stored, ever
	FreeBytes   int64            `json:"free_bytes"`          // of the disk; 0 for an external server
	DeadLetters uint64           `json:"dead_letters"`        // messages of dead letters that are kept
	Consumers   []ConsumerStatus `json:"consumers"`           // in the order of their names
	Counters    Counters         `json:"counters"`            // of a Log; zero in a view
	Unsettled   map[string]int64 `json:"unsettled,omitempty"` // bytes by cluster, if there are quotas; nil in a view
}

// ConsumerStatus is what can be said about a consumer.
type ConsumerStatus struct {
	Name        string        `json:"name"`
	Cursor      uint64        `json:"cursor"`                 // sequence up to which all is settled
	Pending     uint64        `json:"pending"`                // messages not settled; a moment behind Lag, by the server's count
	InHand      uint64        `json:"in_hand"`                // messages of Pending that its reader has
	Lag         uint64        `json:"lag"`                    // sequences from the cursor to the end of the log
	Oldest      time.Time     `json:"oldest,omitzero"`        // when the first message not settled was stored; zero: none
	OldestAge   time.Duration `json:"-"`                      // how long ago that was
	Reading     bool          `json:"reading"`                // a Consume of this process runs
	LastFailure string        `json:"last_failure,omitempty"` // what its handler, or its connection, said last; "" after a success
}

// Status asks the store.
func (l *Log) Status(ctx context.Context) (Status, error) {
	s, err := l.view().Status(ctx)
	if err != nil {
		return s, err
	}
	if l.cfg.hasQuotas() {
		s.Unsettled = l.ledger.byCluster()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.Counters = l.counters
	switch {
	case errors.As(l.fault, new(Poisoned)):
		s.State, s.Reason = StatePoisoned, l.fault.Error()
	case l.draining:
		s.State = StateDraining
	case l.fault != nil:
		s.State, s.Reason = StateFull, l.fault.Error()
	}
	for i := range s.Consumers {
		c := &s.Consumers[i]
		c.Reading, c.LastFailure = l.reading[c.Name], l.failures[c.Name]
	}
	return s, nil
}

// Status asks the store.
func (v *View) Status(ctx context.Context) (Status, error) {
	info, err := v.eng.stream.Info(ctx)
	if err != nil {
		return Status{}, fmt.Errorf("spool: status: %w", err)
	}
	s := Status{
		State: StateOpen, Messages: info.State.Msgs, Bytes: info.State.Bytes, MaxBytes: info.Config.MaxBytes,
		FirstSeq: info.State.FirstSeq, LastSeq: info.State.LastSeq,
	}
	if v.cfg.Dir != "" {
		if s.FreeBytes, err = v.cfg.freeSpace(v.cfg.Dir); err != nil {
			return Status{}, err
		}
	}
	if dead, err := v.eng.js.Stream(ctx, v.cfg.deadStream()); err == nil {
		s.DeadLetters = dead.CachedInfo().State.Msgs
	}
	if s.Consumers, err = v.consumers(ctx, info.State.LastSeq); err != nil {
		return Status{}, fmt.Errorf("spool: status: %w", err)
	}
	return s, nil
}

func (v *View) consumers(ctx context.Context, last uint64) ([]ConsumerStatus, error) {
	var out []ConsumerStatus
	list := v.eng.stream.ListConsumers(ctx)
	for info := range list.Info() {
		if info.Config.Metadata[mark] == "" {
			continue
		}
		cursor := info.AckFloor.Stream
		out = append(out, ConsumerStatus{
			Name: info.Name, Cursor: cursor, Pending: info.NumPending + uint64(info.NumAckPending),
			InHand: uint64(info.NumAckPending), Lag: max(last, cursor) - cursor,
		})
	}
	if err := list.Err(); err != nil {
		return nil, err
	}
	for i := range out {
		c := &out[i]
		if c.Pending == 0 {
			continue
		}
		m, err := next(ctx, v.eng.stream, v.cfg.subject(), c.Cursor+1)
		if err != nil {
			return nil, err
		}
		if m != nil {
			c.Oldest, c.OldestAge = m.Time, v.cfg.Now().Sub(m.Time)
		}
	}
	return out, nil
}
