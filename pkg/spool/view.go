package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// View looks at a log without taking part in it.
type View struct {
	cfg  Config
	eng  *engine
	lock *os.File // nil for an external server, and for the view of a Log
}

// View returns a look at an open log; it lasts until the log is closed and needs no
// Close.
func (l *Log) View() *View { return l.view() }

func (l *Log) view() *View { return &View{cfg: l.cfg, eng: l.engineNow()} }

// Inspect looks at a log that this process does not have open, for a command:
// streams and consumers are left as they are, whatever the configuration names. An
// embedded store must not be open elsewhere.
func Inspect(ctx context.Context, cfg Config) (*View, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	cfg.readOnly = true
	v := &View{cfg: cfg}
	if cfg.Dir != "" {
		if _, err := os.Stat(cfg.Dir); err != nil {
			return nil, fmt.Errorf("spool: %w", err)
		}
		if v.lock, err = lockDir(cfg.Dir); err != nil {
			return nil, err
		}
	}
	if v.eng, err = startEngine(ctx, &cfg, func() {}); err != nil {
		if v.lock != nil {
			_ = v.lock.Close()
		}
		return nil, err
	}
	return v, nil
}

// Close ends a view made by Inspect.
func (v *View) Close() {
	v.eng.close()
	if v.lock != nil {
		_ = v.lock.Close()
	}
}

// stored is a record's, or a group's, messages as they stand in a stream.
type stored struct {
	seq     uint64 // of the last message
	at      time.Time
	header  nats.Header
	bytes   int
	records []Record
	err     error // why the message cannot be read
}

// records reads a stream from its beginning to what is its end now. Chunks of
// records that are not complete are passed over.
func (v *View) records(ctx context.Context, s jetstream.Stream, subject string, f func(stored) error) error {
	asm := assembler{limit: 2*v.cfg.MaxRecord + 16}
	return v.walk(ctx, s, subject, func(m *jetstream.RawStreamMsg) error {
		p, err := asm.add(m.Sequence, m.Time, m.Data)
		if err == nil && len(p.records) == 0 {
			return nil
		}
		return f(stored{m.Sequence, m.Time, m.Header, len(m.Data), p.records, err})
	})
}

// walk reads the messages of a stream.
func (v *View) walk(ctx context.Context, s jetstream.Stream, subject string, f func(*jetstream.RawStreamMsg) error) error {
	info, err := s.Info(ctx)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	for seq := info.State.FirstSeq; seq <= info.State.LastSeq; seq++ {
		m, err := next(ctx, s, subject, seq)
		if err != nil || m == nil {
			return err
		}
		if seq = m.Sequence; seq > info.State.LastSeq {
			return nil
		}
		if err := f(m); err != nil {
			return err
		}
	}
	return nil
}

// next returns the first message from seq on, nil if there is none.
func next(ctx context.Context, s jetstream.Stream, subject string, seq uint64) (*jetstream.RawStreamMsg, error) {
	m, err := s.GetMsg(ctx, max(seq, 1), jetstream.WithGetMsgSubject(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("spool: message %d: %w", seq, err)
	}
	return m, nil
}
