package spool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// watch looks after the store until the log is closed: it finds faults, leaves a
// full disk behind once there is room, gives settled bytes back to the clusters,
// and sees that the consumers are there.
func (l *Log) watch() {
	tick := time.NewTicker(l.cfg.recheck)
	defer tick.Stop()
	for {
		select {
		case <-l.stop.Done():
			return
		case <-l.news:
			_ = l.diagnose(nil)
		case <-tick.C:
			var full Full
			if errors.As(l.Fault(), &full) {
				l.recover()
			} else if l.Fault() == nil && l.diagnose(nil) == nil {
				l.settleShares()
			}
		}
	}
}

// diagnose asks the store how it is, notes a fault, and returns it, or fallback if
// there is none.
func (l *Log) diagnose(fallback error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault != nil {
		return l.fault
	}
	err := l.eng.health()
	if err == nil || l.stop.Err() != nil { // a store that is being closed is none
		return fallback
	}
	if l.eng.server == nil {
		// The client connects again by itself.
		return errors.Join(fallback, err)
	}
	if outOfSpace(err) {
		l.setFault(Full{Reason: FullDisk, Detail: err.Error(), RetryAfter: l.cfg.RetryAfter})
	} else {
		l.setFault(Poisoned{Cause: err})
	}
	return l.fault
}

// setFault notes a fault, under l.mu.
func (l *Log) setFault(fault error) {
	l.cfg.Logger.Error("spool: the store takes nothing", "error", fault)
	l.fault = fault
	close(l.faulted)
	if errors.As(fault, new(Poisoned)) {
		close(l.poisoned)
	}
}

// outOfSpace tells whether a write found no room. The server reports its errors as
// text only. A failed fsync is worse, whatever it says: what it should have written
// may stand in the page cache as if it were on disk.
func outOfSpace(err error) bool {
	text := err.Error()
	if strings.Contains(text, ": sync ") || strings.Contains(text, ": fsync ") {
		return false
	}
	return strings.Contains(text, syscall.ENOSPC.Error()) || strings.Contains(text, syscall.EDQUOT.Error())
}

// recover opens the store anew once the disk has room: a server that a write failed
// for refuses all others until then.
func (l *Log) recover() {
	// Some more than the floor, or the next write would be the end again.
	free, err := l.cfg.freeSpace(l.cfg.Dir)
	if err != nil || free < l.cfg.FreeFloor+2*int64(l.cfg.MaxPayload) {
		return
	}
	old := l.engineNow()
	old.close()
	ctx, cancel := context.WithTimeout(l.stop, startTimeout)
	defer cancel()
	e, err := startEngine(ctx, &l.cfg, l.kick)
	if err != nil {
		l.cfg.Logger.Error("spool: the store does not open again, more attempts follow", "error", err)
		// A closed engine stands in until then.
		l.mu.Lock()
		defer l.mu.Unlock()
		l.eng = &engine{conn: old.conn, js: old.js, stream: old.stream, gone: make(chan struct{})}
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.eng, l.fault, l.faulted = e, nil, make(chan struct{})
	l.counters.Reopened++
	l.cfg.Logger.Info("spool: the disk has room again, the store is open")
}

// settleShares gives the bytes of what all consumers have settled back, and finds
// consumers that somebody has deleted from an external server: while one is gone the
// log may acknowledge what it does not keep.
func (l *Log) settleShares() {
	ctx, cancel := context.WithTimeout(l.stop, askTimeout)
	defer cancel()
	floor, err := floorOf(ctx, l.engineNow().stream, l.cfg.Consumers)
	switch {
	case err == nil:
		l.ledger.settled(floor)
	case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrStreamNotFound):
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.fault == nil {
			l.setFault(Poisoned{Cause: fmt.Errorf("%w; what was appended since may not have been kept", err)})
		}
	}
}
